import Platform

/// How much a plugin may log: a burst, then so many lines a second. One that logs in a loop must not fill the
/// disk of the machine that it runs on, nor hide what others log.
struct LogBudget: Sendable {
  static let burst = 200
  static let perSecond = 20

  private var lines = TokenBucket(burst: burst, perSecond: Double(perSecond))
  /// Lines that were left out and not counted in the log yet.
  private var leftOut = 0

  /// Whether one more line may be logged, and how many were left out before it.
  mutating func take(at now: Duration) -> (isAllowed: Bool, leftOut: Int) {
    guard lines.take(at: now) else {
      leftOut += 1
      return (false, 0)
    }
    return (true, takeLeftOut())
  }

  /// How many lines were left out since that was last asked.
  mutating func takeLeftOut() -> Int {
    defer { leftOut = 0 }
    return leftOut
  }
}
