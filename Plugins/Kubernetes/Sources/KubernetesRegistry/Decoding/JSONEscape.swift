/// An escape within a JSON string that arrives byte by byte (RFC 8259, section 7).
///
/// Half of a surrogate pair without its other half becomes U+FFFD, as API servers have it.
struct JSONEscape {
  private enum Part {
    case none, backslash
    /// How many digits of `\uXXXX` are still to come.
    case digits(Int)
  }

  private var part = Part.none
  private var unit: UInt16 = 0
  /// The first half of a surrogate pair, 0 if none waits for its other half.
  private var high: UInt16 = 0

  /// Whether an escape has been begun and not ended.
  var isOpen: Bool { if case .none = part { false } else { true } }

  /// Whether the first half of a surrogate pair waits for the other.
  var isHalf: Bool { high != 0 }

  /// A backslash was seen.
  mutating func begin() { part = .backslash }

  /// Takes the next byte of the escape, and adds to `text` what it comes to. False: it can't stand here.
  mutating func take(_ byte: UInt8, adding text: inout [UInt8]) -> Bool {
    switch part {
    case .none: return false
    case .backslash:
      if byte == UInt8(ascii: "u") {
        (part, unit) = (.digits(4), 0)
        return true
      }
      guard let plain = Self.plain(byte) else { return false }
      part = .none
      endHalf(adding: &text)
      text.append(plain)
    case .digits(let missing):
      guard let digit = Self.hexadecimal(byte) else { return false }
      unit = unit << 4 | UInt16(digit)
      part = missing > 1 ? .digits(missing - 1) : .none
      if missing == 1 { endUnit(adding: &text) }
    }
    return true
  }

  /// No other half comes: adds the replacement character if a half waits for it.
  mutating func endHalf(adding text: inout [UInt8]) {
    guard high != 0 else { return }
    high = 0
    text.append(contentsOf: [0xEF, 0xBF, 0xBD])
  }

  private mutating func endUnit(adding text: inout [UInt8]) {
    if high != 0, unit & 0xFC00 == 0xDC00 {
      let value = 0x10000 + UInt32(high & 0x3FF) << 10 + UInt32(unit & 0x3FF)
      high = 0
      if let scalar = Unicode.Scalar(value) { text.append(contentsOf: UTF8.encode(scalar) ?? Self.unknown) }
      return
    }
    endHalf(adding: &text)
    if unit & 0xFC00 == 0xD800 {
      high = unit
    } else {
      text.append(contentsOf: Unicode.Scalar(unit).flatMap(UTF8.encode) ?? Self.unknown)
    }
  }

  private static var unknown: UTF8.EncodedScalar { UTF8.encodedReplacementCharacter }

  private static func plain(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
