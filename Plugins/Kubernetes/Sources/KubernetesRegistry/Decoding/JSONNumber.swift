/// A number of JSON that arrives byte by byte (RFC 8259, section 6).
struct JSONNumber {
  private enum Part {
    case sign, zero, whole, point, fraction, exponent, exponentSign, exponentDigits
  }

  private var part: Part
  private var isNegative = false
  /// What the digits come to; nil where the number isn't a whole one or doesn't fit.
  private var magnitude: Int? = 0

  /// A number that begins with `first`; nil if none does.
  init?(_ first: UInt8) {
    switch first {
    case UInt8(ascii: "-"): (part, isNegative) = (.sign, true)
    case UInt8(ascii: "0"): part = .zero
    case UInt8(ascii: "1")...UInt8(ascii: "9"): (part, magnitude) = (.whole, Int(first & 0x0F))
    default: return nil
    }
  }

  /// Whether the number may end here.
  var isComplete: Bool {
    switch part {
    case .zero, .whole, .fraction, .exponentDigits: true
    case .sign, .point, .exponent, .exponentSign: false
    }
  }

  /// The whole number that it is, if it is one and fits.
  var value: Int? { magnitude.map { isNegative ? -$0 : $0 } }

  /// Takes `byte` if the number goes on with it; false: it ends before.
  mutating func take(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return takeDigit(byte)
    case UInt8(ascii: ".") where part == .zero || part == .whole: part = .point
    case UInt8(ascii: "e") where isComplete && part != .exponentDigits,
      UInt8(ascii: "E") where isComplete && part != .exponentDigits:
      part = .exponent
    case UInt8(ascii: "+") where part == .exponent, UInt8(ascii: "-") where part == .exponent:
      part = .exponentSign
    default: return false
    }
    magnitude = nil
    return true
  }

  private mutating func takeDigit(_ digit: UInt8) -> Bool {
    switch part {
    case .zero: return false
    case .sign: part = digit == UInt8(ascii: "0") ? .zero : .whole
    case .point: part = .fraction
    case .exponent, .exponentSign: part = .exponentDigits
    case .whole, .fraction, .exponentDigits: break
    }
    guard let old = magnitude else { return true }
    let (tenfold, isTooLarge) = old.multipliedReportingOverflow(by: 10)
    let (sum, isStillTooLarge) = tenfold.addingReportingOverflow(Int(digit & 0x0F))
    magnitude = isTooLarge || isStillTooLarge ? nil : sum
    return true
  }
}
