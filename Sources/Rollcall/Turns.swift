import Synchronization

/// Lets one task at a time do something that takes a while.
final class Turns: Sendable {
  private let isTaken = Mutex(false)
  private let freed = Signal()

  /// Waits for the turn.
  ///
  /// - Throws: `CancellationError` when the task is cancelled meanwhile.
  func take() async throws(CancellationError) {
    while true {
      let seen = freed.value
      let isMine = isTaken.withLock { isTaken in
        defer { isTaken = true }
        return !isTaken
      }
      if isMine { return }
      guard !Task.isCancelled else { throw CancellationError() }
      await freed.wait(after: seen)
    }
  }

  func giveBack() {
    isTaken.withLock { $0 = false }
    freed.raise()
  }
}
