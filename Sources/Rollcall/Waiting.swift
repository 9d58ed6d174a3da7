extension Aggregator {
  /// Waits until every enabled registry has told what it knows at least once: at once where none is
  /// enabled.
  ///
  /// - Parameter timeout: how long to wait; nil: for as long as it takes.
  /// - Throws: ``SyncError``, which names those that haven't and what is wrong with them, when the time is
  ///   up or the aggregator stops; `CancellationError` when the task is cancelled.
  public func waitUntilSynced(timeout: Duration? = nil) async throws {
    try await wait(timeout: timeout) { $0.state == .disabled || $0.hasSynced }
  }

  /// Waits until every enabled registry has told what it knows or is known to have trouble: for who wants
  /// the best answer that there is now.
  ///
  /// - Parameter timeout: how long to wait; nil: for as long as it takes.
  /// - Throws: as ``waitUntilSynced(timeout:)``, but only for registries that neither told anything nor
  ///   have trouble.
  public func waitUntilSettled(timeout: Duration? = nil) async throws {
    try await wait(timeout: timeout) { $0.isSettled }
  }

  private func wait(timeout: Duration?, until isDone: (RegistryStatus) -> Bool) async throws {
    let start = store.time.elapsed()
    while true {
      let seen = store.revisions.value
      let (statuses, isFinished) = store.read { ($0.entries.map(\.status), $0.isFinished) }
      let late = statuses.filter { !isDone($0) }
      if late.isEmpty { return }
      try Task.checkCancellation()
      if isFinished { throw SyncError(late: late, timeout: nil) }
      guard let timeout else {
        await store.revisions.wait(after: seen)
        continue
      }
      let rest = timeout - (store.time.elapsed() - start)
      guard rest > .zero else { throw SyncError(late: late, timeout: timeout) }
      await store.time.wait(for: rest, or: store.revisions, after: seen)
    }
  }
}
