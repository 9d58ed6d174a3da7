import AffiliateMerge
import ClusterModel
import Testing

@Suite("Members")
struct MemberTests {
  @Test("an affiliate is a member when it has a nodename, and is called by it")
  func byNodename() throws {
    var merge = try ClusterMerge([(k8s, try record("a", hostname: "h"))])
    #expect(merge.memberCount == 0)
    _ = try merge.apply(.upsert(try record("a", nodename: "n1"), from: service), at: at(1))
    #expect(merge.member("n1")?.value.hostname == "h")
    let renamed = try merge.apply(.upsert(try record("a", nodename: "n2"), from: service), at: at(2))
    #expect(merge.members().map(\.value.id) == ["n2"])
    let members = renamed.compactMap { change -> String? in
      if case .member(let change) = change { "\(change.kind) \(change.key)" } else { nil }
    }
    #expect(members.sorted() == ["created n2", "removed n1"])
    _ = try merge.apply(.remove(try NodeIdentity("a"), from: service), at: at(3))
    #expect(merge.members().isEmpty)
  }

  @Test("of two nodes with one nodename the lower identity is the member, and it is a conflict")
  func lowerIdentity() throws {
    for order in [["a", "b"], ["b", "a"]] {
      var merge = ClusterMerge()
      for id in order {
        _ = try merge.apply(.upsert(try record(id, hostname: id, nodename: "n"), from: k8s), at: at(1))
      }
      #expect(merge.members().map(\.value.hostname) == ["a"])
      #expect(merge.conflict(.nodename("n"))?.value.nodes.map(\.text) == ["a", "b"])
    }
  }

  @Test("a fresh claim on a nodename is stronger than a stale one of a lower identity")
  func freshClaim() throws {
    var merge = try ClusterMerge([
      (k8s, try record("a", hostname: "a", nodename: "n")),
      (k8s, try record("b", hostname: "b", nodename: "n")),
    ])
    _ = try merge.apply(
      .upsert(try record("a", hostname: "a", nodename: "n", stale: true), from: k8s), at: at(5))
    let member = try #require(merge.member("n"))
    #expect(member.value.hostname == "b")
    #expect(member.version == 2)
    #expect(member.created == at(0))
    #expect(member.updated == at(5))
  }

  @Test("a member's version doesn't rise with what isn't a member's")
  func memberVersion() throws {
    var merge = try ClusterMerge([(k8s, try record("a", nodename: "n", key: "k"))])
    _ = try merge.apply(.upsert(try record("a", nodename: "n", key: "k2"), from: k8s), at: at(1))
    #expect(merge.affiliate(try NodeIdentity("a"))?.version == 2)
    #expect(merge.member("n")?.version == 1)
  }
}
