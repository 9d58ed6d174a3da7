import ClusterModel
import ClusterResources
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks a running daemon over its Unix socket: HTTP/1.1, a connection for each question.
///
/// On NIO's own HTTP handlers: what a general HTTP client adds (pools, redirects, proxies, TLS, HTTP/2) has no use on
/// a socket of this machine, and would bring Foundation whole and its tables of all languages into the command.
public struct StatusClient: Sendable {
  /// The socket's path.
  public let socket: String
  private let timeout: Duration

  /// The most bytes of an answer: some 500,000 members.
  static let maximumBody = 512 << 20
  /// The longest path of a socket that the system takes.
  private static let longestPath = 107
  private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  /// A client of the daemon at `socket`.
  ///
  /// - Parameter timeout: how long an answer may take as a whole, and a stream until it begins.
  public init(socket: String, timeout: Duration = .seconds(10)) {
    self.socket = socket
    self.timeout = timeout
  }

  /// The answer to `GET path?query`.
  ///
  /// - Throws: ``StatusError`` where there is none, or none of success.
  public func get(_ path: String, _ query: [(name: String, value: String)] = []) async throws
    -> StatusResponse
  {
    try await send(.GET, Self.target(path, query))
  }

  /// What the daemon says to `DELETE path`.
  ///
  /// - Throws: ``StatusError`` where there is no answer, or none of success.
  public func delete(_ path: String) async throws -> StatusResponse { try await send(.DELETE, path) }

  /// The list at `path`.
  ///
  /// - Throws: ``StatusError`` where there is none.
  public func list(_ path: String, _ query: [(name: String, value: String)] = []) async throws -> ResourceList
  {
    try ResourceList(try await get(path, query).document())
  }

  /// `path` with `query`, each value encoded.
  static func target(_ path: String, _ query: [(name: String, value: String)]) -> String {
    guard !query.isEmpty else { return path }
    return path + (path.contains("?") ? "&" : "?")
      + query.map { "\($0.name)=\(Self.encoded($0.value))" }.joined(separator: "&")
  }

  /// `text` as a part of a path or a query: all but unreserved characters as `%XX` (RFC 3986 §2).
  public static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded
  }

  private func send(_ method: HTTPMethod, _ target: String) async throws -> StatusResponse {
    try await exchange(method, target, headers: [("Accept", "application/json")], wholeWithin: timeout) {
      head, inbound in
      let isSuccess = (200..<300).contains(head.status.code)
      let body = try await Self.collect(inbound, atMost: isSuccess ? Self.maximumBody : 1 << 20)
      guard isSuccess else { throw refusal(head, body) }
      return StatusResponse(
        status: Int(head.status.code), contentType: head.headers.first(name: "Content-Type") ?? "",
        body: body,
        version: Self.version(head))
    }
  }

  /// The daemon's version, as its `Server` header says: `rollcall/1.2.0`.
  static func version(_ head: HTTPResponseHead) -> String? {
    guard let server = head.headers.first(name: "Server"), server.hasPrefix("rollcall/") else { return nil }
    return String(server.dropFirst("rollcall/".count).prefix { $0 != " " })
  }

  static func collect(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, atMost maximum: Int
  ) async throws -> [UInt8] {
    var body = [UInt8]()
    for try await part in inbound {
      guard body.count + part.readableBytes <= maximum else {
        throw StatusError(.malformed, "the daemon's answer has more than \(maximum) bytes")
      }
      body.append(contentsOf: part.readableBytesView)
    }
    return body
  }

  /// What an answer that is none of success says.
  func refusal(_ head: HTTPResponseHead, _ body: [UInt8]) -> StatusError {
    let status = Int(head.status.code)
    let problem = try? ResourceValue(json: body)
    if let text = problem?["detail"]?.text ?? problem?["title"]?.text {
      return StatusError(.refused, text, status: status, problem: problem)
    }
    let phrase = "\(status) \(head.status.reasonPhrase)".shown
    return StatusError(.refused, "the daemon at \(socket) answered \(phrase)", status: status)
  }

  // MARK: One connection

  /// Sends a request and lets `body` read what comes back.
  ///
  /// - Parameters:
  ///   - whole: how long all of it may take; nil where it may go on, with something to read every `idle`.
  func exchange<Result: Sendable>(
    _ method: HTTPMethod, _ target: String, headers: [(String, String)], wholeWithin whole: Duration? = nil,
    idle: Duration? = nil,
    _ body:
      @escaping @Sendable (HTTPResponseHead, NIOAsyncChannelInboundStream<ByteBuffer>) async throws ->
      Result
  ) async throws -> Result {
    guard socket.utf8.count <= Self.longestPath else {
      throw StatusError(
        .unreachable,
        "the path of a socket has at most \(Self.longestPath) bytes, and '\(socket)' has \(socket.utf8.count)"
      )
    }
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), target.utf8.count <= 16_384 else {
      throw StatusError(.refused, "'\(String(target.prefix(200)).shown)' isn't a path of the API")
    }
    var request = HTTPRequestHead(version: .http1_1, method: method, uri: target)
    request.headers.add(name: "Host", value: "rollcall")
    request.headers.add(name: "User-Agent", value: "rollcall/\(RollcallVersion.current)")
    request.headers.add(name: "Connection", value: "close")
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    do {
      return try await connected(request, whole: whole, idle: idle, body)
    } catch {
      throw failure(error)
    }
  }

  private func connected<Result: Sendable>(
    _ request: HTTPRequestHead, whole: Duration?, idle: Duration?,
    _ body:
      @escaping @Sendable (HTTPResponseHead, NIOAsyncChannelInboundStream<ByteBuffer>) async throws ->
      Result
  ) async throws -> Result {
    let limit = timeout
    let loop = Self.loops.next()
    let head = loop.makePromise(of: HTTPResponseHead.self)
    let channel: NIOAsyncChannel<ByteBuffer, Never>
    do {
      channel = try await ClientBootstrap(group: loop)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 256 << 10))
        .connectTimeout(TimeAmount(limit))
        .connect(unixDomainSocketPath: socket) { channel in
          channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let idle {
              try pipeline.addHandler(IdleStateHandler(readTimeout: TimeAmount(idle)))
            }
            try pipeline.addHTTPClientHandlers()
            try pipeline.addHandler(ResponseHandler(request: request, body: [], head: head))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
          }
        }
    } catch {
      head.fail(error)
      throw error
    }
    let late = loop.scheduleTask(in: TimeAmount(whole ?? limit)) {
      channel.channel.pipeline.fireErrorCaught(ResponseEnd.late)
    }
    defer { late.cancel() }
    return try await channel.executeThenClose { inbound, _ in
      let head = try await head.futureResult.get()
      if whole == nil { late.cancel() }
      return try await body(head, inbound)
    }
  }

  /// What went wrong, in words.
  private func failure(_ error: any Error) -> any Error {
    switch error {
    case is CancellationError, is StatusError: return error
    case let error as IOError:
      switch error.errnoCode {
      case ENOENT, ECONNREFUSED, ENOTSOCK, ENOTDIR:
        return StatusError(.unreachable, "nothing answers at \(socket): is 'rollcall run' running?")
      case EACCES, EPERM:
        return StatusError(
          .denied, "this user may not use \(socket): its group may, who are usually called rollcall")
      default:
        return StatusError(.closed, "the connection to \(socket) failed: \(error)")
      }
    case ResponseEnd.late, ResponseEnd.idle, is ChannelError:
      return StatusError(
        .timeout, "the daemon at \(socket) doesn't answer: nothing came within \(limitText)")
    case ResponseEnd.early, HTTPParserError.invalidEOFState:
      return StatusError(.closed, "the daemon at \(socket) closed the connection before its answer was whole")
    case is HTTPParserError:
      return StatusError(.malformed, "what answers at \(socket) doesn't speak HTTP: \(error)")
    default:
      // A failure of who reads the answer is theirs.
      return error
    }
  }

  private var limitText: String { "\(timeout)" }
}

extension TimeAmount {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .nanoseconds(min(seconds, 1 << 30) * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
