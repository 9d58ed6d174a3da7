/// An address and how many of its leading bits name a network: `10.244.1.0/24`.
///
/// Host bits are kept as written (`10.244.0.1/24` is a node's own address within its network, and
/// Kubernetes annotations carry such); ``network`` clears them. Ordered by address, then by length.
@frozen
public struct IPPrefix: Hashable, Sendable {
  /// The address as it was written, host bits and all.
  public let address: IPAddress
  private let bits: UInt8

  /// The number of leading bits that count: 0 to 32 or 128.
  public var length: Int { Int(bits) }

  /// The prefix of `address` and `length`, or nil where the length is more than the address has.
  public init?(address: IPAddress, length: Int) {
    guard (0...address.family.bitCount).contains(length) else { return nil }
    self.address = address
    bits = UInt8(length)
  }

  /// The prefix that holds `address` alone.
  public init(host address: IPAddress) {
    self.address = address
    bits = UInt8(address.family.bitCount)
  }

  /// The prefix written as `text`, `address/length`.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    let bytes = Array(text.utf8)
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")),
      let address = IPAddress.parse(bytes[..<slash]),
      case let digits = bytes[(slash + 1)...],
      let length = decimal(digits, maximum: address.family.bitCount),
      digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let prefix = IPPrefix(address: address, length: length)
    else {
      throw ModelError("\(quoted(text)) isn't a prefix such as 10.244.1.0/24 or fd00::/64")
    }
    self = prefix
  }

  /// The prefix without its host bits.
  public var network: IPPrefix {
    IPPrefix(unchecked: address.masked(to: length), bits: bits)
  }

  /// Whether `other` lies in this network; never across families.
  public func contains(_ other: IPAddress) -> Bool {
    other.family == address.family && other.masked(to: length) == address.masked(to: length)
  }

  /// - Parameter bits: no more than the address has.
  init(unchecked address: IPAddress, bits: UInt8) {
    self.address = address
    self.bits = bits
  }
}

extension IPPrefix: Comparable {
  public static func < (left: IPPrefix, right: IPPrefix) -> Bool {
    left.address != right.address ? left.address < right.address : left.bits < right.bits
  }
}

extension IPPrefix: CustomStringConvertible {
  public var description: String { "\(address)/\(length)" }
}
