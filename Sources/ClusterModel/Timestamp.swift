/// A moment of civil time, in milliseconds since 1970-01-01 UTC.
///
/// For people and for what crosses machines; what is measured on one machine uses a clock's instants.
@frozen
public struct Timestamp: Hashable, Sendable {
  /// Milliseconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
  public var milliseconds: Int64

  /// The moment `milliseconds` after 1970-01-01 00:00:00 UTC.
  @inlinable
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }
}

extension Timestamp: Comparable {
  @inlinable
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 in UTC with whole seconds: `2026-11-23T03:08:50Z`.
  public var description: String {
    let seconds = Self.floorDivide(milliseconds, 1000)
    let days = Self.floorDivide(seconds, 86_400)
    let time = Int(seconds - days * 86_400)
    let (year, month, day) = Self.date(fromDays: days)
    return "\(Self.padded(year, 4))-\(Self.padded(month))-\(Self.padded(day))"
      + "T\(Self.padded(time / 3600)):\(Self.padded(time / 60 % 60)):\(Self.padded(time % 60))Z"
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value / divisor - (value % divisor < 0 ? 1 : 0)
  }

  /// The proleptic Gregorian date `days` after 1970-01-01, by counting in eras of 400 years that start
  /// in March, so that the leap day is a year's last.
  private static func date(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let civilMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
    return (Int(year), Int(civilMonth), Int(day))
  }

  private static func padded(_ value: Int, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
