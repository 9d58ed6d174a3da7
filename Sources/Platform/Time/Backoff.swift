/// How long to wait before what failed is tried again: longer each time, up to a limit, and never quite the same,
/// so that many that failed together don't come back together.
package struct Backoff: Hashable, Sendable {
  /// The first wait.
  package let initial: Duration
  /// What the waits grow to.
  package let maximum: Duration
  /// How much longer each wait is than the one before, at least 1.
  package let factor: Double
  /// By how large a share, 0 to 1, each wait is shortened or prolonged at random: with 0.5 a wait of 10 s lasts
  /// 5 s to 15 s, also where 10 s is the maximum.
  package let spread: Double
  private var wait: Duration
  private var mayRetryAtOnce = true

  /// Values out of their ranges count as the nearest that is in it.
  package init(
    initial: Duration = .milliseconds(500), maximum: Duration = .seconds(60), factor: Double = 1.5,
    spread: Double = 0.5
  ) {
    let longest = Duration.seconds(100 * 366 * 86_400)
    self.initial = min(max(initial, .zero), longest)
    self.maximum = min(max(maximum, .zero), longest)
    // Written so that what is no number counts as the least.
    self.factor = factor >= 1 ? min(factor, 1_000) : 1
    self.spread = spread >= 0 ? min(spread, 1) : 0
    wait = min(self.initial, self.maximum)
  }

  /// The next wait.
  ///
  /// - Parameters:
  ///   - atOnce: whether what failed had worked before: then there is no wait, if only once until ``reset()``.
  ///   - random: a number from 0 to below 1; with 0.5 the wait isn't changed.
  package mutating func next(atOnce: Bool = false, random: Double) -> Duration {
    if atOnce, mayRetryAtOnce {
      mayRetryAtOnce = false
      return .zero
    }
    defer { wait = min(wait * factor, maximum) }
    return wait * (1 - spread + 2 * spread * random)
  }

  /// The next wait, spread by the system's randomness.
  package mutating func next() -> Duration { next(random: .random(in: 0..<1)) }

  /// Starts again from the first wait: something worked.
  package mutating func reset() {
    wait = min(initial, maximum)
    mayRetryAtOnce = true
  }
}
