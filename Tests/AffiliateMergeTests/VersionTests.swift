import AffiliateMerge
import ClusterModel
import Testing

@Suite("Versions and snapshots")
struct VersionTests {
  @Test("a version starts at 1, rises at a real change and not at a refresh")
  func versions() throws {
    var merge = ClusterMerge()
    let id = try NodeIdentity("a")
    let rawID = RawID(origin: k8s, nodeID: id)
    _ = try merge.apply(.upsert(try record("a", nodename: "n", confirmed: at(1)), from: k8s), at: at(1))
    let refresh = try merge.apply(
      .upsert(try record("a", nodename: "n", confirmed: at(2)), from: k8s), at: at(2))
    #expect(refresh.isEmpty)
    #expect(merge.raw(rawID)?.version == 1)
    #expect(merge.raw(rawID)?.value.confirmedAt == at(2))
    #expect(try merge.provenance("a", .nodename)?.claims.map(\.at) == [at(2)])

    _ = try merge.apply(.upsert(try record("a", hostname: "h", nodename: "n"), from: k8s), at: at(3))
    let raw = try #require(merge.raw(rawID))
    let affiliate = try #require(merge.affiliate(id))
    let member = try #require(merge.member("n"))
    #expect([raw.version, affiliate.version, member.version] == [2, 2, 2])
    #expect([raw.created, affiliate.created, member.created] == [at(1), at(1), at(1)])
    #expect([raw.updated, affiliate.updated, member.updated] == [at(3), at(3), at(3)])
  }

  @Test("what went and came again is new")
  func cameAgain() throws {
    var merge = try ClusterMerge([(k8s, try record("a", nodename: "n"))])
    _ = try merge.apply(.upsert(try record("a", nodename: "n", type: .worker), from: k8s), at: at(1))
    _ = try merge.apply(.remove(try NodeIdentity("a"), from: k8s), at: at(2))
    _ = try merge.apply(.upsert(try record("a", nodename: "n"), from: k8s), at: at(3))
    let again = try #require(merge.affiliate(try NodeIdentity("a")))
    #expect(again.version == 1)
    #expect(again.created == at(3))
    #expect(merge.member("n")?.version == 1)
  }

  @Test("a snapshot removes what isn't in it and changes only what differs")
  func snapshot() throws {
    var merge = ClusterMerge()
    let many = try (0..<50).map { try record("n\($0)", hostname: "h\($0)") }
    #expect(try merge.apply(.snapshot(many, from: service), at: at(1)).count == 100)
    #expect(try merge.apply(.snapshot(many, from: service), at: at(2)).isEmpty)
    #expect(try merge.apply(.snapshot(many.reversed(), from: service), at: at(3)).isEmpty)
    #expect(try merge.provenance("n7", .hostname)?.claims.map(\.at) == [at(3)])

    var next = Array(many.dropFirst())
    next[0] = try record("n1", hostname: "other")
    let changes = try merge.apply(.snapshot(next, from: service), at: at(4))
    let reported = changes.map { change -> String in
      switch change {
      case .raw(let change, _, _): "raw \(change.kind) \(change.key)"
      case .moved(let move): "moved \(move.id)"
      case .affiliate(let change): "affiliate \(change.kind) \(change.key)"
      case .member(let change): "member \(change.kind) \(change.key)"
      case .conflict(let change): "conflict \(change.kind) \(change.key)"
      }
    }
    #expect(
      reported == [
        "raw updated service/n1", "affiliate updated n1", "raw removed service/n0", "affiliate removed n0",
      ])
    #expect(try merge.apply(.snapshot([], from: service), at: at(5)).count == 98)
    #expect(merge.rawCount == 0)
  }

  #if DEBUG
    @Test("a snapshot that has an id twice is a mistake of who validated it")
    func duplicates() async {
      await #expect(processExitsWith: .failure) {
        var merge = ClusterMerge()
        _ = try merge.apply(.snapshot([try record("a"), try record("a")], from: k8s), at: at(1))
      }
    }
  #else
    @Test("of a node that is in a snapshot more than once the last record counts")
    func duplicates() throws {
      for known in [[], [try record("a", hostname: "0")]] {
        var merge = ClusterMerge()
        _ = try merge.apply(.snapshot(known, from: k8s), at: at(0))
        let records = [
          try record("a", hostname: "1"), try record("b", hostname: "b"), try record("a", hostname: "2"),
        ]
        let changes = try merge.apply(.snapshot(records, from: k8s), at: at(1))
        #expect(changes.count == 4)
        #expect(try merge.merged("a")?.hostname == "2")
        #expect(merge.rawCount(of: "kubernetes") == 2)
      }
    }
  #endif

  @Test("a snapshot of one source leaves the other source's records")
  func snapshotOfOneSource() throws {
    var merge = try ClusterMerge([(serviceUS, try record("a")), (serviceEU, try record("b"))])
    _ = try merge.apply(.snapshot([], from: serviceEU), at: at(1))
    #expect(merge.rawAffiliates().map(\.id.description) == ["service:us.example.org/a"])
  }

  @Test("what nobody knows goes without a change")
  func unknown() throws {
    var merge = try ClusterMerge([(k8s, try record("a"))])
    #expect(try merge.apply(.remove(try NodeIdentity("b"), from: k8s), at: at(1)).isEmpty)
    #expect(try merge.apply(.remove(try NodeIdentity("a"), from: service), at: at(1)).isEmpty)
    #expect(try merge.apply(.originGone(service), at: at(1)).isEmpty)
    #expect(try merge.apply(.registryGone("service"), at: at(1)).isEmpty)
    #expect(try merge.apply(.local(nil), at: at(1)).isEmpty)
    #expect(merge.provenance(of: try NodeIdentity("b")) == nil)
    #expect(merge.affiliateCount == 1)
  }

  @Test("a copy is a snapshot: later changes don't reach it")
  func copies() throws {
    var merge = try ClusterMerge([(k8s, try record("a", hostname: "1", nodename: "n"))])
    let copy = merge
    _ = try merge.apply(.upsert(try record("a", hostname: "2", nodename: "m"), from: k8s), at: at(1))
    _ = try merge.apply(.upsert(try record("b", hostname: "1"), from: k8s), at: at(1))
    #expect(try copy.merged("a")?.hostname == "1")
    #expect(copy.members().map(\.value.id) == ["n"])
    #expect(copy.affiliateCount == 1)
    #expect(copy.rawCount == 1)
  }
}
