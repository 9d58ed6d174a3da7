import ClusterModel
import Glibc

/// The clock that waits are measured with, its instants as durations since it was taken.
struct TimeSource: Sendable {
  /// The time since this source was made.
  let elapsed: @Sendable () -> Duration
  /// Sleeps; ends early, with an error, when the task is cancelled.
  let sleep: @Sendable (Duration) async throws -> Void

  init(_ clock: some Clock<Duration>) {
    let start = clock.now
    elapsed = { start.duration(to: clock.now) }
    sleep = { try await clock.sleep(for: $0) }
  }

  /// Waits until `signal` has moved on from `seen`, but at most for `duration`. Ends early on cancellation.
  func wait(for duration: Duration, or signal: ChangeSignal, after seen: UInt64) async {
    guard duration > .zero else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await sleep(duration) }
      group.addTask { await signal.wait(after: seen) }
      await group.next()
      group.cancelAll()
    }
  }
}

extension Timestamp {
  /// The machine's civil time.
  static func system() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
