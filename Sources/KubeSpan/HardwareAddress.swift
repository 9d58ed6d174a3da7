public import ClusterModel

/// The 48-bit address of a network interface: `2e:1a:b6:53:81:69`.
public struct HardwareAddress: Hashable, Sendable {
  /// The address's 48 bits, the first byte highest.
  private let bits: UInt64

  /// The address of `bytes`, or nil where there aren't six.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    bits = bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The address written as `text`: six bytes in hexadecimal between colons or dashes, or three groups of four
  /// digits between dots.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    guard let bits = Self.parse(text) else {
      throw ModelError("\(quoted(text)) isn't a hardware address of six bytes such as 2e:1a:b6:53:81:69")
    }
    self.bits = bits
  }

  private static func parse(_ text: some StringProtocol) -> UInt64? {
    guard let separator = text.utf8.first(where: { ":-.".utf8.contains($0) }) else { return nil }
    let isDotted = separator == UInt8(ascii: ".")
    let groups = text.utf8.split(separator: separator, omittingEmptySubsequences: false)
    guard groups.count == (isDotted ? 3 : 6) else { return nil }
    var bits: UInt64 = 0
    for digits in groups {
      guard digits.count == (isDotted ? 4 : 2) else { return nil }
      for digit in digits {
        guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
        bits = bits << 4 | UInt64(value)
      }
    }
    return bits
  }

  /// The modified EUI-64 interface identifier: `ff:fe` in the middle, the bit for "universal" turned over
  /// (RFC 4291, appendix A).
  public var interfaceIdentifier: UInt64 {
    let upper = bits >> 24
    let lower = bits & 0xFF_FFFF
    return (upper << 40 | 0xFFFE << 24 | lower) ^ 0x0200_0000_0000_0000
  }
}

extension HardwareAddress: CustomStringConvertible {
  /// Six bytes in lower case between colons.
  public var description: String {
    (0..<6).map { index in
      let byte = UInt8(truncatingIfNeeded: bits >> UInt64(40 - 8 * index))
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }
}
