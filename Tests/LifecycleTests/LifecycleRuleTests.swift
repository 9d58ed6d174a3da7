import ClusterModel
import Lifecycle
import Testing

/// A lifecycle of one lease registry, one that checks nodes, and one that lists them, of which each test changes what
/// it is about.
private struct Scene {
  var lifecycle: MemberLifecycle
  private(set) var changes = LifecycleChanges.none
  private var now = Duration.zero
  var conditions = [
    RegistryCondition(name: "service", leases: true, isHeard: true),
    RegistryCondition(name: "kubernetes", leases: false, isHeard: true),
    RegistryCondition(name: "inventory", leases: false, expect: .seconds(600), isHeard: true),
  ]

  init(_ retention: TombstoneRetention = TombstoneRetention()) {
    lifecycle = MemberLifecycle(retention: retention)
    apply([.registries(conditions)])
  }

  func moment(_ seconds: Duration) -> Moment {
    Moment(
      elapsed: seconds, wall: Timestamp(milliseconds: 1_800_000_000_000 + seconds.components.seconds * 1000))
  }

  mutating func apply(_ updates: [LifecycleUpdate]) {
    changes = lifecycle.apply(updates, at: moment(now))
  }

  mutating func at(_ seconds: Int) {
    now = .seconds(seconds)
    apply([])
  }

  mutating func put(
    _ node: String, from registry: String = "service", name: String? = nil, address: String? = nil,
    isNewcomer: Bool = false, _ body: (inout AffiliateRecord) -> Void = { _ in }
  ) throws {
    var record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity(node), addresses: try address.map { [try IPAddress($0)] } ?? [],
        nodename: name ?? node))
    body(&record)
    apply([
      .record(record, from: RecordSource(registry: registry), of: record.affiliate.nodeID),
      .merged(record.affiliate, isNewcomer: isNewcomer),
    ])
  }

  mutating func remove(_ node: String, from registry: String = "service", _ reason: DepartureReason) throws {
    let id = try NodeIdentity(node)
    apply([
      .gone(
        record: id, from: RecordSource(registry: registry), of: id, reason: reason,
        lastSeen: Timestamp(milliseconds: 7))
    ])
  }

  mutating func condition(_ index: Int, _ body: (inout RegistryCondition) -> Void) {
    body(&conditions[index])
    apply([.registries(conditions)])
  }

  func status(_ node: String) -> String {
    guard let id = try? NodeIdentity(node), let status = lifecycle.view.status(of: id) else { return "-" }
    let flags = status.flags.isEmpty ? "" : ",\(status.flags)"
    return "\(status.state)\(flags)/\(status.reason)"
  }

  func message(_ node: String) -> String? {
    let view = lifecycle.view
    guard let id = try? NodeIdentity(node), let status = view.status(of: id) else { return nil }
    return status.message(at: moment(now), replaced: view.replaced(by: status))
  }

  var tombstones: [String] {
    lifecycle.view.tombstones.map { "\($0.name)@\($0.node) \($0.state)/\($0.reason)" }
  }
}

@Suite("Flapping")
struct FlappingTests {
  @Test("the third return within ten minutes is flapping, the second isn't, and a transition draws it out")
  func flapping() throws {
    var scene = Scene()
    try scene.put("w")
    for at in [100, 200] {
      scene.at(at)
      try scene.remove("w", .withdrawn)
      try scene.put("w")
    }
    #expect(scene.status("w") == "ready/leased")
    scene.at(699)
    try scene.remove("w", .withdrawn)
    #expect(scene.changes.transitions.map(\.isFlapping) == [false])
    try scene.put("w")
    #expect(scene.changes.transitions.map(\.isFlapping) == [true])
    #expect(scene.status("w") == "ready,flapping/leased")
    scene.at(1000)
    try scene.remove("w", .expired)
    scene.at(1299)
    try scene.put("w")
    scene.at(1898)
    #expect(scene.status("w") == "ready,flapping/leased")
    #expect(scene.lifecycle.nextDeadline == .seconds(1899))
    scene.at(1899)
    #expect(scene.status("w") == "ready/leased")
    #expect(scene.changes.statuses.count == 1)
    #expect(scene.lifecycle.nextDeadline == nil)
  }

  @Test("however often a node comes and goes, no more is kept of it")
  func bounded() throws {
    var scene = Scene()
    for _ in 0..<100 {
      try scene.put("w")
      try scene.remove("w", .withdrawn)
    }
    #expect(scene.lifecycle.state.nodes.map(\.returns.count) == [3])
  }

  @Test("a return ten minutes ago doesn't count any more")
  func window() throws {
    var scene = Scene()
    try scene.put("w")
    for at in [100, 400, 700] {
      scene.at(at)
      try scene.remove("w", .withdrawn)
      try scene.put("w")
    }
    #expect(scene.status("w") == "ready/leased")
  }

  @Test("coming back from stale isn't a return, coming back from not ready is")
  func whatCounts() throws {
    var scene = Scene()
    try scene.put("s")
    try scene.put("k", from: "kubernetes") { $0.health = .ready }
    for at in [10, 20, 30, 40] {
      scene.at(at)
      scene.condition(0) { $0.isStale = true }
      scene.condition(0) { $0.isStale = false }
      try scene.put("k", from: "kubernetes") { $0.health = .notReady(reason: "KubeletNotReady") }
      try scene.put("k", from: "kubernetes") { $0.health = .ready }
    }
    #expect(scene.status("s") == "ready/leased")
    #expect(scene.status("k") == "ready,flapping/healthy")
  }

  @Test("once the tombstone has ended the marks have too, though the node is still known to come and go")
  func marks() throws {
    var scene = Scene(TombstoneRetention(left: .seconds(5)))
    try scene.put("w")
    try scene.remove("w", .withdrawn)
    try scene.put("w")
    try scene.remove("w", .withdrawn)
    scene.at(6)
    #expect(scene.tombstones.isEmpty)
    try scene.put("w", from: "inventory")
    #expect(scene.status("w") == "ready/declared")
  }

  @Test("it outlives the tombstone and a restart")
  func restart() throws {
    var scene = Scene(TombstoneRetention(left: .seconds(5)))
    try scene.put("w")
    for at in [100, 200] {
      scene.at(at)
      try scene.remove("w", .withdrawn)
      scene.at(at + 50)
      #expect(scene.tombstones.isEmpty)
      try scene.put("w")
    }
    let state = scene.lifecycle.state
    var next = MemberLifecycle()
    let now = scene.moment(.seconds(250))
    _ = next.restore(
      state, [.registries(scene.conditions)], at: Moment(elapsed: .zero, wall: now.wall))
    #expect(next.state.nodes.map(\.returns) == state.nodes.map(\.returns))
  }
}

@Suite("Expected nodes")
struct ExpectedTests {
  @Test("the time of the first registry that expects it counts, from when it listed it")
  func due() throws {
    var scene = Scene()
    scene.at(100)
    try scene.put("w", from: "inventory")
    #expect(scene.lifecycle.nextDeadline == .seconds(700))
    scene.at(400)
    try scene.put("w", from: "inventory", address: "10.0.0.1")
    scene.at(699)
    #expect(scene.status("w") == "ready/declared")
    scene.at(700)
    #expect(scene.status("w") == "missing/never-seen")
    #expect(scene.changes.transitions.map(\.reason) == [.neverSeen])
  }

  @Test("a lease registry's outage stops the time, and what was said before stays")
  func outage() throws {
    var scene = Scene()
    try scene.put("early", from: "inventory")
    scene.at(300)
    try scene.put("late", from: "inventory")
    scene.at(600)
    #expect(scene.status("early") == "missing/never-seen")
    scene.condition(0) { $0.isHeard = false }
    scene.at(5000)
    #expect(scene.status("early") == "missing/never-seen")
    #expect(scene.status("late") == "ready/declared")
    #expect(scene.lifecycle.nextDeadline == nil)
    scene.condition(0) { $0.isHeard = true }
    #expect(scene.lifecycle.nextDeadline == .seconds(5600))
    scene.at(5600)
    #expect(scene.status("late") == "missing/never-seen")
  }

  @Test("a lease or health ends it, and then the time has been over all along")
  func ends() throws {
    var scene = Scene()
    try scene.put("w", from: "inventory")
    scene.at(600)
    try scene.put("w", from: "kubernetes") { $0.health = .ready }
    #expect(scene.status("w") == "ready/healthy")
    scene.condition(2) { $0.expect = nil }
    try scene.remove("w", from: "kubernetes", .deleted)
    #expect(scene.status("w") == "ready/declared")
    scene.condition(2) { $0.expect = .seconds(600) }
    #expect(scene.status("w") == "missing/never-seen")
  }

  @Test("without a lease registry nobody is expected")
  func noLeases() throws {
    var scene = Scene()
    scene.condition(0) { $0.leases = false }
    try scene.put("w", from: "inventory")
    scene.at(100_000)
    #expect(scene.status("w") == "ready/declared")
  }
}

@Suite("Ties and marks")
struct MarkTests {
  @Test("at one moment the loss counts of who is still listed, the goodbye of who isn't")
  func ties() throws {
    for order in [[DepartureReason.withdrawn, .expired], [.expired, .withdrawn]] {
      var scene = Scene()
      scene.conditions.append(RegistryCondition(name: "agents", leases: true, isHeard: true))
      scene.condition(0) { _ in }
      for registry in ["service", "agents", "inventory"] { try scene.put("w", from: registry) }
      scene.at(10)
      try scene.remove("w", from: "service", order[0])
      try scene.remove("w", from: "agents", order[1])
      #expect(scene.status("w") == "missing/expired")
      try scene.remove("w", from: "inventory", .deleted)
      #expect(scene.tombstones == ["w@w left/withdrawn"])
    }
  }

  @Test("the later mark counts")
  func later() throws {
    var scene = Scene()
    for registry in ["service", "kubernetes", "inventory"] { try scene.put("w", from: registry) }
    scene.at(10)
    try scene.remove("w", .expired)
    scene.at(11)
    try scene.remove("w", from: "kubernetes", .withdrawn)
    #expect(scene.status("w") == "left/withdrawn")
    #expect(scene.message("w") == "left kubernetes 0s ago (withdrawn); still in inventory")
  }

  @Test("of several sources of a registry the best one counts")
  func sources() throws {
    var scene = Scene()
    let eu = RecordSource(registry: "service", source: try RegistrySource("eu"))
    try scene.put("w")
    try scene.put("w", from: "inventory")
    let affiliate = Affiliate(nodeID: try NodeIdentity("w"), nodename: "w")
    scene.apply([.record(AffiliateRecord(affiliate), from: eu, of: affiliate.nodeID)])
    try scene.remove("w", .expired)
    #expect(scene.status("w") == "ready/leased")
    scene.condition(0) { $0.staleSources = [eu.source] }
    #expect(scene.status("w") == "stale/registry-failed")
    let sources = scene.lifecycle.view.sources(of: affiliate.nodeID)
    #expect(sources.map(\.presence) == [.stale(.registryFailed), .fresh])
    scene.apply([
      .gone(record: affiliate.nodeID, from: eu, of: affiliate.nodeID, reason: .withdrawn, lastSeen: nil)
    ])
    #expect(scene.status("w") == "missing/expired")
  }

  @Test("a record that comes to be of another node leaves nothing behind")
  func moved() throws {
    var scene = Scene()
    try scene.put("w", from: "inventory")
    let id = try NodeIdentity("w")
    scene.apply([
      .gone(record: id, from: RecordSource(registry: "inventory"), of: id, reason: nil, lastSeen: nil)
    ])
    #expect(scene.status("w") == "-")
    #expect(scene.tombstones.isEmpty)
    #expect(scene.changes.transitions.isEmpty)
    #expect(scene.changes.statuses.count == 1)
    #expect(scene.lifecycle.state.nodes.isEmpty)
  }

  @Test("who isn't there shows when it was last seen")
  func lastSeen() throws {
    var scene = Scene()
    for registry in ["service", "inventory"] { try scene.put("w", from: registry) }
    let id = try NodeIdentity("w")
    #expect(scene.lifecycle.view.status(of: id)?.lastSeen == nil)
    try scene.remove("w", .expired)
    #expect(scene.lifecycle.view.status(of: id)?.lastSeen == Timestamp(milliseconds: 7))
  }
}

@Suite("Nodenames")
struct NodenameTests {
  @Test("a node that is up goes before one that came later, and takes over when that one is lost")
  func up() throws {
    var scene = Scene()
    scene.condition(2) { $0.expect = nil }
    try scene.put("old", name: "w")
    scene.at(10)
    try scene.put("new", name: "w", isNewcomer: true)
    #expect(scene.status("old") == "ready,conflict/leased")
    #expect(scene.changes.owners.map { "\($0.name) \($0.node)" } == ["w new"])
    try scene.put("new", from: "inventory", name: "w")
    scene.at(20)
    try scene.remove("new", .expired)
    #expect(scene.status("new") == "missing,conflict/expired")
    #expect(scene.lifecycle.view.status(named: "w")?.node.text == "old")
    #expect(scene.changes.owners.map { "\($0.name) \($0.node)" } == ["w old"])
    try scene.remove("new", from: "inventory", .deleted)
    #expect(scene.status("old") == "ready/leased")
  }

  @Test("of a crowd with one name a change of one shows only that one and the member otherwise")
  func crowd() throws {
    var scene = Scene()
    scene.condition(2) { $0.expect = nil }
    let names = (100..<400).map { "n\($0)" }
    for (position, node) in names.enumerated() {
      scene.at(position + 1)
      try scene.put(node, name: "w", isNewcomer: true)
      if position > 8 { #expect(scene.changes.statuses.count <= 2, "\(position)") }
      #expect(scene.lifecycle.view.status(named: "w")?.node.text == node, "who came last has the name")
    }
    let first = scene.lifecycle.view.status(of: try NodeIdentity("n100"))
    #expect(first?.heldBy?.text == "n399")
    #expect(
      first?.message(at: Moment(elapsed: .seconds(400), wall: Timestamp(milliseconds: 0)))
        == "nodename w is claimed by more than 8 nodes")
    #expect(scene.lifecycle.view.statuses().count == 1)
    #expect(scene.lifecycle.view.statuses(unlisted: true).count == 300)
    // The member goes: the one that came before it has the name.
    scene.at(1000)
    try scene.remove("n399", .withdrawn)
    #expect(scene.lifecycle.view.status(named: "w")?.node.text == "n398")
    #expect(scene.changes.statuses.count <= 3)
    // As few as each is told of the others are as if there had never been more.
    for (position, node) in names.dropLast().reversed().enumerated() where position > 2 {
      scene.at(2000 + position)
      try scene.remove(node, .withdrawn)
    }
    #expect(scene.lifecycle.view.statuses(unlisted: true).map(\.node.text) == ["n398", "n396", "n397"])
    #expect(scene.lifecycle.view.status(of: try NodeIdentity("n396"))?.heldBy?.text == "n398")
  }

  @Test("of two that came with the first snapshot the lower identity has the name")
  func text() throws {
    for order in [["a", "b"], ["b", "a"]] {
      var scene = Scene()
      for node in order { try scene.put(node, name: "w") }
      #expect(scene.lifecycle.view.status(named: "w")?.node.text == "a")
    }
  }

  @Test("of two that came with the first snapshot the one that is found ready has the name")
  func health() throws {
    var scene = Scene()
    try scene.put("a", from: "kubernetes", name: "w") { $0.health = .notReady(reason: "KubeletNotReady") }
    try scene.put("b", from: "kubernetes", name: "w") { $0.health = .ready }
    #expect(scene.lifecycle.view.status(named: "w")?.node.text == "b")
  }

  @Test("who disputes something with a node is called by its new name at once")
  func renamedPartner() throws {
    var scene = Scene()
    for node in ["a", "b"] { try scene.put(node, address: "10.0.0.1") }
    scene.apply([
      .dispute(.address(try IPAddress("10.0.0.1")), [try NodeIdentity("a"), try NodeIdentity("b")])
    ])
    try scene.put("b", name: "c", address: "10.0.0.1")
    #expect(scene.message("a") == "10.0.0.1 is also c's")
    #expect(scene.changes.statuses.map(\.node.text) == ["a", "b"])
  }

  @Test("this node has its name, whoever came later")
  func local() throws {
    var scene = Scene()
    try scene.put("z", name: "w")
    scene.apply([.local(try NodeIdentity("z"))])
    scene.at(10)
    try scene.put("a", name: "w", isNewcomer: true)
    #expect(scene.lifecycle.view.status(named: "w")?.node.text == "z")
  }

  @Test(
    "an address, a machine id or a key in common make a loser superseded; what every machine has doesn't",
    arguments: [
      ("10.0.0.1", "", "", true), ("172.17.0.1", "", "", false), ("fe80::1", "", "", false),
      ("", "0123", "", true), ("", "", "key", true), ("", "", "", false),
    ])
  func superseded(address: String, machine: String, key: String, isSame: Bool) throws {
    var scene = Scene()
    func fill(_ record: inout AffiliateRecord) {
      record.machineID = machine
      if !key.isEmpty { record.affiliate.kubeSpan = KubeSpanAffiliate(publicKey: key) }
    }
    let shared = address.isEmpty ? nil : address
    try scene.put("old", name: "w", address: shared, fill)
    scene.at(10)
    try scene.put("new", name: "w", address: shared, isNewcomer: true, fill)
    #expect(scene.status("old") == (isSame ? "left/superseded" : "ready,conflict/leased"))
    #expect(scene.status("new") == (isSame ? "ready/leased" : "ready,conflict/leased"))
    scene.at(70)
    if isSame {
      #expect(scene.message("old") == "replaced by new 1m ago")
      #expect(scene.message("new") == "replaced old 1m ago")
    }
    try scene.remove("old", .expired)
    #expect(scene.tombstones == [isSame ? "w@old left/superseded" : "w@old missing/expired"])
    #expect(scene.status("new") == "ready/leased")
  }

  @Test("an address disputed between two names flags both, until one has another name or address")
  func dispute() throws {
    var scene = Scene()
    try scene.put("a", address: "10.0.0.1")
    try scene.put("b", address: "10.0.0.1")
    let nodes = [try NodeIdentity("a"), try NodeIdentity("b")]
    let address = DisputedValue.address(try IPAddress("10.0.0.1"))
    scene.apply([.dispute(address, nodes)])
    #expect(scene.status("a") == "ready,conflict/leased")
    #expect(scene.message("a") == "10.0.0.1 is also b's")
    #expect(scene.changes.statuses.count == 2)
    try scene.put("b", name: "a", address: "10.0.0.1")
    #expect(scene.status("a") == "ready/leased")
    #expect(scene.status("b") == "left/superseded")
    try scene.put("b", name: "c", address: "10.0.0.1")
    #expect(scene.message("a") == "10.0.0.1 is also c's")
    scene.apply([.dispute(address, [])])
    #expect(scene.status("a") == "ready/leased")
  }

  @Test("a name that a node has again has no tombstone any more")
  func renamedBack() throws {
    var scene = Scene()
    try scene.put("n", name: "a")
    try scene.put("n", name: "b")
    #expect(scene.tombstones == ["a@n left/renamed"])
    try scene.put("n", name: "a")
    #expect(scene.tombstones == ["b@n left/renamed"])
    #expect(scene.changes.transitions.isEmpty)
    try scene.put("n", name: "")
    #expect(scene.tombstones == ["a@n left/unnamed", "b@n left/renamed"])
  }
}

@Suite("Tombstones")
struct TombstoneTests {
  @Test("beyond the limit the oldest of nodes that left go first, then the oldest missing ones")
  func limit() throws {
    var scene = Scene(TombstoneRetention(maximumCount: 3))
    for (at, end) in [("a", DepartureReason.expired), ("b", .withdrawn), ("c", .expired), ("d", .withdrawn)]
      .enumerated()
    {
      scene.at(at)
      try scene.put(end.0)
      try scene.remove(end.0, end.1)
    }
    #expect(scene.tombstones == ["a@a missing/expired", "c@c missing/expired", "d@d left/withdrawn"])
    for node in ["e", "f"] {
      try scene.put(node)
      try scene.remove(node, .expired)
    }
    #expect(scene.tombstones == ["c@c missing/expired", "e@e missing/expired", "f@f missing/expired"])
    #expect(scene.changes.tombstones.map(\.hasEnded) == [false, true])
    #expect(scene.lifecycle.state.nodes.count == 3)
  }

  @Test("forgetting ends a tombstone and its marks, by nodename or identity")
  func forget() throws {
    for name in ["w", "id"] {
      var scene = Scene()
      try scene.put("id", name: "w")
      try scene.remove("id", .expired)
      let changes = try scene.lifecycle.forget(name, at: scene.moment(.seconds(1)))
      #expect(changes.tombstones.map(\.hasEnded) == [true])
      #expect(scene.lifecycle.state.nodes.isEmpty)
      #expect(scene.lifecycle.nextDeadline == nil)
      try scene.put("id", from: "inventory", name: "w")
      #expect(scene.status("id") == "ready/declared")
    }
  }

  @Test("a node that a registry lists can't be forgotten: the error names who lists it")
  func listed() throws {
    var scene = Scene()
    for registry in ["service", "inventory"] { try scene.put("id", from: registry, name: "w") }
    try scene.remove("id", .expired)
    let now = scene.moment(.seconds(1))
    #expect(throws: MemberLifecycle.ForgetError.listed("w", registries: ["inventory"])) {
      _ = try scene.lifecycle.forget("w", at: now)
    }
    #expect(throws: MemberLifecycle.ForgetError.unknown("x")) { _ = try scene.lifecycle.forget("x", at: now) }
    #expect(scene.status("id") == "missing/expired")
  }

  @Test("a transition is of the time when it was due, however late anybody looks")
  func late() throws {
    var scene = Scene()
    try scene.put("w", from: "inventory")
    scene.at(90_000)
    #expect(scene.changes.transitions.map(\.at.elapsed) == [.seconds(600)])
  }
}
