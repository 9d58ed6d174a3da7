import ClusterModel
import ClusterResources
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Platform

/// Asks a running daemon over its Unix socket: HTTP/1.1, a connection for each question.
///
/// On NIO's own HTTP handlers: what a general HTTP client adds (pools, redirects, proxies, TLS, HTTP/2) has no use on
/// a socket of this machine, and would bring Foundation whole and its tables of all languages into the command.
public struct StatusClient: Sendable {
  /// The sockets that are tried, one after the other, until somebody answers.
  public let sockets: [String]
  private let timeout: Duration
  let answered: @Sendable (_ version: String?) -> Void

  /// The most bytes of an answer: some 500,000 members.
  static let maximumBody = 512 << 20
  /// The longest path of a socket that the system takes.
  private static let longestPath = 107
  private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  /// A client of the daemon at the first of `sockets` at which one answers.
  ///
  /// - Parameters:
  ///   - timeout: how long an answer may take as a whole, and a stream until it begins.
  ///   - answered: is called with the daemon's version whenever one answers; nil where it doesn't say.
  public init(
    sockets: [String], timeout: Duration = .seconds(10),
    answered: @escaping @Sendable (_ version: String?) -> Void = { _ in }
  ) {
    self.sockets = sockets
    self.timeout = timeout
    self.answered = answered
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
  /// - Parameter omitted: fields that nobody needs: a large list is read faster without them.
  /// - Throws: ``StatusError`` where there is none.
  public func list(
    _ path: String, _ query: [(name: String, value: String)] = [], without omitted: Set<String> = []
  ) async throws -> ResourceList {
    try ResourceList(try await get(path, query).document(without: omitted))
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

  /// Writes what the daemon answers to `GET path` as it comes, streams too, until it ends.
  ///
  /// - Throws: ``StatusError`` where there is no answer, or none of success, and what `write` throws.
  public func copy(_ path: String, _ write: @escaping @Sendable ([UInt8]) throws -> Void) async throws {
    try await exchange(.GET, path, headers: [("Accept", "*/*")]) { head, inbound in
      answered(Self.version(head))
      guard (200..<300).contains(head.status.code) else {
        throw Self.refusal(head, try await Self.collect(inbound, atMost: 1 << 20))
      }
      for try await part in inbound { try write(Array(part.readableBytesView)) }
    }
  }

  private func send(_ method: HTTPMethod, _ target: String) async throws -> StatusResponse {
    try await exchange(method, target, headers: [("Accept", "application/json")], wholeWithin: timeout) {
      head, inbound in
      answered(Self.version(head))
      let isSuccess = (200..<300).contains(head.status.code)
      let body = try await Self.collect(inbound, atMost: isSuccess ? Self.maximumBody : 1 << 20)
      guard isSuccess else { throw Self.refusal(head, body) }
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
  static func refusal(_ head: HTTPResponseHead, _ body: [UInt8]) -> StatusError {
    let status = Int(head.status.code)
    let problem = try? ResourceValue(json: body)
    if let text = problem?["detail"]?.text ?? problem?["title"]?.text {
      return StatusError(.refused, text, status: status, problem: problem)
    }
    let phrase = "\(status) \(head.status.reasonPhrase)".shown
    return StatusError(.refused, "the daemon answered \(phrase)", status: status)
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
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), target.utf8.count <= 16_384 else {
      throw StatusError(.refused, "'\(String(target.prefix(200)).shown)' isn't a path of the API")
    }
    var request = HTTPRequestHead(version: .http1_1, method: method, uri: target)
    request.headers.add(name: "Host", value: "rollcall")
    request.headers.add(name: "User-Agent", value: "rollcall/\(RollcallVersion.current)")
    request.headers.add(name: "Connection", value: "close")
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    var unreachable: StatusError?
    for socket in sockets {
      do {
        return try await connected(to: socket, request, whole: whole, idle: idle, body)
      } catch {
        let failure = failure(error, at: socket)
        guard let without = failure as? StatusError, without.isWithoutDaemon else { throw failure }
        // One that is there and may not be used says more than one that isn't.
        if unreachable?.code != .denied {
          unreachable = without.code == .denied ? without : unreachable ?? without
        }
      }
    }
    guard let unreachable, unreachable.code == .unreachable, sockets.count > 1 else {
      throw unreachable ?? StatusError(.unreachable, "there is no socket to ask a daemon at")
    }
    throw StatusError(.unreachable, Self.nobody(at: sockets.joined(separator: " or ")))
  }

  private static func nobody(at socket: String) -> String {
    "nothing answers at \(socket): is 'rollcall run' running?"
  }

  private func connected<Result: Sendable>(
    to socket: String, _ request: HTTPRequestHead, whole: Duration?, idle: Duration?,
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
  private func failure(_ error: any Error, at socket: String) -> any Error {
    switch error {
    case is CancellationError, is StatusError: return error
    case let error as IOError:
      switch error.errnoCode {
      case ENOENT, ECONNREFUSED, ENOTSOCK, ENOTDIR:
        return StatusError(.unreachable, Self.nobody(at: socket))
      case EACCES, EPERM:
        return StatusError(
          .denied, "this user may not use \(socket): its group may, who are usually called rollcall")
      default:
        return StatusError(.closed, "the connection to \(socket) failed: \(error)")
      }
    case ResponseEnd.late, ResponseEnd.idle, is ChannelError:
      return StatusError(
        .timeout,
        "the daemon at \(socket) doesn't answer: nothing came within \(DurationText.text(of: timeout))")
    case ResponseEnd.early, HTTPParserError.invalidEOFState:
      return StatusError(.closed, "the daemon at \(socket) closed the connection before its answer was whole")
    case is HTTPParserError:
      return StatusError(.malformed, "what answers at \(socket) doesn't speak HTTP: \(error)")
    default:
      // A failure of who reads the answer is theirs.
      return error
    }
  }
}

extension TimeAmount {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .nanoseconds(min(seconds, 1 << 30) * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
