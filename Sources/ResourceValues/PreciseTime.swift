public import ClusterModel
import Platform

/// A moment to a nanosecond, as existing clusters print it: RFC 3339 in UTC, with as many digits as it has.
public struct PreciseTime: Hashable, Sendable {
  /// Seconds since 1970-01-01 UTC, below zero before that.
  public let seconds: Int64
  /// Further nanoseconds, below 1,000,000,000.
  public let nanoseconds: UInt32

  /// What is printed of a moment that never was: the first one of the year 1.
  public static let never = PreciseTime(seconds: -62_135_596_800, nanoseconds: 0)

  /// That moment.
  public init(seconds: Int64, nanoseconds: UInt32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// A moment that is known to a millisecond; nil: ``never``.
  public init(_ time: Timestamp?) {
    guard let time else {
      self = .never
      return
    }
    let rest = (time.milliseconds % 1000 + 1000) % 1000
    self.init(seconds: (time.milliseconds - rest) / 1000, nanoseconds: UInt32(rest) * 1_000_000)
  }

  /// The moment that is written as ``description`` writes it; nil where `text` is something else.
  public init?(_ text: String) {
    guard let time = Timestamp(rfc3339: text) else { return nil }
    let fraction = text.split(separator: ".", maxSplits: 1).dropFirst().first?.dropLast() ?? ""
    guard let digits = UInt32(fraction + String(repeating: "0", count: max(0, 9 - fraction.utf8.count))),
      fraction.utf8.count <= 9
    else { return nil }
    self.init(seconds: PreciseTime(time).seconds, nanoseconds: digits)
    guard description == text else { return nil }
  }

  /// The moment in whole milliseconds.
  public var timestamp: Timestamp {
    let (whole, isTooFar) = seconds.multipliedReportingOverflow(by: 1000)
    return Timestamp(milliseconds: (isTooFar ? 0 : whole) + Int64(nanoseconds / 1_000_000))
  }
}

extension PreciseTime: CustomStringConvertible {
  /// `2026-08-01T12:00:00.123456789Z`, without zeros at the end.
  public var description: String {
    let whole = Timestamp(milliseconds: seconds.multipliedReportingOverflow(by: 1000).partialValue)
      .description
    guard nanoseconds > 0 else { return whole }
    let digits = String(nanoseconds)
    var fraction = String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(whole.dropLast()).\(fraction)Z"
  }
}
