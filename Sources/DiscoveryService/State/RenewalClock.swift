import ClusterModel

/// Turns moments of the store's clock, which runs steadily, into times of day, and back.
struct RenewalClock: Equatable {
  /// The time of day when the store's clock stood at zero, in nanoseconds since 1970.
  let zero: Int64

  /// What the clock says that stands at `now` while the time of day is `civilTime`, both in nanoseconds.
  init(now: Int64, civilTime: Int64) { zero = civilTime &- now }

  /// Whether another clock says practically the same: two readings of two clocks never fit to the nanosecond.
  func isNear(_ other: RenewalClock) -> Bool { (zero &- other.zero).magnitude < 100_000_000 }

  /// The time of day of a moment of the store's clock.
  func time(of moment: Int64) -> Timestamp { Timestamp(milliseconds: (zero &+ moment) / 1_000_000) }

  /// The moment of the store's clock at a time of day, `now` at the latest.
  func moment(of time: Timestamp, now: Int64) -> Int64 {
    let (nanoseconds, overflow) = time.milliseconds.multipliedReportingOverflow(by: 1_000_000)
    // What is so far away is the future.
    if overflow { return now }
    let (moment, isBelow) = nanoseconds.subtractingReportingOverflow(zero)
    return isBelow ? now : min(now, moment)
  }

  /// When the node of `affiliate` last published or renewed it; nil where that isn't known.
  func renewal(of affiliate: StoredAffiliate) -> Timestamp? { affiliate.renewedAt.map { time(of: $0) } }
}
