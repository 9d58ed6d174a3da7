import ClusterModel
import RegistryKit

/// The checks one after the other.
struct ConformanceChecks: Sendable {
  let make: @Sendable () throws -> any Registry
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

  func all() async -> [ConformanceCheck] {
    [
      await check("the first update is a snapshot", firstUpdate),
      await check("no snapshot has a node twice", noDuplicates),
      await check("a source's changes come after its snapshot", order),
      await check("cancellation ends it", cancellation),
      await check("nothing comes after its end", silence),
      await check("it can be run again, with a snapshot again", restart),
      await check("two of them run side by side", sideBySide),
      await check("a failure keeps what is known, and is got over", failureKeepsData),
      await check("a publication is taken and withdrawn", publishing),
    ]
  }

  private func check(_ name: String, _ body: () async throws -> Void) async -> ConformanceCheck {
    do {
      try await body()
      return ConformanceCheck(name, .passed)
    } catch let failure as Failure {
      return ConformanceCheck(name, .failed(failure.reason))
    } catch let skip as Skip {
      return ConformanceCheck(name, .skipped(skip.reason))
    } catch {
      return ConformanceCheck(name, .failed("\(error)"))
    }
  }

  // MARK: The rules

  private func firstUpdate() async throws {
    let run = try await synced()
    run.cancel()
    guard case .snapshot = run.updates.first else {
      throw Failure(reason: "it is \(run.updates.first.map(Self.name) ?? "nothing")")
    }
  }

  private func noDuplicates() async throws {
    let run = try await watched()
    for case .snapshot(let records, _, _) in run.updates {
      var seen: Set<NodeIdentity> = []
      for record in records where !seen.insert(record.affiliate.nodeID).inserted {
        throw Failure(reason: "'\(record.affiliate.nodeID)' is in one twice")
      }
    }
  }

  private func order() async throws {
    let run = try await watched()
    var known: Set<RegistrySource> = []
    for update in run.updates {
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

  private func cancellation() async throws {
    let run = try await synced()
    run.cancel()
    try await ended(run)
  }

  private func silence() async throws {
    let run = try await synced()
    run.cancel()
    try await ended(run)
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
    let registry = try make()
    for _ in 0..<2 {
      let run = try await synced(registry)
      run.cancel()
      try await ended(run)
      guard case .snapshot = run.updates.first else {
        throw Failure(reason: "its first update is \(run.updates.first.map(Self.name) ?? "nothing")")
      }
    }
  }

  private func sideBySide() async throws {
    let first = ObservedRun(try make())
    let second = ObservedRun(try make())
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
        try await wait("all is well again after its source was mended", run) { $0.trouble == nil }
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
      try await wait("\(what) is accepted", run) { $0.outcomes[revision] != nil || $0.end != nil }
      if case .failure(let error) = run.now.outcomes[revision] {
        throw Failure(reason: "\(what) was refused: \(error.message)")
      }
      guard run.now.end == nil else { throw Failure(reason: "it ended") }
    }
  }
}

// MARK: Steps

extension ConformanceChecks {
  /// A run that has applied its first update, and where it named sources a snapshot of each.
  private func synced(_ registry: (any Registry)? = nil) async throws -> ObservedRun {
    let run = ObservedRun(try registry ?? make())
    try await hasSnapshot(run)
    return run
  }

  /// A run that was watched for a while, and has ended.
  private func watched() async throws -> ObservedRun {
    let run = try await synced()
    try await clock.sleep(for: quietTime)
    run.cancel()
    try await ended(run)
    return run
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
    try await wait("it ends after it was cancelled", run) { $0.end != nil }
    if case .failure(let error) = run.now.end, error.code == .deadlineExceeded {
      throw Failure(reason: error.message)
    }
  }

  private func wait(
    _ what: String, _ run: ObservedRun, until condition: (ObservedRun.State) -> Bool
  ) async throws {
    let pause = Duration.milliseconds(5)
    var waited = Duration.zero
    while !condition(run.now) {
      guard waited < deadline else {
        throw Failure(
          reason: "this should happen and didn't: \(what), within \(deadline)\(Self.reason(run.now))")
      }
      try await clock.sleep(for: pause)
      waited += pause
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
