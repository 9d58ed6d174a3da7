import Platform
import RegistryKit

/// How long a registry goes on that can't read: after a minute its run ends, and the host, which begins another one,
/// decides what its last records still count for.
struct Patience {
  static let limit = Duration.seconds(60)
  private var since: Duration?

  /// Reading works.
  mutating func reset() { since = nil }

  /// Reading fails with `failure`, at `elapsed` of some clock.
  ///
  /// - Throws: the failure, where it has gone on for too long. Untyped, as a typed error in an async loop crashes Swift
  ///   6.3's optimizer.
  mutating func fail(_ failure: HTTPFailure, at elapsed: Duration) throws {
    guard let since else { return since = elapsed }
    if elapsed - since >= Self.limit { throw failure.error }
  }
}
