import ClusterModel
import NIOCore

/// Which address a call is counted and answered for.
struct ClientAddress: Sendable {
  /// The networks whose forwarded headers are believed. Anybody else could pick any bucket by a header.
  let trusted: [IPPrefix]
  var usesRealIP = true
  var usesForwardedFor = true

  /// The client's address.
  ///
  /// - Parameters:
  ///   - peer: The other end of the connection.
  ///   - realIP: The `x-real-ip` header.
  ///   - forwardedFor: The `x-forwarded-for` headers, joined by commas.
  func resolve(peer: IPAddress?, realIP: String?, forwardedFor: String?) -> IPAddress? {
    guard let peer, !trusted.isEmpty, isTrusted(peer) else { return peer }
    guard usesForwardedFor, let forwardedFor else {
      // Proxies that append to x-forwarded-for often hand on an x-real-ip that the client made up: so this one
      // counts only where the other isn't.
      guard usesRealIP, let realIP else { return peer }
      return Self.parse(realIP) ?? peer
    }
    // From the right: each proxy appends whom it saw, so what stands left of the first one that isn't ours is
    // only that one's word.
    var last = peer
    for part in forwardedFor.utf8.split(separator: UInt8(ascii: ",")).reversed() {
      guard let address = Self.parse(Substring(part)) else { return last }
      last = address
      if !isTrusted(address) { return address }
    }
    return last
  }

  /// The same for headers of a call.
  func resolve(peer: IPAddress?, _ headers: ClientAddressHeaders) -> IPAddress? {
    resolve(peer: peer, realIP: headers.realIP, forwardedFor: headers.forwardedFor)
  }

  /// Whether the other end of a connection is one of the proxies, which stand for many clients.
  func isProxy(_ peer: IPAddress?) -> Bool { !trusted.isEmpty && (peer.map(isTrusted) ?? false) }

  private func isTrusted(_ address: IPAddress) -> Bool {
    let plain = address.unmapped
    return trusted.contains { $0.contains(address) || $0.contains(plain) }
  }

  /// An address as proxies write it: bare, in brackets, or with a port.
  private static func parse(_ text: some StringProtocol) -> IPAddress? {
    var bare = String(text).filter { $0 != " " && $0 != "\t" }
    if bare.hasPrefix("["), let end = bare.firstIndex(of: "]") {
      bare = String(bare[bare.index(after: bare.startIndex)..<end])
    } else if let colon = bare.firstIndex(of: ":"), bare.firstIndex(of: ".") != nil,
      bare.lastIndex(of: ":") == colon
    {
      bare = String(bare[..<colon])
    }
    return try? IPAddress(bare)
  }
}

extension IPAddress {
  /// The address of a socket, if it is an IP one.
  init?(_ address: SocketAddress?) {
    switch address {
    case .v4(let v4):
      let bits = UInt32(bigEndian: v4.address.sin_addr.s_addr)
      self.init(v4: bits)
    case .v6(let v6):
      let bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
      self.init(bytes: bytes)
    default: return nil
    }
  }

  /// Whom limits for each client count: an IPv4 address, or the /64 of an IPv6 one, as that is the least that a
  /// site has and all of it may be one machine's.
  var client: IPAddress {
    let plain = unmapped
    let bytes = plain.bytes
    guard bytes.count == 16 else { return plain }
    return IPAddress(bytes: bytes[..<8] + [UInt8](repeating: 0, count: 8)) ?? plain
  }

  /// An IPv4 address mapped into IPv6 as that IPv4 address; any other as it is.
  var unmapped: IPAddress {
    let bytes = bytes
    guard bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF
    else { return self }
    return IPAddress(bytes: bytes[12...]) ?? self
  }
}
