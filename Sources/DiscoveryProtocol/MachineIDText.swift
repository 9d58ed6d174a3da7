/// A machine's id as in /etc/machine-id: 16 bytes, written as 32 hexadecimal digits.
enum MachineIDText {
  private static let byteCount = 16

  /// The bytes that `text` stands for; nil where it isn't a machine's id.
  static func bytes(of text: String) -> [UInt8]? {
    let digits = text.utf8.compactMap(value)
    guard digits.count == 2 * byteCount, text.utf8.count == digits.count else { return nil }
    return (0..<byteCount).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
  }

  /// `bytes` as they are written; nil where there aren't 16 of them.
  static func text(of bytes: some Collection<UInt8>) -> String? {
    guard bytes.count == byteCount else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
