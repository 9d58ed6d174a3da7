/// Addresses at which a node is reached from others: what a registry's record may say of it.
public enum NodeAddress {
  /// The address written as `text`, as ``check(_:)`` returns it.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public static func parse(_ text: some StringProtocol) throws(ModelError) -> IPAddress {
    try check(try IPAddress(text))
  }

  /// `address`, where a node can be reached at it from others. An IPv4 address that is mapped into IPv6
  /// (`::ffff:10.0.0.1`) is the IPv4 address.
  ///
  /// - Throws: ``ModelError`` that names the address and why it can't be a node's.
  public static func check(_ address: IPAddress) throws(ModelError) -> IPAddress {
    let plain = plain(address)
    guard let fault = fault(of: plain) else { return plain }
    throw ModelError(
      "'\(address)' \(fault), so it can't be a node's; write one at which others reach the node")
  }

  /// The endpoint written as `text`, of which the address is as ``check(_:)`` returns it.
  ///
  /// - Throws: ``ModelError`` that names the text and what would be right.
  public static func parseEndpoint(_ text: some StringProtocol) throws(ModelError) -> IPEndpoint {
    let endpoint = try IPEndpoint(text)
    return IPEndpoint(address: try check(endpoint.address), port: endpoint.port)
  }

  private static func fault(of address: IPAddress) -> String? {
    if address.isUnspecified { return "stands for no address or for any" }
    if address.isLoopback { return "is a loopback address, everybody's own" }
    if address.isMulticast { return "is a multicast address, that of a group" }
    if address.family == .v4, address.bits.low >> 24 == 0 { return "is of 0.0.0.0/8, 'this network'" }
    if address.family == .v6, address.bits.high == 0, address.bits.low >> 32 == 0 {
      return "is an IPv4 address in a form that nobody routes"
    }
    if address == IPAddress(v4: .max) { return "is the broadcast address, that of a whole network" }
    return nil
  }

  /// `address` as it is compared: an IPv4 address that is mapped into IPv6 is the IPv4 address.
  public static func plain(_ address: IPAddress) -> IPAddress {
    guard address.family == .v6, address.bits.high == 0, address.bits.low >> 32 == 0xFFFF else {
      return address
    }
    return IPAddress(v4: UInt32(truncatingIfNeeded: address.bits.low))
  }
}
