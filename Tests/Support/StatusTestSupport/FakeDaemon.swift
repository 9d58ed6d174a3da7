import Foundation
import Glibc
import Synchronization

/// A daemon's socket that answers as a test wants: HTTP/1.1, a connection for each question.
public final class FakeDaemon: Sendable {
  /// What was asked.
  public struct Request: Sendable {
    /// `GET /v1/members?all=true`
    public let line: String
    /// The header's lines, names in lower case.
    public let headers: [String: String]

    /// The path with its query.
    public var target: String { line.split(separator: " ").last.map(String.init) ?? "" }
    /// The path alone.
    public var path: String { String(target.prefix { $0 != "?" }) }
    /// The parameters of the query, decoded.
    public var query: [String: String] {
      var query: [String: String] = [:]
      for pair in target.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
        let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        query[String(halves[0])] = halves.count > 1 ? halves[1].removingPercentEncoding : ""
      }
      return query
    }
  }

  /// What is said to it.
  public enum Answer: Sendable {
    /// JSON, or a problem where the status isn't one of success.
    case json(String, status: Int = 200)
    /// Bytes as they are; then the connection ends.
    case raw(String)
    /// A stream that begins with `text` and stays open, unless it `ends`; ``FakeDaemon/push(_:)`` goes on with it.
    case stream(String, ends: Bool = false)
    /// Nothing, for as long as the other side waits.
    case silence
  }

  /// The path of the socket.
  public let socket: String
  private let listener: Int32
  private let answer: @Sendable (Request) -> Answer
  private struct State {
    var requests: [Request] = []
    var streams: [Int32] = []
    var isOpen = true
  }
  private let state = Mutex(State())

  /// Listens at `socket`, whose folder is there.
  public init(at socket: String, _ answer: @escaping @Sendable (Request) -> Answer) throws {
    self.socket = socket
    self.answer = answer
    listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    unlink(socket)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(socket.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw POSIXError(.ENAMETOOLONG) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard code == 0, listen(listener, 64) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    Thread.detachNewThread { [weak self, listener] in
      while true {
        let connection = accept(listener, nil, nil)
        // Closed by nobody else: its number could be another one's by then.
        guard connection >= 0 else { return _ = close(listener) }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        guard let self else { return _ = close(connection) }
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  deinit { end() }

  /// What was asked so far.
  public var requests: [Request] { state.withLock { $0.requests } }
  /// How many streams are open.
  public var streamCount: Int { state.withLock { $0.streams.count } }

  /// Goes on with all streams.
  public func push(_ text: String) {
    state.withLock { state in for stream in state.streams { _ = Self.write(text, to: stream) } }
  }

  /// Ends all streams, as a daemon does that stops.
  public func endStreams() {
    state.withLock { state in
      for stream in state.streams { shutdown(stream, Int32(SHUT_RDWR)) }
      state.streams = []
    }
  }

  /// Listens no more; the socket's file is gone.
  public func end() {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    guard wasOpen else { return }
    endStreams()
    shutdown(listener, Int32(SHUT_RDWR))
    unlink(socket)
  }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    guard let request = Self.request(from: connection) else { return }
    state.withLock { $0.requests.append(request) }
    switch answer(request) {
    case .json(let body, let status):
      let type = status < 300 ? "application/json" : "application/problem+json"
      _ = Self.write(
        "HTTP/1.1 \(status) Status\r\nServer: rollcall/0.2.0\r\nContent-Type: \(type)\r\n"
          + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", to: connection)
    case .raw(let text): _ = Self.write(text, to: connection)
    case .silence: Self.waitForEnd(connection)
    case .stream(let text, let ends):
      state.withLock { state in
        _ = Self.write(
          "HTTP/1.1 200 OK\r\nServer: rollcall/0.2.0\r\nContent-Type: text/event-stream\r\n\r\n\(text)",
          to: connection)
        if !ends { state.streams.append(connection) }
      }
      guard !ends else { return }
      Self.waitForEnd(connection)
      state.withLock { state in state.streams.removeAll { $0 == connection } }
    }
  }

  private static func request(from connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let text = String(decoding: bytes, as: UTF8.self)
      if let end = text.firstRange(of: "\r\n\r\n") {
        let lines = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          let halves = line.split(separator: ":", maxSplits: 1)
          guard halves.count == 2 else { continue }
          headers[halves[0].lowercased()] = halves[1].trimmingCharacters(in: .whitespaces)
        }
        let words = (lines.first ?? "").split(separator: " ")
        return Request(line: words.prefix(2).joined(separator: " "), headers: headers)
      }
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return nil }
      bytes += buffer[..<count]
    }
  }

  private static func waitForEnd(_ connection: Int32) {
    var buffer = [UInt8](repeating: 0, count: 64)
    while read(connection, &buffer, buffer.count) > 0 {}
  }

  private static func write(_ text: String, to connection: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
