import Foundation
import Glibc

/// An address of loopback that answers nobody who connects, as behind a firewall that drops what comes: its
/// queue of connections is full.
public final class BlackHole: Sendable {
  public let port: Int
  private let sockets: [Int32]

  /// - Parameter address: 127.0.0.1, or ::1 where `isIPv6`.
  public init(port: Int = 0, isIPv6: Bool = true) throws {
    let listener = try Self.listener(port, isIPv6)
    self.port = listener.port
    var sockets = [listener.socket]
    // One more than the queue takes; those then are never answered, and only begin.
    for _ in 0..<4 {
      let family = isIPv6 ? AF_INET6 : AF_INET
      let client = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      sockets.append(client)
      _ = Self.with(listener.port, isIPv6) { connect(client, $0, $1) }
    }
    self.sockets = sockets
  }

  deinit { for socket in sockets { close(socket) } }

  private static func listener(_ port: Int, _ isIPv6: Bool) throws -> (socket: Int32, port: Int) {
    let listener = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard with(port, isIPv6, { bind(listener, $0, $1) }) == 0, listen(listener, 0) == 0 else {
      let error = POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
      close(listener)
      throw error
    }
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
    }
    // The port is at one place in both kinds of addresses.
    return (listener, Int(UInt16(bigEndian: address.sin6_port)))
  }

  private static func with(
    _ port: Int, _ isIPv6: Bool, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    func call<Address>(_ address: Address) -> Int32 {
      withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<Address>.size))
        }
      }
    }
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = in_port_t(port).bigEndian
      address.sin6_addr = in6addr_loopback
      return call(address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return call(address)
  }
}
