import AffiliateMerge
import ClusterModel
import Testing

@Suite("Records with local ids")
struct LocalIDTests {
  private func raw(_ origin: RecordOrigin, _ id: String) throws -> RawID {
    RawID(origin: origin, nodeID: try NodeIdentity(id))
  }

  @Test("a record with a local id is a node of its own, called by its raw id")
  func standsAlone() throws {
    let merge = try ClusterMerge([
      (inventory, try record("17", hostname: "i", nodename: "printer", local: true)),
      (k8s, try record("17", hostname: "k", local: true)), (service, try record("17", hostname: "s")),
      (serviceEU, try record("17", hostname: "eu", local: true)),
    ])
    #expect(
      merge.affiliates().map(\.value.nodeID.text) == [
        "17", "inventory/17", "k8s/17", "service:eu.example.org/17",
      ])
    #expect(merge.affiliates().map(\.value.hostname) == ["s", "i", "k", "eu"])
    #expect(merge.member("printer")?.value.nodeID.text == "inventory/17")
    #expect(
      merge.rawAffiliates().map(\.id.description) == [
        "inventory/17", "k8s/17", "service/17", "service:eu.example.org/17",
      ])
    let held = try #require(merge.raw(try raw(inventory, "17"))).value
    #expect(held == (try record("17", hostname: "i", nodename: "printer", local: true)))
  }

  @Test("a local id is removed by the id of its record, and by a snapshot without it")
  func removed() throws {
    var merge = ClusterMerge()
    let records = [try record("1", hostname: "x", local: true), try record("2", hostname: "y")]
    _ = try merge.apply(.snapshot(records, from: inventory), at: at(1))
    let removed = try merge.apply(.remove(try NodeIdentity("1"), from: inventory), at: at(2))
    #expect(removed.count == 3, "the raw affiliate, the affiliate, and the member that its hostname made it")
    #expect(merge.affiliates().map(\.value.nodeID.text) == ["2"])
    _ = try merge.apply(.snapshot(records, from: inventory), at: at(3))
    #expect(try merge.apply(.snapshot(records, from: inventory), at: at(4)).isEmpty)
    _ = try merge.apply(.snapshot([records[1]], from: inventory), at: at(5))
    #expect(merge.affiliates().map(\.value.nodeID.text) == ["2"])
    #expect(merge.rawCount == 1)
  }

  @Test("a record that gets a local id, or loses it, is another record of another node")
  func becomesLocal() throws {
    let id = try NodeIdentity("a")
    let operations: [(Bool) throws -> MergeOperation] = [
      { .upsert(try record("a", hostname: "h", local: $0), from: inventory) },
      { .snapshot([try record("a", hostname: "h", local: $0)], from: inventory) },
    ]
    for report in operations {
      var merge = ClusterMerge()
      _ = try merge.apply(report(false), at: at(1))
      for (round, isLocal) in [true, false, true].enumerated() {
        let changes = try merge.apply(report(isLocal), at: at(2))
        #expect(changes.count == 5, "two raw affiliates, two affiliates, and the member of one hostname")
        #expect(merge.affiliates().map(\.value.nodeID.text) == [isLocal ? "inventory/a" : "a"], "\(round)")
        #expect(merge.raw(RawID(origin: inventory, nodeID: id))?.value.isLocalID == isLocal)
        #expect(merge.raw(RawID(origin: inventory, nodeID: id))?.version == 1)
        #expect(merge.rawCount == 1)
      }
    }
  }

  @Test("of a nodename that a node and a local id claim the identity is the member")
  func nodename() throws {
    let merge = try ClusterMerge([
      (inventory, try record("1", nodename: "n", local: true)), (service, try record("z", nodename: "n")),
    ])
    #expect(merge.member("n")?.value.nodeID.text == "z")
    #expect(merge.conflict(.nodename("n"))?.value.nodes.map(\.text) == ["inventory/1", "z"])
  }

  @Test(
    "who has a hostname alone is a member by it, where no registry knows an identity of it, and only there")
  func namedByHostname() throws {
    let matching = ["inventory": RegistryMatching(keys: [MatchKey(.address)], alone: .member)]
    var merge = ClusterMerge(policy: MergePolicy(matching: matching))
    var machine = try record("17", hostname: "printer", local: true)
    machine.affiliate.addresses = [try IPAddress("10.0.0.9")]
    _ = try merge.apply(.upsert(machine, from: inventory), at: at(1))
    #expect(merge.members().map(\.value.id) == ["printer"])
    let nodename = try #require(
      merge.provenance(of: NodeIdentity(localID: machine.affiliate.nodeID, rawPrefix: inventory.rawPrefix))?
        .first { $0.field == .nodename })
    #expect(nodename.rule == .hostname && nodename.values == ["printer"] && nodename.claims.isEmpty)
    // An identity that has the address has no nodename: it isn't renamed by what joined it.
    var identity = try record("A")
    identity.affiliate.addresses = machine.affiliate.addresses
    _ = try merge.apply(.upsert(identity, from: serviceEU), at: at(2))
    #expect(merge.members().isEmpty && merge.affiliateCount == 1)
    _ = try merge.apply(.remove(identity.affiliate.nodeID, from: serviceEU), at: at(3))
    #expect(merge.members().map(\.value.id) == ["printer"])
    // Nor is one a member whose registry says that its machines aren't.
    _ = merge.setPolicy(
      MergePolicy(matching: ["inventory": RegistryMatching(keys: [], alone: .affiliate)]), at: at(4))
    #expect(merge.members().isEmpty)
  }
}
