public import ClusterModel

/// One moment on two clocks: one that never steps, which all durations and ages are of, and civil time, which is for
/// people and for files.
public struct Moment: Hashable, Sendable {
  /// The time since some start, on a clock that goes on while the machine sleeps (CLOCK_BOOTTIME) and never steps.
  public let elapsed: Duration
  /// What the civil clock showed.
  public let wall: Timestamp

  /// The moment at which the one clock showed `elapsed` and the other one `wall`.
  public init(elapsed: Duration, wall: Timestamp) {
    self.elapsed = elapsed
    self.wall = wall
  }

  /// The moment when the civil clock showed `wall`, in this process or in one before: as long before `now` as the
  /// civil clock says, and never after it.
  init(wall: Timestamp, before now: Moment) {
    self.init(elapsed: now.elapsed - now.wall.duration(since: wall), wall: wall)
  }

  /// The moment `elapsed`, in the civil time that the clock shows now.
  func moved(to elapsed: Duration) -> Moment {
    let difference = (elapsed - self.elapsed).milliseconds
    return Moment(
      elapsed: elapsed, wall: Timestamp(milliseconds: wall.milliseconds.addingSaturated(difference)))
  }

  /// The moment that is `duration` later.
  func advanced(by duration: Duration) -> Moment { moved(to: elapsed + duration) }
}

extension Timestamp {
  /// How long ago `earlier` was; zero where it is later, as after a step of the clock.
  func duration(since earlier: Timestamp) -> Duration {
    guard earlier < self else { return .zero }
    let (difference, isTooLong) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
    return .milliseconds(isTooLong ? .max : difference)
  }
}

extension Duration {
  /// In whole milliseconds, rounded down.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
    if isTooLong { return seconds < 0 ? .min : .max }
    return whole.addingSaturated((attoseconds / 1_000_000_000_000_000))
  }
}

extension Int64 {
  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, isTooLarge) = addingReportingOverflow(other)
    return isTooLarge ? (other < 0 ? .min : .max) : sum
  }
}
