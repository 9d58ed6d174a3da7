import RegistryKit

/// The time as the plugin measures it: since some moment, and never set back.
struct ServiceClock: Sendable {
  /// The time that has passed since the clock's beginning.
  var now: @Sendable () -> Duration
  /// Waits for `duration`; throws when cancelled.
  var sleep: @Sendable (_ duration: Duration) async throws -> Void

  /// The machine's time, which goes on while it sleeps.
  static func system() -> ServiceClock {
    let clock = ContinuousClock()
    let start = clock.now
    return ServiceClock(
      now: { start.duration(to: clock.now) }, sleep: { try await clock.sleep(for: $0) })
  }

  /// What `operation` returns, if it does so within `limit`; else it is cancelled.
  ///
  /// - Throws: ``RegistryError/Code/deadlineExceeded`` with `message`.
  func within<Result: Sendable>(
    _ limit: Duration, _ message: String, _ operation: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await operation() }
      group.addTask {
        try await sleep(limit)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let result = first else {
        throw RegistryError(.deadlineExceeded, message)
      }
      return result
    }
  }
}
