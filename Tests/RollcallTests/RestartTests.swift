import ClusterModel
import Lifecycle
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("Over a restart", .timeLimit(.minutes(2)))
struct RestartTests {
  /// An aggregator that runs `registries`, with what one before it left.
  private func aggregator(
    _ registries: [String: StagedRegistry], leases: Bool = false,
    retention: RetentionPolicy = RetentionPolicy(),
    clock: ManualClock? = nil, after saved: SavedState? = nil
  ) throws -> Aggregator {
    var choices = options(clock)
    choices.restored = saved
    return try Aggregator(
      registries: registries.sorted { $0.key < $1.key }.map { name, registry in
        var definition = RegistryDefinition(name: name, retention: retention, registry: registry)
        definition.leases = leases
        return definition
      }, options: choices, logger: quiet)
  }

  /// What an aggregator leaves that heard `registries` say all they know.
  private func left(by registries: [String: StagedRegistry], leases: Bool = false) async throws -> SavedState
  {
    let aggregator = try aggregator(registries, leases: leases)
    var saved: SavedState?
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      saved = aggregator.savedState()
    }
    return try #require(saved)
  }

  private func words(_ aggregator: Aggregator) -> [String] {
    aggregator.snapshot().life.statuses().map { "\($0.name) \($0.state) \($0.reason)" }
  }

  @Test(
    "what registries last said is there before any of them has run, as stale, with its versions and times")
  func thereAtOnce() async throws {
    let saved = try await left(by: ["one": StagedRegistry(knowing: [try affiliate("a", address: "10.0.0.1")])]
    )
    let aggregator = try aggregator(["one": StagedRegistry()], after: saved)
    let snapshot = aggregator.snapshot()
    #expect(snapshot.members.map(\.value.id) == ["a"])
    #expect(snapshot.members.first?.value.addresses == [try IPAddress("10.0.0.1")])
    #expect(snapshot.members.first?.created == saved.members["a"]?.created)
    #expect(words(aggregator) == ["a stale cached"])
    #expect(!snapshot.isSynced)
  }

  @Test(
    "a registry that says the same again makes it as before: state, since and version, and nothing has happened"
  )
  func confirmed() async throws {
    let known = [try affiliate("a"), try affiliate("b")]
    var saved = try await left(by: ["one": StagedRegistry(knowing: known)], leases: true)
    saved.members["a"]?.number = 7
    let since = saved.lives.nodes.first?.status?.since
    let aggregator = try aggregator(["one": StagedRegistry(knowing: known)], leases: true, after: saved)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      #expect(words(aggregator) == ["a ready leased", "b ready leased"])
      #expect(aggregator.snapshot().life.status(named: "a")?.since.wall == since)
      #expect(aggregator.snapshot().merge.member("a")?.version == 7)
      #expect(aggregator.history.entries.filter { $0.kind == .member }.isEmpty)
    }
  }

  @Test(
    "who a lease registry doesn't list any more after a restart is held; a declaration that is gone is deleted"
  )
  func absent() async throws {
    let known = [try affiliate("a"), try affiliate("b")]
    for leases in [true, false] {
      let saved = try await left(by: ["one": StagedRegistry(knowing: known)], leases: leases)
      let aggregator = try aggregator(
        ["one": StagedRegistry(knowing: [known[0]])], leases: leases, after: saved)
      try await running(aggregator) {
        try await aggregator.waitUntilSynced(timeout: .seconds(60))
        if leases {
          #expect(words(aggregator) == ["a ready leased", "b stale cached"])
        } else {
          #expect(words(aggregator) == ["a ready declared"])
          #expect(aggregator.snapshot().life.tombstones.map { "\($0.name) \($0.reason)" } == ["b deleted"])
        }
      }
    }
  }

  @Test("what a registry said that isn't configured any more is gone as disabled")
  func disabled() async throws {
    let saved = try await left(by: [
      "one": StagedRegistry(knowing: [try affiliate("a")]),
      "two": StagedRegistry(knowing: [try affiliate("b")]),
    ])
    let aggregator = try aggregator(["one": StagedRegistry(knowing: [try affiliate("a")])], after: saved)
    #expect(words(aggregator) == ["a stale cached"])
    #expect(aggregator.snapshot().life.tombstones.map { "\($0.name) \($0.reason)" } == ["b disabled"])
  }

  @Test("a registry that stays away keeps what is cached, and with `drop` loses it after its staleAfter")
  func dropped() async throws {
    let known = [try affiliate("a")]
    for action in RetentionPolicy.FailureAction.allCases {
      let saved = try await left(by: ["one": StagedRegistry(knowing: known)])
      let clock = ManualClock()
      let aggregator = try aggregator(
        ["one": StagedRegistry()], retention: RetentionPolicy(onFailure: action, staleAfter: .seconds(60)),
        clock: clock, after: saved)
      try await running(aggregator) {
        if action == .drop {
          try await eventually("the time runs") { clock.pending.contains(.seconds(60)) }
          #expect(words(aggregator) == ["a stale cached"])
          clock.advance(by: .seconds(60))
          try await eventually("it is gone") { words(aggregator).isEmpty }
        } else {
          clock.advance(by: .seconds(864_000))
          #expect(words(aggregator) == ["a stale cached"])
        }
      }
    }
  }

  @Test("the history goes on where it was, with numbers that rise")
  func history() async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let first = try aggregator(["one": registry])
    var saved: SavedState?
    try await running(first) {
      try await first.waitUntilSynced(timeout: .seconds(60))
      try registry.session().remove(try NodeIdentity("a"), reason: .deleted)
      try await eventually("it is told") { first.history.entries.contains { $0.to == "removed" } }
      saved = first.savedState()
    }
    let before = try #require(saved).history
    let second = try aggregator(["one": StagedRegistry(knowing: [])], after: saved)
    try await running(second) {
      try await second.waitUntilSynced(timeout: .seconds(60))
      try await eventually("its sync is told") { second.history.entries.count > before.count }
      let entries = second.history.entries
      #expect(Array(entries.prefix(before.count)) == before)
      #expect(entries.map(\.number) == entries.map(\.number).sorted())
      #expect(Set(entries.map(\.number)).count == entries.count)
    }
  }

  /// A registry that knows this machine by `id`, and no identity of it.
  private func inventory(_ id: String, named name: String) throws -> StagedRegistry {
    var record = AffiliateRecord(
      Affiliate(nodeID: try NodeIdentity(id), nodename: name, machineType: .worker), isLocalID: true)
    record.labels = try NodeLabels(["rack": "r1"])
    return StagedRegistry([RegistryBatch(updates: [.snapshot([record], source: .only)])])
  }

  private func joining(
    _ registries: [String: StagedRegistry], alone: StandaloneRole = .member, after saved: SavedState? = nil
  ) throws -> Aggregator {
    var choices = options(nil)
    choices.restored = saved
    return try Aggregator(
      registries: registries.sorted { $0.key < $1.key }.map { name, registry in
        var definition = RegistryDefinition(name: name, registry: registry)
        definition.match = [MatchKey(.nodename), MatchKey(.address)]
        definition.alone = alone
        return definition
      }, options: choices, logger: quiet)
  }

  @Test("a record that was joined to a node is joined to it again at once, and nothing has happened by it")
  func joined() async throws {
    let registries = [
      "inventory": try inventory("17", named: "a"), "one": StagedRegistry(knowing: [try affiliate("a")]),
    ]
    let first = try joining(registries)
    var saved: SavedState?
    try await running(first) {
      try await first.waitUntilSynced(timeout: .seconds(60))
      #expect(first.snapshot().affiliates.count == 1)
      saved = first.savedState()
    }
    let aggregator = try joining(registries, after: saved)
    let node = try affiliate("a").nodeID
    let before = aggregator.snapshot()
    #expect(before.affiliates.map(\.value.nodeID) == [node])
    #expect(before.life.sources(of: node).map(\.registry) == ["inventory", "one"])
    #expect(before.merge.labels(of: node)["rack"] == "r1")
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      #expect(aggregator.snapshot().members.map(\.value.id) == ["a"])
      #expect(aggregator.snapshot().life.tombstones.isEmpty)
      #expect(aggregator.history.entries.filter { $0.kind == .member }.isEmpty)
    }
  }

  @Test(
    "a machine that only an inventory knows is a member or not as `alone` says, before and after a restart")
  func alone() async throws {
    for role in StandaloneRole.allCases {
      let registries = [
        "inventory": try inventory("17", named: "z"), "one": StagedRegistry(knowing: [try affiliate("a")]),
      ]
      let members = role == .member ? ["a", "z"] : ["a"]
      let first = try joining(registries, alone: role)
      var saved: SavedState?
      try await running(first) {
        try await first.waitUntilSynced(timeout: .seconds(60))
        #expect(first.snapshot().members.map(\.value.id) == members)
        #expect(first.snapshot().life.statuses().map(\.name) == members)
        #expect(first.snapshot().affiliates.map(\.value.nodeID.text).contains("inventory/17"))
        saved = first.savedState()
      }
      let aggregator = try joining(registries, alone: role, after: saved)
      #expect(aggregator.snapshot().members.map(\.value.id) == members)
      #expect(aggregator.snapshot().life.statuses().map(\.name) == members)
    }
  }
}
