import Synchronization

/// A clock that moves when told to, in nanoseconds.
final class ManualClock: Sendable {
  private let time: Mutex<Int64>

  init(_ start: Int64 = 1_000_000_000_000) { time = Mutex(start) }

  var now: Int64 { time.withLock { $0 } }

  /// May also go back.
  func advance(_ duration: Duration) {
    time.withLock {
      $0 +=
        duration.components.seconds * 1_000_000_000
        + duration.components.attoseconds / 1_000_000_000
    }
  }
}
