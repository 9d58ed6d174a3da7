/// A steady clock: the time since this source was made, and waits. Made of any clock, so that tests can hold it.
package struct TimeSource: Sendable {
  private let read: @Sendable () -> Duration
  /// Waits until so much time has passed since this source was made.
  private let pause: @Sendable (Duration) async throws -> Void

  /// Starts now, by `clock`: one that goes on while the machine sleeps, unless another is given.
  package init(_ clock: some Clock<Duration> = ContinuousClock()) {
    let start = clock.now
    read = { start.duration(to: clock.now) }
    pause = { try await clock.sleep(until: start.advanced(by: $0), tolerance: nil) }
  }

  /// A clock that `elapsed` reads, and that nobody waits by: waits end at once.
  package init(reading elapsed: @escaping @Sendable () -> Duration) {
    read = elapsed
    pause = { _ in }
  }

  /// The time since this source was made.
  package var elapsed: Duration { read() }

  /// Waits for `duration`; not at all where that isn't above zero.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func sleep(_ duration: Duration) async throws {
    try Task.checkCancellation()
    if duration > .zero { try await pause(elapsed + duration) }
  }

  /// Waits until ``elapsed`` is `deadline`.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func sleep(until deadline: Duration) async throws {
    try Task.checkCancellation()
    if deadline > elapsed { try await pause(deadline) }
  }

  /// What `operation` returns, if it does so within `limit`.
  ///
  /// - Parameter operation: is cancelled when the time is up, and waited for all the same: it must heed that.
  /// - Throws: ``DeadlineExceeded`` when the time is up, else what `operation` throws.
  package func within<Value: Sendable>(
    _ limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await operation() }
      group.addTask {
        try await sleep(limit)
        return nil
      }
      guard let value = try await group.next() ?? nil else { throw DeadlineExceeded(limit: limit) }
      return value
    }
  }

  /// Waits until `signal` has changed since `seen`, but at most for `duration`. Ends early on cancellation.
  package func wait(for duration: Duration, or signal: ChangeSignal, after seen: UInt64) async {
    await wait(until: elapsed + duration, or: signal, after: seen)
  }

  /// Waits until `signal` has changed since `seen`, but no longer than until ``elapsed`` is `deadline`. Ends early on
  /// cancellation.
  package func wait(until deadline: Duration, or signal: ChangeSignal, after seen: UInt64) async {
    guard deadline > elapsed else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await sleep(until: deadline) }
      group.addTask { await signal.wait(after: seen) }
      await group.next()
      group.cancelAll()
    }
  }
}

/// Something took longer than it may.
package struct DeadlineExceeded: Error, Hashable, Sendable, CustomStringConvertible {
  package let limit: Duration

  package init(limit: Duration) { self.limit = limit }

  package var description: String { "it took more than \(DurationText.text(of: limit))" }
}
