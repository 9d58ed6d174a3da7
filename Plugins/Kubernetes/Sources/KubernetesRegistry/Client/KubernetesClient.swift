import Dialing
import FoundationEssentials
import HTTPTransport
import NIOCore
import NIOHTTP1
import Platform
import RegistryKit
import Synchronization

/// Asks the API server, with the credentials as they are at that moment.
struct KubernetesClient: Sendable {
  let source: AccessSource
  let connections: HTTPConnections
  let timing: ClientTiming
  let time: TimeSource
  /// What the server knows us by, `rollcall/1.2.0`.
  let userAgent: String
  /// The proxies that count where a kubeconfig names none.
  var proxies = ProxyEnvironment([:])

  /// The cluster that is asked as things are now.
  func cluster() async throws -> Access.Cluster { try await access { try await source.cluster() } }

  /// Sends `request`, and hands the answer's bytes to `take` as they come, one piece after the other.
  ///
  /// Credentials that are refused are got anew once.
  ///
  /// - Parameters:
  ///   - cluster: the one that has to be asked, as the request only makes sense there; nil for any.
  ///   - accepted: called when the server has agreed to answer.
  ///   - silence: the longest time without a byte; asked again and again.
  /// - Throws: ``APIError``, `CancellationError`, and what `take` throws.
  func stream(
    _ request: APIRequest, of cluster: Access.Cluster? = nil,
    silence: @escaping @Sendable () -> Duration,
    accepted: @escaping @Sendable () async throws -> Void = {},
    take: @escaping @Sendable (ByteBuffer) async throws -> Void
  ) async throws {
    do {
      try await attempt(request, of: cluster, silence: silence, accepted: accepted, take: take)
    } catch let error as APIError where error.kind == .status(401) {
      await source.refused()
      do {
        try await attempt(request, of: cluster, silence: silence, accepted: accepted, take: take)
      } catch let error as APIError where error.kind == .status(401) {
        try await source.settled(error.error)
        throw error
      }
    }
  }

  /// The whole answer, which has at most `maximum` bytes.
  func data(
    _ request: APIRequest, of cluster: Access.Cluster? = nil, maximum: Int = 16 << 20
  ) async throws -> [UInt8] {
    let body = Mutex<[UInt8]>([])
    let silence = timing.silence
    try await stream(request, of: cluster, silence: { silence }) { part in
      let count = body.withLock { body in
        body.append(contentsOf: part.readableBytesView)
        return body.count
      }
      guard count <= maximum else {
        throw APIError(
          .malformed,
          RegistryError(.limitExceeded, "the answer to \(request.action) has more than \(maximum) bytes"))
      }
    }
    return body.withLock { $0 }
  }

  private func access<Value>(_ get: () async throws -> Value) async throws -> Value {
    do {
      return try await get()
    } catch let failure as AccessSource.Failure {
      throw APIError(failure.isOfCredentials ? .credentials : .access, failure.error)
    }
  }

  private func attempt(
    _ request: APIRequest, of cluster: Access.Cluster?, silence: @escaping @Sendable () -> Duration,
    accepted: @escaping @Sendable () async throws -> Void,
    take: @escaping @Sendable (ByteBuffer) async throws -> Void
  ) async throws {
    var found = try await access { try await source.current() }
    if found.endpoint.proxy == nil { found.endpoint.proxy = try proxy(to: found.endpoint.server) }
    let access = found
    let endpoint = access.endpoint
    if let cluster, cluster != access.cluster {
      throw APIError(
        .moved,
        RegistryError(.unavailable, "\(access.origin) names another cluster now, \(access.endpoint.server)")
      )
    }
    do {
      try await connections.with(endpoint, isRepeatable: request.method == .get) { connection in
        let head = try await answered(request, access) {
          try await connection.send(
            requestHead(request, access), body: request.mergePatch.map { ByteBuffer(string: $0) })
        }
        try await watchful(silence: silence, request: request, access: access) { alive in
          guard head.status == .ok else {
            throw try await refusal(head, connection, request: request, access: access, alive: alive)
          }
          if let encoding = head.headers.first(name: "content-encoding"), !Self.known(encoding) {
            throw APIError(
              .malformed,
              RegistryError(
                .unsupported,
                "\(access.endpoint.server) answers with Content-Encoding '\(encoding.prefix(40))', which wasn't asked for"
              ))
          }
          try await source.settled(nil)
          try await accepted()
          while let part = try await connection.next() {
            alive.touch()
            try await take(part)
          }
        }
      }
    } catch {
      try Task.checkCancellation()
      if Self.isOurs(error) { throw error }
      throw APIError(error, request: request, access: access)
    }
  }

  private func proxy(to server: ServerURL) throws(APIError) -> ProxyURL? {
    do throws(ProxyError) {
      return try proxies.proxy(to: HostPort(host: server.host, port: server.port), isSecure: server.isSecure)
    } catch {
      throw APIError(.access, RegistryError(.invalidArgument, error.message))
    }
  }

  /// What `body` gives, in time.
  private func answered<Value: Sendable>(
    _ request: APIRequest, _ access: Access, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    do {
      return try await TimeSource().within(timing.head, body)
    } catch is DeadlineExceeded {
      throw APIError(
        .unreachable,
        RegistryError(
          .deadlineExceeded,
          "\(access.endpoint.server) doesn't answer in time when asked to \(request.action)\(access.way)"))
    }
  }

  /// Runs `body` as long as it shows often enough that it is alive.
  private func watchful(
    silence: @escaping @Sendable () -> Duration, request: APIRequest, access: Access,
    _ body: @escaping @Sendable (Pulse) async throws -> Void
  ) async throws {
    do {
      try await Pulse.watch(silence: silence, time, body)
    } catch let error as Pulse.Silence {
      throw APIError(
        .silent,
        RegistryError(
          .deadlineExceeded,
          "\(access.endpoint.server) has sent nothing for \(DurationText.text(of: error.limit)) while asked to \(request.action)"
        ))
    }
  }

  /// The error that an answer other than 200 is.
  private func refusal(
    _ response: HTTPResponseHead, _ connection: HTTPConnection, request: APIRequest, access: Access,
    alive: Pulse
  ) async throws -> APIError {
    var body: [UInt8] = []
    while let part = try await connection.next() {
      alive.touch()
      body.append(contentsOf: part.readableBytesView)
      if body.count > 64 << 10 { break }
    }
    var status = APIStatus()
    if let read = try? JSONDecoder().decode(APIStatus.self, from: Data(body)) {
      status = read
    } else {
      status.message = String(decoding: body.prefix(400), as: UTF8.self)
    }
    let retryAfter = response.headers.first(name: "retry-after").flatMap { Int($0) }
    return APIError(
      status, httpStatus: Int(response.status.code),
      retryAfter: retryAfter.map { .seconds(min(max($0, 0), 86_400)) }, request: request, access: access)
  }

  private func requestHead(_ request: APIRequest, _ access: Access) -> HTTPRequestHead {
    let server = access.endpoint.server
    var head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue),
      uri: server.path + request.target)
    head.headers.add(name: "host", value: server.hostHeader)
    head.headers.add(name: "accept", value: "application/json")
    // Packing and unpacking would cost both ends more than the bytes do.
    head.headers.add(name: "accept-encoding", value: "identity")
    head.headers.add(name: "user-agent", value: userAgent)
    if let token = access.token { head.headers.add(name: "authorization", value: "Bearer \(token)") }
    if let patch = request.mergePatch {
      head.headers.add(name: "content-type", value: "application/merge-patch+json")
      head.headers.add(name: "content-length", value: String(patch.utf8.count))
    }
    return head
  }

  private static func known(_ encoding: String) -> Bool {
    ["identity", "gzip", "deflate", ""].contains(encoding.lowercased())
  }

  /// Whether an error comes from who takes the bytes rather than from the connection.
  private static func isOurs(_ error: any Error) -> Bool {
    error is APIError || error is CancellationError || error is NodeDecodeError || error is RegistryError
  }
}

/// How long a client waits.
struct ClientTiming: Hashable, Sendable {
  /// For a connection.
  var connect = Duration.seconds(10)
  /// For the beginning of an answer.
  var head = Duration.seconds(30)
  /// For the next byte of an answer that isn't a watch.
  var silence = Duration.seconds(30)
}
