/// An address and a UDP or TCP port: `10.5.0.2:51820`, `[fd00::2]:51820`.
///
/// Ordered by address, then by port.
@frozen
public struct IPEndpoint: Hashable, Sendable {
  /// Where to send packets to, v4 or v6.
  public let address: IPAddress
  /// The port, 0 to 65535.
  public let port: UInt16

  /// The endpoint at `address` and `port`.
  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// The endpoint written as `text`: `address:port`, an IPv6 address in brackets.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public init(_ text: some StringProtocol) throws(ModelError) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
      let port = decimal(bytes[(colon + 1)...], maximum: Int(UInt16.max)),
      let address = Self.host(bytes[..<colon])
    else {
      throw ModelError("\(quoted(text)) isn't an endpoint such as 10.5.0.2:51820 or [fd00::2]:51820")
    }
    self.init(address: address, port: UInt16(port))
  }

  private static func host(_ text: ArraySlice<UInt8>) -> IPAddress? {
    guard text.first == UInt8(ascii: "[") else {
      return IPAddress.parse(text).flatMap { $0.family == .v4 ? $0 : nil }
    }
    guard text.last == UInt8(ascii: "]") else { return nil }
    return IPAddress.parse(text.dropFirst().dropLast()).flatMap { $0.family == .v6 ? $0 : nil }
  }
}

extension IPEndpoint: Comparable {
  public static func < (left: IPEndpoint, right: IPEndpoint) -> Bool {
    left.address != right.address ? left.address < right.address : left.port < right.port
  }
}

extension IPEndpoint: CustomStringConvertible {
  public var description: String {
    address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
  }
}
