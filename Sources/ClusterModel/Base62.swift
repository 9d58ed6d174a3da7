/// The bit-packed base62 in which existing nodes write their identity.
///
/// The text is read from the last byte's low bits towards the first byte. Each character carries 6
/// bits, except that a value whose bits 4 to 1 are all ones carries only 5: so 62 characters are
/// enough, and no division of large numbers is needed.
public enum Base62 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: .max, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  /// The bits that, when all are set, make a value a short one.
  private static let shortMask: UInt8 = 0x1E
  private static let shortBits: UInt8 = 0x1F

  /// `bytes` as text; empty for no bytes.
  public static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 8 / 5 + 1)
    let bitCount = bytes.count * 8
    var position = 0
    while position < bitCount {
      var value = bits(of: bytes, at: position)
      var width = min(6, bitCount - position)
      if value & shortMask == shortMask {
        let isFinal = position + width == bitCount
        if !isFinal || value > shortBits {
          value &= shortBits
          width = min(5, width)
        }
      }
      text.append(alphabet[Int(value)])
      position += width
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The `byteCount` bytes that ``encode(_:)`` turns into exactly `text`, or nil where there are none.
  public static func decode(_ text: String, byteCount: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    let bitCount = byteCount * 8
    var position = 0
    for character in text.utf8 {
      let value = values[Int(character)]
      guard value != .max, position < bitCount else { return nil }
      let isShort = value & shortMask == shortMask
      let width = min(isShort ? 5 : 6, bitCount - position)
      set(value, in: &bytes, at: position)
      position += width
    }
    // A text is only an identity's if it is the one that these bytes are written as.
    guard encode(bytes) == text else { return nil }
    return bytes
  }

  /// The up to six bits from `position`, counted from the last byte's lowest bit.
  private static func bits(of bytes: [UInt8], at position: Int) -> UInt8 {
    let index = bytes.count - 1 - position / 8
    let low = UInt16(bytes[index])
    let high = index > 0 ? UInt16(bytes[index - 1]) : 0
    return UInt8((high << 8 | low) >> UInt16(position % 8) & 0x3F)
  }

  private static func set(_ value: UInt8, in bytes: inout [UInt8], at position: Int) {
    let index = bytes.count - 1 - position / 8
    let shifted = UInt16(value) << UInt16(position % 8)
    bytes[index] |= UInt8(truncatingIfNeeded: shifted)
    if index > 0 { bytes[index - 1] |= UInt8(shifted >> 8) }
  }
}
