import Foundation
import Platform

/// A TCP socket of the tests; closed when it is let go of.
final class FixtureSocket: Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Connects to `port` of 127.0.0.1.
  static func connected(to port: UInt16) throws(FixtureServerError) -> FixtureSocket {
    let result = FixtureSocket(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var address = loopback(port)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(result.descriptor, $0, length) != 0
      }
    }
    guard !failed else { throw FixtureServerError("connect", errno) }
    // A test whose answer doesn't come fails, rather than hang.
    var longest = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(
      result.descriptor, SOL_SOCKET, SO_RCVTIMEO, &longest, socklen_t(MemoryLayout<timeval>.size))
    return result
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
  }

  /// Listens on a free port of 127.0.0.1.
  static func listening() throws(FixtureServerError) -> (FixtureSocket, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw FixtureServerError("socket", errno) }
    let result = FixtureSocket(descriptor)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
        bind(descriptor, plain, length) != 0 || listen(descriptor, 128) != 0
          || getsockname(descriptor, plain, &length) != 0
      }
    }
    guard !failed else { throw FixtureServerError("bind, listen", errno) }
    return (result, UInt16(bigEndian: address.sin_port))
  }

  /// The next connection; nil once the socket is shut.
  func accept() -> FixtureSocket? {
    while true {
      let connection = Foundation.accept(descriptor, nil, nil)
      if connection < 0, errno == EINTR || errno == ECONNABORTED { continue }
      guard connection >= 0 else { return nil }
      var yes: Int32 = 1
      setsockopt(
        connection, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
      return FixtureSocket(connection)
    }
  }

  /// Ends what waits on the socket, here and at the other side.
  func shut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Up to 4096 bytes; nil at the end.
  func read() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      return count > 0 ? Array(buffer[..<count]) : nil
    }
  }

  /// Whether the other side has gone.
  var isClosed: Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
    return count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
  }

  /// Sends all of `bytes`; false if the other side has gone.
  func write(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var sent = 0
      while sent < buffer.count {
        let count = send(
          descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }
}

/// Why the server of the tests can't be had.
public struct FixtureServerError: Error, CustomStringConvertible {
  public let description: String

  init(description: String) { self.description = description }

  init(_ call: String, _ number: Int32) { description = "\(call): \(errnoText(number))" }
}
