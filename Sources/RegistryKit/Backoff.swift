/// How long to wait before trying again: longer each time, up to a limit, and never quite the same, so that
/// many that failed together don't come back together.
public struct Backoff: Hashable, Sendable {
  /// The first wait.
  public let initial: Duration
  /// No wait is longer.
  public let maximum: Duration
  /// How much longer each wait is than the one before.
  public let factor: Double
  /// Each wait is shortened by a random part of up to this share, 0 to 1.
  public let jitter: Double
  private var attempt = 0

  public init(
    initial: Duration = .milliseconds(500), maximum: Duration = .seconds(60), factor: Double = 1.5,
    jitter: Double = 0.3
  ) {
    self.initial = initial
    self.maximum = maximum
    self.factor = factor
    self.jitter = jitter
  }

  /// The next wait.
  public mutating func next() -> Duration {
    var wait = initial
    for _ in 0..<attempt where wait < maximum { wait *= factor }
    attempt += 1
    return min(wait, maximum) * Double.random(in: (1 - jitter)...1)
  }

  /// Starts again from the first wait: something worked.
  public mutating func reset() { attempt = 0 }
}

extension Duration {
  static func * (duration: Duration, factor: Double) -> Duration {
    .nanoseconds(Int64(Double(duration.inNanoseconds) * factor))
  }

  static func *= (duration: inout Duration, factor: Double) { duration = duration * factor }

  private var inNanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
