import Testing

@testable import NodeFixtures

/// Asks the API server of the tests over one connection.
struct FixtureClient {
  private let socket: FixtureSocket
  private var bytes: [UInt8] = []

  init(_ server: NodeFixtureServer) throws { socket = try .connected(to: server.port) }

  /// Asks for `path`, and returns the head of the answer.
  mutating func ask(_ path: String, method: String = "GET") throws -> String {
    try #require(socket.write(Array("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)))
    return String(decoding: try line(upTo: [13, 10, 13, 10]), as: UTF8.self)
  }

  /// The answer's body, of the length that its head has.
  mutating func body(_ head: String) throws -> [UInt8] {
    let field = try #require(head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") })
    return try take(try #require(Int(field.dropFirst(16))))
  }

  /// The next chunk of a body in chunks; empty at its end.
  mutating func chunk() throws -> [UInt8] {
    let length = String(decoding: try line(upTo: [13, 10]), as: UTF8.self)
    let chunk = try take(try #require(Int(length, radix: 16)))
    _ = try line(upTo: [13, 10])
    return chunk
  }

  private mutating func line(upTo end: [UInt8]) throws -> [UInt8] {
    while true {
      if let place = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) {
        let line = Array(bytes[..<place])
        bytes.removeFirst(place + end.count)
        return line
      }
      bytes += try #require(socket.read())
    }
  }

  private mutating func take(_ count: Int) throws -> [UInt8] {
    while bytes.count < count { bytes += try #require(socket.read()) }
    let result = Array(bytes[..<count])
    bytes.removeFirst(count)
    return result
  }
}
