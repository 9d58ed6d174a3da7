/// How long to wait before what failed is tried again.
///
/// Grows by half with each failure from half a second to a minute, and is spread by half to either side, so
/// that the nodes of a cluster don't come back at once.
struct RetryDelay: Sendable {
  static let first = Duration.milliseconds(500)
  static let cap = Duration.seconds(60)
  static let factor = 1.5
  static let spread = 0.5

  private var interval = first
  private var mayRetryAtOnce = true

  /// The time to wait now.
  ///
  /// - Parameters:
  ///   - atOnce: whether what failed had worked before: then it is tried again at once, if only once.
  ///   - random: a number from 0 up to 1.
  mutating func next(atOnce: Bool = false, random: Double) -> Duration {
    if atOnce, mayRetryAtOnce {
      mayRetryAtOnce = false
      return .zero
    }
    let wait = interval * (1 - Self.spread + 2 * Self.spread * random)
    interval = min(interval * Self.factor, Self.cap)
    return wait
  }

  /// It worked: the next failure is the first again.
  mutating func succeeded() { self = RetryDelay() }
}
