import AffiliateMerge
import ClusterModel
import Testing

@Suite("This node")
struct LocalTests {
  @Test("the local node is what it says of itself; what registries say of it is only listed")
  func localAlone() throws {
    var merge = try ClusterMerge([
      (k8s, try record("me", addresses: ["10.0.0.9"], hostname: "k", type: .worker)),
      (service, try record("me", hostname: "s")),
    ])
    let me = try record("me", addresses: ["10.0.0.1"], hostname: "me", nodename: "n").affiliate
    _ = try merge.apply(.local(AffiliateRecord(me)), at: at(1))
    #expect(try merge.merged("me") == me)
    #expect(merge.localID == me.nodeID)
    #expect(merge.rawCount == 2)
    #expect(merge.conflicts().isEmpty)
    #expect(merge.member("n")?.value.nodeID == me.nodeID)
    let hostname = try #require(try merge.provenance("me", .hostname))
    #expect(hostname.rule == .local)
    #expect(hostname.claims.map(\.origin) == [nil, k8s, service])
    #expect(hostname.claims.map(\.isChosen) == [true, false, false])
    #expect(try merge.provenance("me", .machineType) == nil)
    let change = try merge.apply(.upsert(try record("me", hostname: "other"), from: k8s), at: at(2))
    #expect(change.count == 1, "the raw affiliate alone")
  }

  @Test("without local data registries speak of the node again")
  func localGone() throws {
    var merge = try ClusterMerge([(k8s, try record("me", hostname: "k"))])
    _ = try merge.apply(.local(try record("me", hostname: "me")), at: at(1))
    _ = try merge.apply(.local(nil), at: at(2))
    #expect(try merge.merged("me")?.hostname == "k")
    #expect(merge.localID == nil)
    _ = try merge.apply(.local(try record("new", hostname: "new")), at: at(3))
    let changes = try merge.apply(.local(nil), at: at(4))
    #expect(try merge.merged("new") == nil)
    #expect(changes.count == 1)
  }

  @Test("another local identity leaves the former to the registries")
  func newIdentity() throws {
    var merge = try ClusterMerge([(k8s, try record("old", hostname: "k"))])
    _ = try merge.apply(.local(try record("old", hostname: "me")), at: at(1))
    _ = try merge.apply(.local(try record("new", hostname: "me")), at: at(2))
    #expect(try merge.merged("old")?.hostname == "k")
    #expect(try merge.merged("new")?.hostname == "me")
    #expect(merge.localID?.text == "new")
  }

  @Test("the same local data again is no change, but refreshes its age")
  func refresh() throws {
    var merge = ClusterMerge()
    let me = try record("me", hostname: "me").affiliate
    #expect(try merge.apply(.local(AffiliateRecord(me)), at: at(1)).count == 1)
    #expect(try merge.apply(.local(AffiliateRecord(me)), at: at(5)).isEmpty)
    #expect(try merge.provenance("me", .hostname)?.claims.first?.at == at(5))
  }
}
