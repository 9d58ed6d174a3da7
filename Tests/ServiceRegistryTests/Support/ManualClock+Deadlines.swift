import TestSupport

extension ManualClock {
  /// When those that sleep wake up, by ``now``'s offset.
  var deadlines: Set<Duration> {
    let now = now.offset
    return Set(pending.map { now + $0 })
  }
}
