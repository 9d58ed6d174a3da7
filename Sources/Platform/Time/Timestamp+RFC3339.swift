package import ClusterModel

extension Timestamp {
  /// The moment that `text` names, such as `2026-11-23T03:08:50Z` or `2026-11-23T04:08:50.25+01:00` (RFC
  /// 3339, section 5.6), to a millisecond; nil where it is something else.
  package init?(rfc3339 text: String) {
    var text = text
    guard let time = text.withUTF8({ Timestamp(rfc3339: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = time
  }

  /// The moment that `bytes` name, as ASCII.
  package init?(rfc3339 bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    guard let year = Self.number(&rest, 4), Self.skip(&rest, "-"),
      let month = Self.number(&rest, 2), Self.skip(&rest, "-"),
      let day = Self.number(&rest, 2), Self.skip(&rest, "T") || Self.skip(&rest, "t"),
      let hour = Self.number(&rest, 2), Self.skip(&rest, ":"),
      let minute = Self.number(&rest, 2), Self.skip(&rest, ":"),
      // 60 is a leap second, which counts as the next one.
      let second = Self.number(&rest, 2), hour < 24, minute < 60, second <= 60,
      let days = Self.days(year: year, month: month, day: day)
    else { return nil }
    var milliseconds = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000
    if Self.skip(&rest, ".") {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { return nil }
      var unit = 100
      for digit in digits {
        milliseconds += Int(digit - 0x30) * unit
        unit /= 10
      }
      rest = rest[digits.endIndex...]
    }
    if !Self.skip(&rest, "Z"), !Self.skip(&rest, "z") {
      let isEast = Self.skip(&rest, "+")
      guard isEast || Self.skip(&rest, "-"), let hours = Self.number(&rest, 2), Self.skip(&rest, ":"),
        let minutes = Self.number(&rest, 2), hours < 24, minutes < 60
      else { return nil }
      milliseconds -= (hours * 60 + minutes) * (isEast ? 60_000 : -60_000)
    }
    guard rest.isEmpty else { return nil }
    self.init(milliseconds: Int64(milliseconds))
  }

  /// Takes a number of so many digits off the front.
  private static func number(_ rest: inout Slice<UnsafeRawBufferPointer>, _ digits: Int) -> Int? {
    guard rest.count >= digits else { return nil }
    var value = 0
    for byte in rest.prefix(digits) {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    rest = rest.dropFirst(digits)
    return value
  }

  private static func skip(_ rest: inout Slice<UnsafeRawBufferPointer>, _ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// The days from 1970-01-01 to a date of the Gregorian calendar; nil where there is no such date. Counted
  /// in years that begin in March, so that the leap day is a year's last.
  private static func days(year: Int, month: Int, day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    let marchYear = month > 2 ? year : year - 1
    let marchMonth = month > 2 ? month - 3 : month + 9
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    return marchYear * 365 + leapDays + (marchMonth * 153 + 2) / 5 + day - 1 - 719_468
  }
}
