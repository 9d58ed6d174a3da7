/// How much a plugin may log: a burst, then so many lines a second. One that logs in a loop must not fill the
/// disk of the machine that it runs on, nor hide what others say.
struct LogBudget: Sendable {
  static let burst = 200
  static let perSecond = 20

  private var lines = burst
  private var refilled: ContinuousClock.Instant
  /// Lines that were left out and not told of yet.
  private var leftOut = 0

  init(now: ContinuousClock.Instant) { refilled = now }

  /// Whether one more line may be logged, and how many were left out before it.
  mutating func take(_ now: ContinuousClock.Instant) -> (isAllowed: Bool, leftOut: Int) {
    let seconds = (now - refilled).components.seconds
    if seconds > 0 {
      lines = min(Self.burst, lines + Int(min(seconds, 3600)) * Self.perSecond)
      refilled = refilled.advanced(by: .seconds(seconds))
    }
    guard lines > 0 else {
      leftOut += 1
      return (false, 0)
    }
    lines -= 1
    return (true, takeLeftOut())
  }

  /// How many lines were left out since that was last told.
  mutating func takeLeftOut() -> Int {
    defer { leftOut = 0 }
    return leftOut
  }
}
