import ClusterModel
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("Waiting for registries", .timeLimit(.minutes(2)))
struct WaitingTests {
  private let clock = ManualClock()

  private func aggregator(_ registries: [(String, StagedRegistry)]) throws -> Aggregator {
    try Aggregator(
      registries: registries.map { RegistryDefinition(name: $0.0, registry: $0.1) }, options: options(clock),
      logger: quiet)
  }

  @Test("the wait fails at its end and names who is late, and why")
  func late() async throws {
    let slow = StagedRegistry()
    let aggregator = try aggregator([
      ("quick", StagedRegistry(knowing: [])), ("slow", slow), ("bad", StagedRegistry()),
    ])
    try await running(aggregator) {
      try await eventually("it runs") { slow.isRunning }
      try slow.session().report(.reading, RegistryError(.unavailable, "no route to the rack"))
      try await eventually("the rest is known") {
        aggregator.state("slow") == .degraded && aggregator.state("quick") == .synced
      }
      let wait = Task { try await aggregator.waitUntilSynced(timeout: .seconds(5)) }
      try await eventually("it waits") { clock.pending == [.seconds(5)] }
      clock.advance(by: .seconds(5))
      let error = await #expect(throws: SyncError.self) { try await wait.value }
      #expect(error?.late.map(\.name) == ["slow", "bad"])
      #expect(
        error?.description
          == "not in sync within 5.0 seconds: slow (degraded: no route to the rack), bad (starting)")
    }
  }

  @Test("the wait ends with the last registry's first snapshot")
  func ends() async throws {
    let slow = StagedRegistry()
    let aggregator = try aggregator([("quick", StagedRegistry(knowing: [])), ("slow", slow)])
    try await running(aggregator) {
      let wait = Task { try await aggregator.waitUntilSynced(timeout: .seconds(60)) }
      try await eventually("it runs") { slow.isRunning }
      try slow.session().snapshot([try affiliate("a")])
      try await wait.value
      #expect(aggregator.memberNames == ["a"])
    }
  }

  @Test("a registry that failed or is in trouble is settled, one that is silent isn't")
  func settled() async throws {
    let (failing, troubled, silent) = (StagedRegistry(), StagedRegistry(), StagedRegistry())
    let aggregator = try aggregator([("failing", failing), ("troubled", troubled), ("silent", silent)])
    try await running(aggregator) {
      try await eventually("all run") { failing.isRunning && troubled.isRunning && silent.isRunning }
      failing.order(.fail(RegistryError(.failed, "no")))
      try troubled.session().report(.reading, RegistryError(.unavailable, "not now"))
      let wait = Task { try await aggregator.waitUntilSettled(timeout: .seconds(5)) }
      try await eventually("both are known") {
        aggregator.state("failing") == .failed && aggregator.state("troubled") == .degraded
      }
      try silent.session().snapshot([try affiliate("a")])
      try await wait.value
    }
  }

  @Test(
    "a registry that expects sources is synced only when each had a snapshot or is gone, in each of its runs")
  func namedSources() async throws {
    let registry = StagedRegistry()
    let aggregator = try aggregator([("many", registry)])
    let (one, two) = (try RegistrySource("one"), try RegistrySource("two"))
    try await running(aggregator) {
      try await eventually("it runs") { registry.isRunning }
      try registry.session().expect(one, two)
      try registry.session().snapshot([try affiliate("a")], source: one)
      try await eventually("the first source is known") { aggregator.memberNames == ["a"] }
      #expect(aggregator.state("many") == .starting)
      #expect(aggregator.snapshot().registry("many")?.hasSynced == false)
      try registry.session().snapshot([try affiliate("b")], source: two)
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a", "b"])
      #expect(aggregator.state("many") == .synced)

      registry.order(.fail(RegistryError(.failed, "no")))
      try await eventually("it failed") { aggregator.state("many") == .failed && clock.pending != [] }
      clock.advance(by: .seconds(10))
      try await eventually("it runs again") { registry.runs == 2 && registry.isRunning }
      try registry.session().expect(one, two)
      try registry.session().snapshot([try affiliate("c")], source: one)
      try await eventually("the first source is known") { aggregator.memberNames.contains("c") }
      #expect(aggregator.state("many") == .failed)
      try registry.session().sourceGone(two)
      try await eventually("it is in sync") { aggregator.state("many") == .synced }
      // What the run before knew of a source that is gone is kept until it is swept.
      #expect(aggregator.snapshot().isSynced)
    }
  }

  @Test("who sees a registry in sync or in trouble sees all that it applied before", arguments: 1...20)
  func wholeAtSync(round: Int) async throws {
    let sources = try (0..<40).map { try RegistrySource("s\($0)") }
    var opening = [RegistryBatch(expectedSources: sources)]
    for source in sources { opening.append(snapshot([try affiliate(source.name)], source: source)) }
    let error = RegistryError(.unavailable, "one more isn't there")
    opening.append(RegistryBatch(reports: [HealthReport(.reading, error)]))
    let aggregator = try aggregator([("many", StagedRegistry(opening))])
    try await running(aggregator) {
      try await aggregator.waitUntilSettled()
      #expect(aggregator.memberNames.count == 40)
    }
  }

  @Test("the wait ends when its task is cancelled, or the aggregator stops")
  func interrupted() async throws {
    let aggregator = try aggregator([("one", StagedRegistry())])
    let cancelled = Task { try await aggregator.waitUntilSynced() }
    try await eventually("it waits") { aggregator.table.revisions.waiterCount == 1 }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    let stopped = Task { try await aggregator.waitUntilSynced() }
    try await running(aggregator) {}
    let error = await #expect(throws: SyncError.self) { try await stopped.value }
    #expect(error?.description == "not in sync before the aggregator stopped: one (starting)")
  }
}
