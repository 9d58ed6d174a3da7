import ClusterModel
import Logging
import RegistryKit

/// The checks one after the other.
struct ConformanceChecks: Sendable {
  let make: @Sendable (Logger) throws -> any Registry
  let sabotage: RegistryConformance.Sabotage?
  let publication: Publication?
  let deadline: Duration
  let quietTime: Duration
  let clock: any Clock<Duration>

  /// Why a check can't be passed.
  struct Failure: Error {
    let reason: String
  }

  /// A check can't be made.
  struct Skip: Error {
    let reason: String
  }

  /// All checks in order. Where the registry never has a first snapshot, or doesn't end, that is said once, and what
  /// can't be checked then is skipped.
  func report() async -> ConformanceReport {
    let log = RunLog()
    let first: ObservedRun
    do { first = try run(log) } catch {
      return report(
        [failed(Self.firstUpdateName, error)], skipping: Self.afterFirstUpdate, "it can't be made")
    }
    do { try await hasSnapshot(first) } catch {
      let observation = first.now.observation(log: log.lines)
      await end(first)
      return report(
        [failed(Self.firstUpdateName, error)], skipping: Self.afterFirstUpdate, "it has no first snapshot",
        observation)
    }
    try? await clock.sleep(for: quietTime)
    let observation = first.now.observation(log: log.lines)
    let updates = first.updates
    var checks = [
      await check(Self.firstUpdateName) { try startsWithSnapshot(updates) },
      await check("no snapshot has a node twice") { try noDuplicates(updates) },
      await check("a source's changes come after its snapshot") { try order(updates) },
      await check("cancellation ends it") { try await cancellation(first) },
    ]
    guard case .passed = checks[3].result else {
      return report(checks, skipping: Self.afterItsEnd, "it doesn't end", observation)
    }
    checks.append(await check(Self.afterItsEnd[0]) { try await silence(first) })
    checks.append(await check(Self.afterItsEnd[1], restart))
    checks.append(await check(Self.afterItsEnd[2], sideBySide))
    checks.append(await check(Self.afterItsEnd[3], failureKeepsData))
    checks.append(await check(Self.afterItsEnd[4], publishing))
    return ConformanceReport(checks: checks, observation: observation)
  }

  private static let firstUpdateName = "the first update is a snapshot"
  private static let afterItsEnd = [
    "nothing comes after its end", "it can be run again, with a snapshot again",
    "two of them run side by side", "a failure keeps what is known, and is got over",
    "a publication is taken and withdrawn",
  ]
  private static let afterFirstUpdate =
    [
      "no snapshot has a node twice", "a source's changes come after its snapshot", "cancellation ends it",
    ] + afterItsEnd

  private func report(
    _ checks: [ConformanceCheck], skipping names: [String], _ reason: String,
    _ observation: RegistryObservation = RegistryObservation()
  ) -> ConformanceReport {
    ConformanceReport(
      checks: checks + names.map { ConformanceCheck($0, .skipped(reason)) }, observation: observation)
  }

  private func failed(_ name: String, _ error: any Error) -> ConformanceCheck {
    ConformanceCheck(name, .failed((error as? Failure)?.reason ?? "\(error)"))
  }

  private func check(_ name: String, _ body: () async throws -> Void) async -> ConformanceCheck {
    do {
      try await body()
      return ConformanceCheck(name, .passed)
    } catch let skip as Skip {
      return ConformanceCheck(name, .skipped(skip.reason))
    } catch {
      return failed(name, error)
    }
  }

  // MARK: The rules

  private func startsWithSnapshot(_ updates: [RegistryUpdate]) throws {
    guard case .snapshot = updates.first else {
      throw Failure(reason: "it is \(updates.first.map(Self.name) ?? "nothing")")
    }
  }

  private func noDuplicates(_ updates: [RegistryUpdate]) throws {
    for case .snapshot(let records, _, _) in updates {
      var seen: Set<NodeIdentity> = []
      for record in records where !seen.insert(record.affiliate.nodeID).inserted {
        throw Failure(reason: "'\(record.affiliate.nodeID)' is in one twice")
      }
    }
  }

  private func order(_ updates: [RegistryUpdate]) throws {
    var known: Set<RegistrySource> = []
    for update in updates {
      switch update {
      case .snapshot(_, let source, _): known.insert(source)
      case .sourceGone(let source): known.remove(source)
      case .upsert(_, let source), .remove(_, let source, _):
        guard known.contains(source) else {
          throw Failure(reason: "\(Self.name(update)) came before the snapshot of source '\(source.name)'")
        }
      }
    }
  }

  private func cancellation(_ run: ObservedRun) async throws {
    run.cancel()
    try await ended(run)
  }

  private func silence(_ run: ObservedRun) async throws {
    let before = run.now.batches.count
    try await clock.sleep(for: quietTime)
    let late = run.now.batches.dropFirst(before)
    guard late.isEmpty else {
      throw Failure(reason: "\(late.count) batches came in the \(quietTime) after it had ended")
    }
    if let plugin = run.registry as? any FencedRegistry, plugin.runsThatCalledLate > 0 {
      throw Failure(reason: "it called the host after its stop had returned")
    }
  }

  private func restart() async throws {
    let registry = try make(RunLog().logger)
    for _ in 0..<2 {
      let run = try await synced(registry)
      run.cancel()
      try await ended(run)
      try startsWithSnapshot(run.updates)
    }
  }

  private func sideBySide() async throws {
    let first = try run()
    let second = try run()
    defer { second.cancel() }
    try await hasSnapshot(first)
    try await hasSnapshot(second)
    first.cancel()
    try await ended(first)
    try await clock.sleep(for: quietTime)
    guard second.now.end == nil else { throw Failure(reason: "when one was cancelled, the other ended too") }
    second.cancel()
    try await ended(second)
  }

  private func failureKeepsData() async throws {
    guard let sabotage else { throw Skip(reason: "nobody said how its source is broken") }
    let run = try await synced()
    defer { run.cancel() }
    let before = run.now.nodes
    guard before.values.contains(where: { !$0.isEmpty }) else {
      throw Skip(reason: "it has no node that could be kept")
    }
    try await sabotage.harm()
    var mended = false
    do {
      try await wait("a report of trouble after its source broke", run) { $0.trouble != nil }
      try await clock.sleep(for: quietTime)
      guard run.now.nodes == before else {
        throw Failure(reason: "after its source broke, nodes were removed that are still there")
      }
      try await sabotage.mend()
      mended = true
      if run.now.end == nil {
        try await wait("a report that all is well after its source was mended", run) { $0.trouble == nil }
      } else {
        // A registry may leave it to the aggregator to run it again.
        let again = try await synced(run.registry)
        again.cancel()
        try await ended(again)
      }
    } catch {
      if !mended { try? await sabotage.mend() }
      throw error
    }
  }

  private func publishing() async throws {
    let run = try await synced()
    defer { run.cancel() }
    if publication != nil {
      // It may begin to read only after its first update.
      try? await wait("it reads what is to be published", run) { $0.readsPublications || $0.end != nil }
    }
    guard run.now.readsPublications else { throw Skip(reason: "it doesn't publish") }
    guard let publication else { throw Skip(reason: "nobody said what to publish") }
    for (revision, publication) in [(UInt64(1), publication), (UInt64(2), nil)] {
      let what = publication == nil ? "the withdrawal" : "the publication"
      run.publish(publication, revision: revision)
      try await wait("the outcome of \(what)", run) { $0.outcomes[revision] != nil || $0.end != nil }
      if case .failure(let error) = run.now.outcomes[revision] {
        throw Failure(reason: "\(what) was refused: \(error.message)")
      }
      guard run.now.end == nil else { throw Failure(reason: "it ended") }
    }
  }
}

// MARK: Steps

extension ConformanceChecks {
  /// Makes a registry and runs it.
  private func run(_ log: RunLog = RunLog()) throws -> ObservedRun {
    ObservedRun(try make(log.logger), logger: log.logger)
  }

  /// A run that has applied its first update, and where it named sources a snapshot of each.
  private func synced(_ registry: (any Registry)? = nil) async throws -> ObservedRun {
    let run = try registry.map { ObservedRun($0, logger: RunLog().logger) } ?? run()
    try await hasSnapshot(run)
    return run
  }

  /// Ends a run that is of no more use; one that doesn't end soon is left.
  private func end(_ run: ObservedRun) async {
    run.cancel()
    try? await wait("its end", run, within: .seconds(3)) { $0.end != nil }
  }

  private func hasSnapshot(_ run: ObservedRun) async throws {
    try await wait("its first update", run) { !$0.updates.isEmpty || $0.end != nil }
    if run.updates.isEmpty {
      throw Failure(reason: "it ended before its first update\(Self.reason(run.now))")
    }
    try await wait("a snapshot of each source that it named", run) {
      $0.awaited.isEmpty || $0.end != nil
    }
  }

  private func ended(_ run: ObservedRun) async throws {
    try await wait("its end after it was cancelled", run) { $0.end != nil }
    if case .failure(let error) = run.now.end, error.code == .deadlineExceeded {
      throw Failure(reason: error.message)
    }
  }

  /// Waits for `what`, by the checks' clock.
  private func wait(
    _ what: String, _ run: ObservedRun, within limit: Duration? = nil,
    until condition: (ObservedRun.State) -> Bool
  ) async throws {
    try await Self.wait(what, run, within: limit ?? deadline, clock: clock, until: condition)
  }

  private static func wait<Time: Clock<Duration>>(
    _ what: String, _ run: ObservedRun, within limit: Duration, clock: Time,
    until condition: (ObservedRun.State) -> Bool
  ) async throws {
    let end = clock.now.advanced(by: limit)
    while !condition(run.now) {
      guard clock.now < end else {
        throw Failure(reason: "\(what) didn't come within \(limit)\(Self.reason(run.now))")
      }
      try await clock.sleep(for: .milliseconds(5))
    }
  }

  private static func reason(_ state: ObservedRun.State) -> String {
    state.trouble.map { ": \($0.message)" } ?? ""
  }

  private static func name(_ update: RegistryUpdate) -> String {
    switch update {
    case .snapshot: "a snapshot"
    case .upsert(let record, _): "the change of '\(record.affiliate.nodeID)'"
    case .remove(let nodeID, _, _): "the removal of '\(nodeID)'"
    case .sourceGone(let source): "the end of source '\(source.name)'"
    }
  }
}
