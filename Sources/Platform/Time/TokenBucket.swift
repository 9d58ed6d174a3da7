/// How much may be done: a burst at once, then so much a second. What isn't used is saved up to a burst.
///
/// Works by the moment at which all that was taken is paid for at the steady rate (the generic cell rate
/// algorithm), so that a bucket is a few numbers and nothing has to be refilled. Times are those of one steady
/// clock, such as ``TimeSource/elapsed``; one that stands still or goes back gives nothing.
package struct TokenBucket: Hashable, Sendable {
  /// Nanoseconds that a token costs.
  private let interval: Int64
  /// How far ahead ``paidUp`` may be of the present, in nanoseconds, for one more token.
  private let tolerance: Int64
  private var paidUp = Int64.min

  /// A full bucket.
  ///
  /// - Parameters:
  ///   - burst: how many tokens it holds, at least 1.
  ///   - perSecond: how many tokens come back in a second; 0 or less for hardly any.
  package init(burst: Int, perSecond: Double) {
    let nanoseconds = 1_000_000_000 / (perSecond > 1e-6 ? perSecond : 1e-6)
    interval = Int64(min(max(nanoseconds, 1), 1e15))
    let (product, isTooLarge) = Int64(max(burst, 1) - 1).multipliedReportingOverflow(by: interval)
    tolerance = isTooLarge ? .max / 8 : min(product, .max / 8)
  }

  /// Takes a token; false where there is none.
  package mutating func take(at now: Duration) -> Bool { reserve(at: now, within: .zero) != nil }

  /// Takes the next token, now or in advance.
  ///
  /// - Parameter patience: how long it may be waited for.
  /// - Returns: how long to wait for it; nil, with nothing taken, where that is longer than `patience`.
  package mutating func reserve(at now: Duration, within patience: Duration) -> Duration? {
    let now = now.nanosecondsClamped
    let start = max(paidUp, now)
    let wait = max(0, start - tolerance - now)
    guard wait <= patience.nanosecondsClamped else { return nil }
    paidUp = start + interval
    return .nanoseconds(wait)
  }

  /// Puts a token back, or in: never more than the burst are held.
  package mutating func giveBack() { paidUp = paidUp > .min + interval ? paidUp - interval : .min }

  /// Whether all tokens are there, as in a new bucket.
  package func isFull(at now: Duration) -> Bool { paidUp <= now.nanosecondsClamped }
}

extension Duration {
  /// Whole nanoseconds, as near as can be: within some 36 years.
  fileprivate var nanosecondsClamped: Int64 {
    let limit = Int64.max / 8
    let (seconds, attoseconds) = components
    guard abs(seconds) < limit / 1_000_000_000 else { return seconds < 0 ? -limit : limit }
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
