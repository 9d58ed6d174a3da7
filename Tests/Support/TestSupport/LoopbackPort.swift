import Glibc

/// Ports of loopback, for servers that come back under their address.
public enum LoopbackPort {
  /// A port that nobody listens on. It lies below those that the system hands out by itself, so that no other test
  /// is given it meanwhile, nor a client that dials a server which is away the server's own.
  public static func free() throws -> Int {
    for port in (15_000..<32_000).shuffled().prefix(100) where isFree(port) { return port }
    throw NotInTime(description: "no free port among a hundred")
  }

  /// Whether a server could listen on `port` now.
  public static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return bound == 0 && listen(descriptor, 1) == 0
  }
}
