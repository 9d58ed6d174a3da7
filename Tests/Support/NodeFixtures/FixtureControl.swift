/// Lets a ``NodeFixtureServer`` of another process do something, over one connection.
public struct FixtureControl: Sendable {
  private let socket: FixtureSocket

  /// - Parameter url: as ``NodeFixtureServer/url`` has it.
  public init(url: String) throws(FixtureServerError) {
    let port = url.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    socket = try .connected(to: port)
  }

  /// As ``NodeFixtureServer/change(_:)``; false if there is no such Node.
  public func change(_ index: Int) throws(FixtureServerError) -> Bool {
    let request =
      "POST /fixture/change?node=\(index) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    guard socket.write(Array(request.utf8)), let answer = socket.read() else {
      throw FixtureServerError(description: "the server of the tests has gone")
    }
    // The answer is short, and sent at once.
    return String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 200 ")
  }
}
