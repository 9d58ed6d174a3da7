package import Platform
import Synchronization

/// Counts signs of life.
package final class Pulse: Sendable {
  private let beats = Atomic<UInt64>(0)

  package var count: UInt64 { beats.load(ordering: .relaxed) }
  package func touch() { beats.add(1, ordering: .relaxed) }

  package init() {}

  /// Nothing came for longer than it may.
  package struct Silence: Error {
    package let limit: Duration
  }

  /// Runs `body` as long as it shows often enough that it is alive.
  ///
  /// - Parameter silence: the longest time without a sign; asked again and again.
  /// - Throws: ``Silence``, and what `body` throws.
  package static func watch(
    silence: @escaping @Sendable () -> Duration, _ time: TimeSource,
    _ body: @escaping @Sendable (Pulse) async throws -> Void
  ) async throws {
    let pulse = Pulse()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body(pulse) }
      group.addTask {
        // A fourth of the time each: silence is noticed after 1 to 1.25 times what is allowed.
        var quiet = 0
        while quiet < 4 {
          let before = pulse.count
          try await time.sleep(silence() / 4)
          quiet = pulse.count == before ? quiet + 1 : 0
        }
        throw Silence(limit: silence())
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
