import RollcallMetrics

/// Whether an output may be written: never while the world isn't known, never without an entry, and never much shorter
/// than it is, unless it stays so short. A pure rule.
struct OutputGate {
  enum Verdict: Hashable {
    case open
    /// Not now; `until` is when time alone opens it.
    case held(DaemonMetrics.HoldReason, until: Duration?)
  }

  /// How long a world has to be much smaller before it is believed.
  static let patience = Duration.seconds(600)

  let maxShrink: Double
  let allowEmpty: Bool
  /// Since when there are at most so many entries.
  private var small: (count: Int, since: Duration)?

  init(maxShrink: Double, allowEmpty: Bool) {
    self.maxShrink = maxShrink
    self.allowEmpty = allowEmpty
  }

  /// - Parameters:
  ///   - count: the entries that are to be written.
  ///   - current: those that the file has; nil where there is none.
  mutating func judge(isKnown: Bool, count: Int, current: Int?, at now: Duration) -> Verdict {
    guard isKnown else { return .held(.unsynced, until: nil) }
    guard count > 0 || allowEmpty else {
      // Not believed either: a cluster without a member has no use for its lists.
      return .held(.empty, until: nil)
    }
    // Where it may be empty it may also become so: then after the same time.
    guard let current, Double(current - count) > maxShrink * Double(current) else {
      small = nil
      return .open
    }
    // The same small world: one that shrinks on begins anew, one that grows a little doesn't.
    let since = small.map { count < $0.count ? now : $0.since } ?? now
    small = (min(count, small?.count ?? count), since)
    let until = since + Self.patience
    return now < until ? .held(.shrink, until: until) : .open
  }
}
