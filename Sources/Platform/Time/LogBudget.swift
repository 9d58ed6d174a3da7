/// How much may be logged of what somebody else causes: a burst, then so many lines a second. Who logs in a loop, or
/// changes something in one, must not fill the disk of the machine, nor hide what else is logged.
package struct LogBudget: Sendable {
  /// How many lines come back in a second.
  package let perSecond: Double
  private var lines: TokenBucket
  /// Lines that were left out and not counted in the log yet.
  private var leftOut = 0

  /// A budget of `burst` lines, and `perSecond` more each second.
  package init(burst: Int = 200, perSecond: Double = 20) {
    self.perSecond = perSecond
    lines = TokenBucket(burst: burst, perSecond: perSecond)
  }

  /// Whether one more line may be logged, and how many were left out before it.
  package mutating func take(at now: Duration) -> (isAllowed: Bool, leftOut: Int) {
    guard lines.take(at: now) else {
      leftOut += 1
      return (false, 0)
    }
    return (true, takeLeftOut())
  }

  /// How many lines were left out since that was last asked.
  package mutating func takeLeftOut() -> Int {
    defer { leftOut = 0 }
    return leftOut
  }

  /// Whether it is as a new one: nothing was logged lately, and nothing is left out that wasn't told.
  package func isFull(at now: Duration) -> Bool { leftOut == 0 && lines.isFull(at: now) }
}
