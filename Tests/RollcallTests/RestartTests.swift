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
      try await aggregator.waitUntilSynced(timeout: .seconds(20))
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
      try await aggregator.waitUntilSynced(timeout: .seconds(20))
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
        try await aggregator.waitUntilSynced(timeout: .seconds(20))
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
      try await first.waitUntilSynced(timeout: .seconds(20))
      try registry.session().remove(try NodeIdentity("a"), reason: .deleted)
      try await eventually("it is told") { first.history.entries.contains { $0.to == "removed" } }
      saved = first.savedState()
    }
    let before = try #require(saved).history
    let second = try aggregator(["one": StagedRegistry(knowing: [])], after: saved)
    try await running(second) {
      try await second.waitUntilSynced(timeout: .seconds(20))
      try await eventually("its sync is told") { second.history.entries.count > before.count }
      let entries = second.history.entries
      #expect(Array(entries.prefix(before.count)) == before)
      #expect(entries.map(\.number) == entries.map(\.number).sorted())
      #expect(Set(entries.map(\.number)).count == entries.count)
    }
  }
}
