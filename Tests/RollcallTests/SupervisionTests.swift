import ClusterModel
import Platform
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("Supervision", .timeLimit(.minutes(2)))
struct SupervisionTests {
  private let clock = ManualClock()
  private let broken = RegistryError(.unavailable, "the rack is on fire")

  private func aggregator(
    _ registry: any Registry, onFailure: RetentionPolicy.FailureAction = .keep, staleAfter: Duration? = nil,
    _ adjust: (inout AggregatorOptions) -> Void = { _ in }
  ) throws -> Aggregator {
    var options = options(clock)
    adjust(&options)
    return try Aggregator(
      registries: [
        RegistryDefinition(
          name: "one", retention: RetentionPolicy(onFailure: onFailure, staleAfter: staleAfter),
          registry: registry)
      ], options: options, logger: quiet)
  }

  @Test("a registry that keeps failing is run again after 0.5 s, 0.75 s, 1.125 s")
  func restarts() async throws {
    let registry = StagedRegistry()
    let aggregator = try aggregator(registry)
    try await running(aggregator) {
      for (run, pause) in [500.0, 750, 1125].enumerated() {
        try await eventually("run \(run + 1)") { registry.isRunning && registry.runs == run + 1 }
        registry.order(.fail(broken))
        try await eventually("it rests") { clock.pending.first == .milliseconds(pause) }
        #expect(aggregator.state("one") == .failed)
        clock.advance(by: .milliseconds(pause))
      }
      try await eventually("run 4") { registry.runs == 4 }
      let status = try #require(aggregator.snapshot().registry("one"))
      #expect(status.restarts == 3)
      // It stays failed, and says why, until it has applied something again.
      #expect(status.state == .failed)
      #expect(status.error == broken)
      try registry.session().snapshot([Affiliate]())
      try await eventually("it is synced") { aggregator.state("one") == .synced }
      #expect(aggregator.snapshot().registry("one")?.error == nil)
      #expect(
        aggregator.snapshot().registry("one")?.lastFailure
          == RegistryStatus.Failure(error: broken, at: Timestamp(milliseconds: 1_000)))
    }
  }

  @Test("after a minute in sync the pauses start from the shortest again")
  func backoffResets() async throws {
    let registry = StagedRegistry(knowing: [])
    let aggregator = try aggregator(registry)
    try await running(aggregator) {
      for (run, pause) in [500.0, 750].enumerated() {
        try await eventually("run \(run + 1)") { registry.isRunning && registry.runs == run + 1 }
        registry.order(.fail(broken))
        try await eventually("it rests") { clock.pending.first == .milliseconds(pause) }
        clock.advance(by: .milliseconds(pause))
      }
      try await eventually("it is synced") { registry.isRunning && aggregator.state("one") == .synced }
      clock.advance(by: .seconds(60))
      registry.order(.fail(broken))
      try await eventually("it rests as at first") { clock.pending.first == .milliseconds(500) }
    }
  }

  @Test("to end without being told to is a failure")
  func returned() async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try aggregator(registry)
    try await running(aggregator) {
      try await eventually("it runs") { registry.isRunning }
      registry.order(.end)
      try await eventually("it has failed") { aggregator.state("one") == .failed }
      #expect(
        aggregator.snapshot().registry("one")?.error?.message == "the registry ended without being told to")
      #expect(aggregator.memberNames == ["a"])
    }
  }

  @Test("what a registry applies right before it fails still counts")
  func lastBatch() async throws {
    struct Brief: Registry {
      func run(_ session: RegistrySession) async throws {
        try session.snapshot([try affiliate("a")])
        throw RegistryError(.failed, "that was all")
      }
    }
    let aggregator = try aggregator(Brief())
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.state("one") == .failed }
      #expect(aggregator.memberNames == ["a"])
      #expect(aggregator.snapshot().registry("one")?.hasSynced == true)
    }
  }

  @Test("keep: a failed registry's records stay, are stale after 5 minutes, and fresh with its next snapshot")
  func keep() async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try aggregator(registry) {
      $0.restart.initial = .seconds(1000); $0.restart.maximum = .seconds(1000)
    }
    try await running(aggregator) {
      try await eventually("it is synced") { registry.isRunning && aggregator.state("one") == .synced }
      registry.order(.fail(broken))
      try await eventually("it rests") { clock.pending == [.seconds(300), .seconds(1000)] }
      #expect(aggregator.memberNames == ["a"])
      clock.advance(by: .seconds(299))
      #expect(aggregator.snapshot().registry("one")?.isStale == false)
      clock.advance(by: .seconds(1))
      try await eventually("it is stale") { aggregator.snapshot().registry("one")?.isStale == true }
      #expect(aggregator.memberNames == ["a"])
      try await eventually("only the pause is left") { clock.pending == [.seconds(700)] }
      clock.advance(by: .seconds(700))
      try await eventually("it is fresh again") {
        aggregator.state("one") == .synced && aggregator.snapshot().registry("one")?.isStale == false
      }
    }
  }

  @Test("drop: a failed registry's records go at once, or when they would be stale", arguments: [nil, 10])
  func drop(staleAfter: Int?) async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try aggregator(
      registry, onFailure: .drop, staleAfter: staleAfter.map { .seconds($0) }
    ) { $0.restart.initial = .seconds(60) }
    try await running(aggregator) {
      try await eventually("it is synced") { registry.isRunning && aggregator.state("one") == .synced }
      registry.order(.fail(broken))
      if let staleAfter {
        try await eventually("it rests") { clock.pending == [.seconds(staleAfter), .seconds(60)] }
        #expect(aggregator.memberNames == ["a"])
        clock.advance(by: .seconds(staleAfter))
      }
      try await eventually("the records are gone") { aggregator.memberNames.isEmpty }
      #expect(aggregator.state("one") == .failed)
    }
  }

  @Test("a registry in trouble that goes on is degraded, and its records stay fresh")
  func degraded() async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try aggregator(registry)
    try await running(aggregator) {
      try await eventually("it is synced") { registry.isRunning && aggregator.state("one") == .synced }
      try registry.session().report(.reading, broken)
      try await eventually("it is degraded") { aggregator.state("one") == .degraded }
      #expect(clock.pending.isEmpty)
      try registry.session().upsert(try affiliate("b"))
      try await eventually("what it applies counts") { aggregator.memberNames == ["a", "b"] }
      #expect(aggregator.state("one") == .degraded)
      try registry.session().report(.reading, nil)
      try await eventually("it is well") { aggregator.state("one") == .synced }
    }
  }

  @Test("a source that a new run has no snapshot of is dropped when it would be stale")
  func unconfirmedSource() async throws {
    let registry = StagedRegistry()
    let aggregator = try aggregator(registry) { $0.restart.initial = .seconds(1) }
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try await running(aggregator) {
      try await eventually("it runs") { registry.isRunning }
      try registry.session().snapshot([try affiliate("a")], source: eu)
      try registry.session().snapshot([try affiliate("b")], source: us)
      try await eventually("both are in") { aggregator.memberNames == ["a", "b"] }
      registry.order(.fail(broken))
      try await eventually("it rests") { clock.pending == [.seconds(1), .seconds(300)] }
      clock.advance(by: .seconds(1))
      try await eventually("it runs again") { registry.runs == 2 && registry.isRunning }
      try registry.session().snapshot([try affiliate("c")], source: eu)
      try await eventually("the new is in, the old is kept") { aggregator.memberNames == ["b", "c"] }
      try await eventually("its time runs") { clock.pending == [.seconds(300)] }
      clock.advance(by: .seconds(300))
      try await eventually("the old is gone") { aggregator.memberNames == ["c"] }
    }
  }

  @Test(
    "a source that a new run has but can't reach is kept as stale, until its snapshot or until the run has no such source",
    arguments: [true, false])
  func unreachableSource(comesBack: Bool) async throws {
    let registry = StagedRegistry()
    let aggregator = try aggregator(registry) { $0.restart.initial = .seconds(1) }
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    func isStale() throws -> Bool? {
      aggregator.snapshot().provenance(of: try NodeIdentity("b"))?.first?.claims.first?.isStale
    }
    try await running(aggregator) {
      try await eventually("it runs") { registry.isRunning }
      try registry.session().expect(eu, us)
      try registry.session().snapshot([try affiliate("a")], source: eu)
      try registry.session().snapshot([try affiliate("b")], source: us)
      try await eventually("both are in") { aggregator.memberNames == ["a", "b"] }
      registry.order(.fail(broken))
      try await eventually("it rests") { clock.pending == [.seconds(1), .seconds(300)] }
      clock.advance(by: .seconds(1))
      try await eventually("it runs again") { registry.runs == 2 && registry.isRunning }
      try registry.session().expect(eu, us)
      try registry.session().snapshot([try affiliate("c")], source: eu)
      try await eventually("its time runs") { clock.pending == [.seconds(300)] }
      #expect(try isStale() == false)
      clock.advance(by: .seconds(300))
      try await eventually("the source that is out of reach is stale") { try isStale() == true }
      #expect(aggregator.memberNames == ["b", "c"])
      if comesBack {
        try registry.session().snapshot([try affiliate("b")], source: us)
        try await eventually("it is fresh") { try isStale() == false }
      } else {
        try registry.session().expect(eu)
        try await eventually("it is gone") { aggregator.memberNames == ["c"] }
      }
      #expect(aggregator.state("one") == .synced)
    }
  }

  @Test("a registry that has too many nodes has failed, and the others go on")
  func tooMany() async throws {
    let many = StagedRegistry(
      try (0..<11).map { number in
        number == 0
          ? snapshot([])
          : RegistryBatch(updates: [.upsert(AffiliateRecord(try affiliate("m\(number)")), source: .only)])
      })
    let few = StagedRegistry(knowing: [try affiliate("a")])
    var options = options(clock)
    options.nodeLimit = 9
    let aggregator = try Aggregator(
      registries: [
        RegistryDefinition(name: "many", registry: many), RegistryDefinition(name: "few", registry: few),
      ], options: options, logger: quiet)
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.state("many") == .failed }
      #expect(aggregator.snapshot().registry("many")?.error?.code == .limitExceeded)
      try await eventually("the other is synced") { aggregator.state("few") == .synced }
      #expect(aggregator.memberNames.contains("a"))
    }
  }

  @Test("a registry that breaks a rule has failed even if it doesn't let the error out")
  func swallowedError() async throws {
    struct Deaf: Registry {
      func run(_ session: RegistrySession) async throws {
        try? session.remove(NodeIdentity("never-known"))
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
      }
    }
    let aggregator = try aggregator(Deaf())
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.state("one") == .failed }
      #expect(aggregator.snapshot().registry("one")?.error?.code == .invalidArgument)
    }
  }

  @Test("a registry that can't be made has failed, and is tried again")
  func makeFails() async throws {
    let attempts = Mutex(0)
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try Aggregator(
      registries: [
        RegistryDefinition(name: "one") { [broken] _ in
          let attempt = attempts.withLock { attempts in
            attempts += 1
            return attempts
          }
          if attempt == 1 { throw broken }
          return registry
        }
      ], options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.snapshot().registry("one")?.error == broken }
      try await eventually("it rests") { clock.pending.first == .milliseconds(500) }
      clock.advance(by: .milliseconds(500))
      try await eventually("it is synced") { aggregator.state("one") == .synced }
    }
  }

  /// Doesn't end when it is told to.
  private final class Hung: Registry {
    let release = ChangeSignal()
    let runs = Mutex(0)
    let said = Mutex<RegistryError?>(nil)
    let breaksRule: Bool

    init(breaksRule: Bool = false) { self.breaksRule = breaksRule }

    func run(_ session: RegistrySession) async throws {
      runs.withLock { $0 += 1 }
      try session.snapshot([try affiliate("a")])
      if breaksRule { try? session.remove(NodeIdentity("x"), source: RegistrySource("new")) }
      // Somebody else's task isn't cancelled with this one.
      _ = await Task { [release] () async -> UInt64 in await release.wait(after: 0) }.value
      do throws(RegistryError) { try session.report(.reading, nil) } catch { said.withLock { $0 = error } }
    }
  }

  @Test(
    "a registry that doesn't end is left behind, the aggregator ends in time, and what it applies is refused")
  func hungAtTheEnd() async throws {
    let registry = Hung()
    defer { registry.release.notify() }
    let aggregator = try aggregator(registry)
    let run = Task { try await aggregator.run() }
    try await aggregator.waitUntilSynced()
    run.cancel()
    try await eventually("its grace runs") { clock.pending == [.seconds(5)] }
    clock.advance(by: .seconds(5))
    try await run.value
    registry.release.notify()
    try await eventually("it was refused") { registry.said.withLock { $0?.code } == .stopped }
  }

  @Test("a registry that was left behind is run again only after it has ended")
  func hungThenAgain() async throws {
    let registry = Hung(breaksRule: true)
    defer { registry.release.notify() }
    let aggregator = try aggregator(registry)
    try await running(aggregator) {
      try await eventually("its grace runs") { clock.pending == [.seconds(5)] }
      clock.advance(by: .seconds(5))
      try await eventually("it has failed") { aggregator.state("one") == .failed }
      #expect(registry.runs.withLock { $0 } == 1)
      try await eventually("no pause runs yet") { clock.pending == [.seconds(300)] }
      registry.release.notify()
      try await eventually("it rests") { clock.pending.first == .milliseconds(500) }
      clock.advance(by: .milliseconds(500))
      try await eventually("it ran again") { registry.runs.withLock { $0 } == 2 }
    }
  }

  @Test("nothing is left of an aggregator that has ended")
  func noLeaks() async throws {
    weak var table: ClusterTable?
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    do {
      let aggregator = try aggregator(registry)
      table = aggregator.table
      try await running(aggregator) { try await aggregator.waitUntilSynced() }
    }
    try await eventually("the table is gone") { table == nil }
    #expect(clock.pending.isEmpty)
  }
}
