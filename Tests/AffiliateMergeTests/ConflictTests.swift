import AffiliateMerge
import ClusterModel
import Testing

@Suite("Conflicts")
struct ConflictTests {
  @Test("registries that disagree on a scalar: all claims, the winner marked")
  func disagreement() throws {
    var merge = try ClusterMerge([
      (k8s, try record("a", hostname: "k", os: "x")), (service, try record("a", hostname: "s", os: "x")),
      (inventory, try record("a")),
    ])
    let id = try NodeIdentity("a")
    let conflicts = merge.conflicts()
    #expect(conflicts.map(\.value.key) == [.field(.hostname, of: id)])
    let claims = try #require(conflicts.first).value.claims
    #expect(claims.map(\.origin) == [k8s, service])
    #expect(claims.map(\.values) == [["k"], ["s"]])
    #expect(claims.map(\.isChosen) == [false, true])
    #expect(merge.conflicts(of: id) == conflicts)
    let settled = try merge.apply(.upsert(try record("a", hostname: "s", os: "x"), from: k8s), at: at(1))
    #expect(merge.conflicts().isEmpty)
    #expect(merge.conflictCount == 0)
    #expect(
      settled.contains { if case .conflict(let change) = $0 { change.kind == .removed } else { false } })
  }

  @Test("another record of the loser changes the conflict, not the affiliate")
  func loserChanges() throws {
    var merge = try ClusterMerge([
      (k8s, try record("a", hostname: "k")), (service, try record("a", hostname: "s")),
    ])
    let id = try NodeIdentity("a")
    let before = merge.affiliate(id)
    _ = try merge.apply(.upsert(try record("a", hostname: "k2"), from: k8s), at: at(1))
    #expect(merge.conflict(.field(.hostname, of: id))?.version == 2)
    #expect(merge.affiliate(id) == before)
  }

  @Test("two nodes with one address, KubeSpan address or public key")
  func shared() throws {
    let merge = try ClusterMerge([
      (k8s, try record("a", addresses: ["10.0.0.1"], key: "key", kubeSpanAddress: "fd00::1")),
      (
        service,
        try record("b", addresses: ["10.0.0.2", "10.0.0.1"], key: "key", kubeSpanAddress: "fd00::1")
      ),
      (service, try record("c", addresses: ["10.0.0.3"], key: "other")),
    ])
    let keys: [ConflictKey] = [
      .address(try IPAddress("10.0.0.1")), .address(try IPAddress("fd00::1")), .publicKey("key"),
    ]
    #expect(merge.conflicts().map(\.value.key) == keys)
    #expect(merge.conflicts().allSatisfy { $0.value.nodes.map(\.text) == ["a", "b"] })
    #expect(merge.conflicts(of: try NodeIdentity("b")).map(\.value.key) == keys)
    #expect(merge.conflicts(of: try NodeIdentity("c")).isEmpty)
  }

  @Test("an address that only means something on its own machine or link is no conflict")
  func linkLocal() throws {
    let addresses = ["127.0.0.1", "fe80::1", "169.254.0.1", "::1"]
    let merge = try ClusterMerge([
      (k8s, try record("a", addresses: addresses)), (k8s, try record("b", addresses: addresses)),
    ])
    #expect(merge.conflicts().isEmpty)
  }

  @Test("an address that moves from one node to another")
  func movedAddress() throws {
    var merge = ClusterMerge()
    let before = [try record("a", addresses: ["10.0.0.1"]), try record("b", addresses: ["10.0.0.2"])]
    _ = try merge.apply(.snapshot(before, from: service), at: at(0))
    _ = try merge.apply(.upsert(try record("b", addresses: ["10.0.0.1"]), from: service), at: at(1))
    let key = ConflictKey.address(try IPAddress("10.0.0.1"))
    #expect(merge.conflict(key)?.value.nodes.map(\.text) == ["a", "b"])
    _ = try merge.apply(.upsert(try record("a"), from: service), at: at(2))
    #expect(merge.conflict(key) == nil)

    // In one snapshot there is no moment at which both have it, in whichever order they are listed.
    for records in [[0, 1], [1, 0]] {
      let swapped = [try record("a", addresses: ["10.0.0.1"]), try record("b", addresses: ["10.0.0.2"])]
      var merge = ClusterMerge()
      _ = try merge.apply(.snapshot(before, from: service), at: at(0))
      let moved = [try record("a", addresses: ["10.0.0.2"]), try record("b", addresses: ["10.0.0.1"])]
      let changes = try merge.apply(.snapshot(records.map { moved[$0] }, from: service), at: at(1))
      #expect(!changes.contains { if case .conflict = $0 { true } else { false } })
      #expect(merge.conflicts().isEmpty)
      _ = try merge.apply(.snapshot(swapped, from: service), at: at(2))
      #expect(merge.conflicts().isEmpty)
    }
  }

  @Test("a third node joins a conflict and leaves it")
  func thirdNode() throws {
    var merge = try ClusterMerge([(k8s, try record("a", key: "key")), (k8s, try record("b", key: "key"))])
    #expect(merge.conflict(.publicKey("key"))?.version == 1)
    _ = try merge.apply(.upsert(try record("c", key: "key"), from: k8s), at: at(1))
    #expect(merge.conflict(.publicKey("key"))?.value.nodes.map(\.text) == ["a", "b", "c"])
    #expect(merge.conflict(.publicKey("key"))?.version == 2)
    _ = try merge.apply(.remove(try NodeIdentity("a"), from: k8s), at: at(2))
    #expect(merge.conflict(.publicKey("key"))?.value.nodes.map(\.text) == ["b", "c"])
    let ended = try merge.apply(.remove(try NodeIdentity("b"), from: k8s), at: at(3))
    #expect(merge.conflict(.publicKey("key")) == nil)
    #expect(ended.count == 3)
  }

  @Test(
    "what more than eight nodes have is told once as shared, however many get it and lose it",
    arguments: ["10.9.9.9", "172.17.0.1", "nodename", "key"])
  func manySharers(what: String) throws {
    let isAddress = what.contains(".")
    let key: ConflictKey =
      isAddress ? .address(try IPAddress(what)) : what == "key" ? .publicKey(what) : .nodename(what)
    func sharer(_ number: Int) throws -> AffiliateRecord {
      try record(
        "n\(1000 + number)", addresses: isAddress ? [what] : [], nodename: key == .nodename(what) ? what : "",
        key: what == "key" ? what : "")
    }
    var merge = ClusterMerge()
    var told: [Conflict?] = []
    func take(_ changes: [ClusterChange]) {
      for change in changes { if case .conflict(let change) = change { told.append(change.new?.value) } }
    }
    for number in 0..<200 { take(try merge.apply(.upsert(try sharer(number), from: service), at: at(1))) }
    let shared = try #require(told.last ?? nil)
    #expect(shared.isShared && shared.nodes.isEmpty && shared.rule == nil)
    // A bridge's address is shared from the second one on.
    #expect(told.count == (what == "172.17.0.1" ? 1 : 8))
    #expect(merge.conflict(key)?.value == shared)
    #expect(merge.holders(of: key).map(\.text) == (0..<200).map { "n\(1000 + $0)" })
    #expect(shared.owner?.text == (what == "nodename" ? "n1000" : nil))
    told = []
    for number in 1..<190 {
      take(try merge.apply(.remove(try sharer(number).affiliate.nodeID, from: service), at: at(2)))
    }
    #expect(told.isEmpty)
    for number in 190..<200 {
      take(try merge.apply(.remove(try sharer(number).affiliate.nodeID, from: service), at: at(3)))
    }
    #expect(told.last == .some(nil))
    #expect(merge.conflict(key) == nil)
  }
}
