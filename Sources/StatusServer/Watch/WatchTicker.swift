import Platform
import Synchronization

/// Wakes all that watch: when the table changed, and each second while somebody watches, for heartbeats and limits.
final class WatchTicker: Sendable {
  /// The most that watch at a time.
  static let maximumCount = 4096

  let signal = ChangeSignal()
  private let time: TimeSource
  private let count = Mutex(0)
  private let hasSome = ChangeSignal()
  private let isOver = Atomic(false)

  init(time: TimeSource) { self.time = time }

  var elapsed: Duration { time.elapsed }

  /// How many watch now.
  var watcherCount: Int { count.withLock { $0 } }

  /// One more watches.
  ///
  /// - Returns: whether there was room.
  func enter(limit: Int = WatchTicker.maximumCount) -> Bool {
    let isEntered = count.withLock { count in
      guard count < limit else { return false }
      count += 1
      return true
    }
    if isEntered { hasSome.notify() }
    return isEntered
  }

  func leave() { count.withLock { $0 -= 1 } }

  /// Whether all that watch shall end.
  var hasEnded: Bool { isOver.load(ordering: .acquiring) }

  /// Lets all that watch end.
  func end() {
    isOver.store(true, ordering: .releasing)
    signal.notify()
  }

  /// Ticks until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      let seen = hasSome.value
      if watcherCount == 0 {
        await hasSome.wait(after: seen)
      } else {
        try? await time.sleep(.seconds(1))
        signal.notify()
      }
    }
  }

  /// Hands on each change of `table` until the task is cancelled.
  func follow(_ table: ResourceTable) async {
    var seen = table.changed.value
    while !Task.isCancelled {
      signal.notify()
      seen = await table.changed.wait(after: seen)
    }
  }
}
