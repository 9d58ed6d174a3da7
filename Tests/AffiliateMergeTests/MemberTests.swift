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

  /// The member of the nodename `n`, and why.
  private func owner(_ merge: ClusterMerge) throws -> (id: String?, rule: NameRule?) {
    let conflict = try #require(merge.conflict(.nodename("n"))?.value)
    #expect(conflict.owner == merge.member("n")?.value.nodeID)
    return (conflict.owner?.text, conflict.rule)
  }

  @Test("a machine that was set up anew is the member at once: the identity that was heard last")
  func reinstalled() throws {
    var merge = ClusterMerge()
    let old = try record("a-old", addresses: ["10.0.0.1"], nodename: "n")
    _ = try merge.apply(.snapshot([old], from: service), at: at(0))
    let new = try record("b-new", addresses: ["10.0.0.1"], nodename: "n")
    let changes = try merge.apply(.upsert(new, from: service), at: at(60))
    #expect(try owner(merge) == ("b-new", .heardLast))
    #expect(changes.contains { if case .conflict = $0 { true } else { false } })
    // And again, by another registry that lists both for the first time.
    let newer = try record("a-newer", addresses: ["10.0.0.1"], nodename: "n")
    _ = try merge.apply(.upsert(newer, from: service), at: at(120))
    _ = try merge.apply(.snapshot([old, new], from: inventory), at: at(180))
    #expect(try owner(merge) == ("a-newer", .heardLast))
    // What went and comes again is heard again.
    _ = try merge.apply(.remove(try NodeIdentity("a-newer"), from: service), at: at(200))
    #expect(try owner(merge) == ("b-new", .heardLast))
    _ = try merge.apply(.upsert(newer, from: service), at: at(220))
    #expect(try owner(merge) == ("a-newer", .heardLast))
  }

  @Test("what a new source of a registry brings that is in sync is heard then: a new file of an inventory")
  func laterSource() throws {
    let (eu, us) = (serviceEU, serviceUS)
    var merge = ClusterMerge()
    _ = try merge.apply(.snapshot([try record("a-old", nodename: "n")], from: eu), at: at(0))
    merge.noteSynced(registry: "service")
    _ = try merge.apply(.snapshot([try record("b-new", nodename: "n")], from: us), at: at(60))
    #expect(try owner(merge) == ("b-new", .heardLast))
    _ = merge.removeRegistry("service", at: at(61))
    _ = try merge.apply(.snapshot([try record("a", nodename: "n")], from: eu), at: at(70))
    _ = try merge.apply(.snapshot([try record("b", nodename: "n")], from: us), at: at(80))
    #expect(try owner(merge) == ("a", .text))
  }

  @Test("this node's own data win its name, whoever was heard later, and give it back")
  func ownName() throws {
    var merge = ClusterMerge()
    _ = try merge.apply(.snapshot([], from: service), at: at(0))
    let own = try record("own", hostname: "own", nodename: "n")
    _ = merge.setLocal(own, at: at(1))
    _ = try merge.apply(.upsert(try record("other", nodename: "n"), from: service), at: at(60))
    #expect(try owner(merge) == ("own", .local))
    // The registry has this node's record as well: without own data it counts as any other.
    _ = try merge.apply(.upsert(own, from: service), at: at(61))
    _ = merge.setLocal(nil, at: at(62))
    #expect(try owner(merge) == ("other", .heardLast))
  }

  @Test(
    "of two that were there from the start the one that is ready, then the younger one, then the lower one")
  func readyThenYounger() throws {
    func kubernetes(_ id: String, _ health: NodeHealth?, _ createdAt: Int64?) throws -> AffiliateRecord {
      var record = try record(id, nodename: "n")
      record.health = health
      record.createdAt = createdAt.map(at)
      return record
    }
    for (a, b, owner, rule) in [
      (
        try kubernetes("a", .notReady(reason: "Gone"), 9), try kubernetes("b", .ready, 1), "b",
        NameRule.health
      ),
      (try kubernetes("a", .notReady(reason: "Gone"), 9), try kubernetes("b", nil, 1), "b", .health),
      (try kubernetes("a", .ready, 1), try kubernetes("b", .ready, 2), "b", .createdLast),
      (try kubernetes("a", nil, nil), try kubernetes("b", nil, 2), "b", .createdLast),
      (try kubernetes("a", .ready, 2), try kubernetes("b", .ready, 2), "a", .text),
    ] {
      var merge = ClusterMerge()
      _ = try merge.apply(.snapshot([a, b], from: k8s), at: at(0))
      #expect(try self.owner(merge) == (owner, rule))
    }
  }

  @Test("staleness of a whole registry decides anew whose a name is, though no node changes by it")
  func staleReorders() throws {
    var merge = ClusterMerge()
    _ = try merge.apply(
      .snapshot([try record("a", nodename: "n"), try record("b", nodename: "n")], from: service), at: at(0))
    _ = try merge.apply(.snapshot([try record("b", nodename: "n")], from: k8s), at: at(0))
    #expect(try owner(merge) == ("a", .text))
    let changes = merge.setStale(true, registry: "service", at: at(1))
    #expect(try owner(merge) == ("b", .freshness))
    #expect(
      changes.contains {
        if case .member(let change) = $0 { change.new?.value.nodeID.text == "b" } else { false }
      })
    _ = merge.setStale(false, registry: "service", at: at(2))
    #expect(try owner(merge) == ("a", .text))
  }
}
