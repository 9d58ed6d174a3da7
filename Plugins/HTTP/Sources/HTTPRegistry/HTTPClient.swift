import Dialing
import HTTPTransport
import NIOCore
import NIOHTTP1
import Platform
import RegistryKit
import Synchronization

/// Asks a server, with the credentials as they are at that moment.
///
/// A redirect is followed at most ``maximumRedirects`` times, never to another scheme, and never to another host or port
/// where requests carry anything that makes who asks known.
struct HTTPClient: Sendable {
  let settings: HTTPRegistrySettings
  let connections: HTTPConnections
  let proxies: ProxyEnvironment
  /// What the server knows us by, `rollcall/1.2.0`.
  let userAgent: String
  /// What silence is measured with.
  var time = TimeSource()

  static let maximumRedirects = 5

  /// The head of an answer that isn't a redirect.
  struct Answer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    /// Whether its end is told apart from a connection that broke.
    let isFramed: Bool

    func header(_ name: String) -> String? { headers.first(name: name) }
  }

  /// What a connection needs besides the server, as the files have it now.
  private struct Credentials {
    var headers: [(name: String, value: String)] = []
    var certificateAuthority: [UInt8]?
    var clientCertificate: [UInt8]?
    var clientKey: [UInt8]?
    /// Whether requests make known who asks.
    var makesKnown = false
  }

  // MARK: Whole answers

  /// The whole answer, within `limit` and the settings' size.
  ///
  /// - Parameter headers: those of this request.
  /// - Throws: ``HTTPFailure``, `CancellationError`.
  func get(
    _ url: RequestURL, headers: [(name: String, value: String)], within limit: Duration
  ) async throws -> (answer: Answer, body: [UInt8]) {
    let body = Mutex<[UInt8]>([])
    let maximum = settings.maximumBytes
    let answer: Answer
    do {
      answer = try await TimeSource().within(limit) {
        try await exchange(url, headers: headers) { _ in
        } take: { part in
          let count = body.withLock { body in
            body.append(contentsOf: part.readableBytesView)
            return body.count
          }
          guard count <= maximum else {
            throw HTTPFailure(
              .limitExceeded, "the answer of \(url) has more than \(maximum) bytes; see maximumBytes")
          }
        }
      }
    } catch let error as DeadlineExceeded {
      throw HTTPFailure(error, of: url, through: nil)
    }
    return (answer, body.withLock { $0 })
  }

  /// Hands the bytes of an endless answer to `take` as they come.
  ///
  /// - Parameters:
  ///   - accepted: is given the head of an answer that will be streamed.
  /// - Throws: ``HTTPFailure``, `CancellationError`, and what `take` throws.
  func stream(
    _ url: RequestURL, headers: [(name: String, value: String)],
    accepted: @escaping @Sendable (Answer) throws -> Void,
    take: @escaping @Sendable (ByteBuffer) async throws -> Void
  ) async throws {
    let isAccepted = Mutex(false)
    let (head, idle) = (settings.timeout, settings.idleTimeout)
    do {
      try await Pulse.watch(silence: { isAccepted.withLock { $0 } ? idle : head }, time) { pulse in
        _ = try await exchange(url, headers: headers) { answer in
          pulse.touch()
          isAccepted.withLock { $0 = true }
          try accepted(answer)
        } take: { part in
          pulse.touch()
          try await take(part)
        }
      }
    } catch let error as Pulse.Silence {
      throw HTTPFailure(error, of: url, through: nil)
    }
  }

  // MARK: Requests

  /// One request, and those that it leads to.
  private func exchange(
    _ url: RequestURL, headers: [(name: String, value: String)],
    accepted: @escaping @Sendable (Answer) throws -> Void,
    take: @escaping @Sendable (ByteBuffer) async throws -> Void
  ) async throws -> Answer {
    var url = url
    for _ in 0...Self.maximumRedirects {
      let credentials: Credentials
      do throws(RegistryError) {
        credentials = try readCredentials()
      } catch {
        throw HTTPFailure(error.code, error.message, isOfCredentials: true)
      }
      let (answer, next) = try await attempt(url, credentials, headers, accepted, take)
      guard let next else { return answer }
      url = next
    }
    throw HTTPFailure(.failed, "\(url) leads on and on: more than \(Self.maximumRedirects) redirects")
  }

  private func readCredentials() throws(RegistryError) -> Credentials {
    var credentials = Credentials()
    for header in settings.headers { credentials.headers.append((header.name, header.value.revealed)) }
    if let file = settings.tokenFile {
      credentials.headers.append(("authorization", "Bearer \(try BearerToken.read(file))"))
    }
    credentials.certificateAuthority = try settings.caFile.map { (file) throws(RegistryError) in
      try SmallFiles.read(file, what: "certificate authority")
    }
    if let certificate = settings.clientCertFile, let key = settings.clientKeyFile {
      credentials.clientCertificate = try SmallFiles.read(certificate, what: "client certificate")
      credentials.clientKey = try SmallFiles.read(key, what: "client key")
    }
    credentials.makesKnown = !credentials.headers.isEmpty || credentials.clientKey != nil
    return credentials
  }

  private func attempt(
    _ url: RequestURL, _ credentials: Credentials, _ headers: [(name: String, value: String)],
    _ accepted: @escaping @Sendable (Answer) throws -> Void,
    _ take: @escaping @Sendable (ByteBuffer) async throws -> Void
  ) async throws -> (Answer, next: RequestURL?) {
    let proxy: ProxyURL?
    do throws(ProxyError) {
      proxy = try proxies.proxy(
        to: HostPort(host: url.server.host, port: url.server.port), isSecure: url.server.isSecure)
    } catch {
      throw HTTPFailure(.invalidArgument, error.message)
    }
    let endpoint = HTTPEndpoint(
      server: url.server, certificateAuthority: url.server.isSecure ? credentials.certificateAuthority : nil,
      proxy: proxy, clientCertificate: url.server.isSecure ? credentials.clientCertificate : nil,
      clientKey: url.server.isSecure ? credentials.clientKey : nil)
    let head = requestHead(url, credentials, headers)
    let makesKnown = credentials.makesKnown
    do {
      return try await connections.with(endpoint, isRepeatable: true) { connection in
        let response = try await connection.send(head, body: nil)
        let answer = Answer(
          status: Int(response.status.code), headers: response.headers,
          isFramed: response.headers.contains(name: "content-length")
            || response.headers.contains(name: "transfer-encoding"))
        switch answer.status {
        case 200:
          try Self.checkEncoding(answer, url)
          try accepted(answer)
          while let part = try await connection.next() { try await take(part) }
          return (answer, nil)
        case 304:
          while try await connection.next() != nil {}
          return (answer, nil)
        case 301, 302, 303, 307, 308:
          let next = try Self.redirect(answer, from: url, makesKnown: makesKnown)
          _ = try await Self.reply(connection)
          return (answer, next)
        default:
          throw HTTPFailure(
            status: answer.status, reply: try await Self.reply(connection),
            retryAfter: Self.retryAfter(answer),
            of: url)
        }
      }
    } catch {
      try Task.checkCancellation()
      if error is HTTPFailure || error is CancellationError || error is RegistryError { throw error }
      throw HTTPFailure(error, of: url, through: proxy)
    }
  }

  private func requestHead(
    _ url: RequestURL, _ credentials: Credentials, _ headers: [(name: String, value: String)]
  ) -> HTTPRequestHead {
    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: url.target)
    head.headers.add(name: "host", value: url.server.hostHeader)
    head.headers.add(name: "accept-encoding", value: "identity")
    head.headers.add(name: "user-agent", value: userAgent)
    for (name, value) in headers { head.headers.add(name: name, value: value) }
    // Whoever configures a header means it.
    for (name, value) in credentials.headers { head.headers.replaceOrAdd(name: name, value: value) }
    return head
  }

  // MARK: Answers

  private static func checkEncoding(_ answer: Answer, _ url: RequestURL) throws(HTTPFailure) {
    guard let encoding = answer.header("content-encoding"),
      !["identity", "gzip", "deflate", ""].contains(encoding.lowercased())
    else { return }
    throw HTTPFailure(
      .unsupported, "\(url) answers with Content-Encoding '\(encoding.prefix(40))', which wasn't asked for")
  }

  /// Where a redirect leads that may be followed.
  private static func redirect(
    _ answer: Answer, from url: RequestURL, makesKnown: Bool
  ) throws(HTTPFailure) -> RequestURL {
    guard let location = answer.header("location"), let next = url.following(location) else {
      throw HTTPFailure(.failed, "\(url) leads elsewhere (\(answer.status)), but doesn't say where")
    }
    guard next.server.isSecure == url.server.isSecure else {
      throw HTTPFailure(
        .failed, "\(url) leads to \(next), of another scheme, which isn't followed; write that URL itself")
    }
    guard !makesKnown || next.isSameServer(as: url) else {
      throw HTTPFailure(
        .failed,
        "\(url) leads to \(next), another server, which isn't given the credentials; write that URL itself")
    }
    return next
  }

  /// The beginning of what the server says of a failure.
  private static func reply(_ connection: HTTPConnection) async throws -> [UInt8] {
    var body: [UInt8] = []
    while let part = try await connection.next() {
      body.append(contentsOf: part.readableBytesView)
      if body.count > 64 << 10 { break }
    }
    return body
  }

  /// In seconds; a date, which would need both clocks to agree, isn't taken.
  private static func retryAfter(_ answer: Answer) -> Duration? {
    answer.header("retry-after").flatMap { Int($0.trimmed) }.map { .seconds(min(max($0, 0), 3_600)) }
  }
}
