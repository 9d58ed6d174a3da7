/// Tells how much time has passed, by any clock.
struct Stopwatch: Sendable {
  private let read: @Sendable () -> Duration

  /// Starts now.
  init(_ clock: some Clock<Duration>) {
    let start = clock.now
    read = { start.duration(to: clock.now) }
  }

  var elapsed: Duration { read() }
}
