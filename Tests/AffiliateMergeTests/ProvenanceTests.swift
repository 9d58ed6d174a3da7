import AffiliateMerge
import ClusterModel
import Testing

@Suite("Provenance")
struct ProvenanceTests {
  private func rule(
    _ reported: [(RecordOrigin, AffiliateRecord)], _ field: AffiliateField,
    policy: MergePolicy = MergePolicy()
  ) throws -> MergeRule? {
    try ClusterMerge(reported, policy: policy).provenance("a", field)?.rule
  }

  @Test("each choice names its rule")
  func rules() throws {
    let k = (k8s, try record("a", addresses: ["10.0.0.1"], hostname: "k", os: "k"))
    let s = (service, try record("a", addresses: ["10.0.0.2"], hostname: "s", os: "s"))
    let old = (service, try record("a", hostname: "s", os: "s", stale: true))
    #expect(try rule([k], .hostname) == .onlyClaim)
    #expect(try rule([k], .addresses) == .onlyClaim)
    #expect(try rule([k, (service, k.1)], .hostname) == .agreement)
    #expect(try rule([k, (service, k.1)], .addresses) == .agreement)
    #expect(try rule([k, s], .hostname) == .lastByRawID)
    #expect(try rule([k, s], .operatingSystem) == .firstByRawID)
    #expect(try rule([k, s], .addresses) == .union)
    #expect(try rule([k, old], .hostname) == .fresh)
    #expect(try rule([k, s], .hostname, policy: MergePolicy(precedence: ["service"])) == .precedence)
    #expect(try rule([k, s], .operatingSystem, policy: MergePolicy(precedence: ["service"])) == .precedence)
    #expect(try rule([k], .nodename) == nil)
  }

  @Test("claims say what is from where, how old it is, and whether it counts")
  func claims() throws {
    var merge = ClusterMerge()
    _ = try merge.apply(
      .upsert(try record("a", addresses: ["10.0.0.1"], hostname: "k", confirmed: at(3)), from: k8s), at: at(4)
    )
    _ = try merge.apply(
      .upsert(try record("a", addresses: ["10.0.0.2"], hostname: "s", stale: true), from: service), at: at(5))
    let hostname = try #require(try merge.provenance("a", .hostname))
    #expect(hostname.values == ["k"])
    #expect(
      hostname.claims == [
        FieldClaim(origin: k8s, values: ["k"], isChosen: true, isStale: false, at: at(3)),
        FieldClaim(origin: service, values: ["s"], isChosen: false, isStale: true, at: at(5)),
      ])
    let addresses = try #require(try merge.provenance("a", .addresses))
    #expect(addresses.values == ["10.0.0.1", "10.0.0.2"])
    #expect(addresses.claims.map(\.isChosen) == [true, true])
    let fields = merge.provenance(of: try NodeIdentity("a"))?.map(\.field)
    #expect(fields == [.addresses, .hostname])
  }

  @Test("a snapshot confirms every record of its origin")
  func ageBySnapshot() throws {
    var merge = ClusterMerge()
    let records = [try record("a", hostname: "h")]
    _ = try merge.apply(.snapshot(records, from: k8s), at: at(1))
    _ = try merge.apply(.snapshot(records, from: k8s), at: at(7))
    #expect(try merge.provenance("a", .hostname)?.claims.map(\.at) == [at(7)])
    _ = try merge.apply(.upsert(records[0], from: k8s), at: at(9))
    #expect(try merge.provenance("a", .hostname)?.claims.map(\.at) == [at(9)])
  }
}
