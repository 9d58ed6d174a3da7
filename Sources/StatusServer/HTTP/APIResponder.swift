import ClusterModel
import ClusterResources
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Platform

/// Answers the requests of one door: who may ask, which operation that is, and whatever goes wrong as a problem.
struct APIResponder: Sendable {
  let routes: RouteTable
  /// Who may ask over TCP; nil for the socket.
  let access: AccessRules?
  /// What metrics call it: `socket` or `tcp`.
  let listener: String
  /// What the `Server` field says.
  let server: String
  let options: StatusServerOptions
  let logger: Logger

  /// Answers `request`.
  func respond(
    to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel
  ) async throws {
    let start = ContinuousClock.now
    var (response, route) = await answer(request, on: channel)
    let hasBody = request.method != .head
    response.fields[.server] = server
    response.fields[.date] = Self.date(.now())
    if response.fields[.cacheControl] == nil {
      response.fields[.cacheControl] = response.fields[.eTag] == nil ? "no-store" : "no-cache"
    }
    response.fields[.xContentTypeOptions] = "nosniff"
    options.observe(
      RequestObservation(
        listener: listener, method: request.method.rawValue, path: route?.path ?? "",
        status: response.status.code,
        duration: .now - start))
    let length: Int? =
      switch response.body {
      case .none: response.status == .noContent || response.status == .notModified ? nil : 0
      case .bytes(let bytes): bytes.readableBytes
      case .parts(let parts): parts.reduce(0) { $0 + $1.readableBytes }
      case .stream: nil
      }
    if let length { response.fields[.contentLength] = String(length) }
    let head = HTTPResponse(status: response.status, headerFields: response.fields)
    guard hasBody else { return try await writer.writeResponse(head) }
    switch response.body {
    case .none: try await writer.writeResponse(head)
    case .bytes(let bytes):
      try await writer.write(response: head, body: ResponseBody(byteBuffer: bytes))
    case .parts(let parts):
      var body: any ResponseBodyWriter = try await writer.writeHead(head)
      for part in parts { try await body.write(part) }
      try await body.finish(nil)
    case .stream(let write):
      options.observeWatchers(listener, 1)
      defer { options.observeWatchers(listener, -1) }
      var body: any ResponseBodyWriter = try await writer.writeHead(head)
      try await write(&body)
      try await body.finish(nil)
    }
  }

  private func answer(_ request: Request, on channel: any Channel) async -> (APIResponse, Route?) {
    var found: Route?
    do {
      let door: StatusRequest.Door = try await access?.door(for: request.head, on: channel) ?? .socket
      let (route, parameters, query) = try routes.find(request.method, request.head.path ?? "")
      found = route
      try Self.admit(route, door)
      let response = try await route.handle(
        StatusRequest(
          head: request.head, door: door, parameters: parameters, query: query, body: request.body,
          channel: channel))
      return (response, route)
    } catch let problem as Problem {
      return (APIResponse(problem, to: request.head), found)
    } catch {
      logger.error(
        "a request couldn't be answered",
        metadata: ["path": "\(found?.path ?? "")", "error": "\(error)"])
      return (
        APIResponse(Problem(.internalServerError, "internal", "the daemon's log says what went wrong")), found
      )
    }
  }

  private static func admit(_ route: Route, _ door: StatusRequest.Door) throws(Problem) {
    switch (route.access, door) {
    case (.open, _), (_, .socket): return
    case (.reading, .tcp(let isSignedIn)):
      if isSignedIn { return }
      var problem = Problem(
        .unauthorized, "unauthorized",
        "a token is needed: 'Authorization: Bearer TOKEN', or a client's certificate")
      problem.fields[.wwwAuthenticate] = "Bearer realm=\"rollcall\""
      throw problem
    case (.administering, .tcp):
      throw .forbidden("only over the Unix socket, by root or the daemon's own user")
    }
  }

  /// A moment as HTTP writes it (RFC 9110 §5.6.7).
  static func date(_ time: Timestamp) -> String {
    let days = time.milliseconds / 86_400_000
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(days % 7)]
    let text = time.description
    let parts = text.split { "-T".contains($0) }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let month = months[(Int(parts[1]) ?? 1) - 1]
    return "\(weekday), \(parts[2]) \(month) \(parts[0]) \(parts[3].dropLast()) GMT"
  }
}

/// One request that was answered, for metrics.
public struct RequestObservation: Hashable, Sendable {
  /// `socket` or `tcp`
  public let listener: String
  /// `GET`
  public let method: String
  /// The operation's path with placeholders, `/v1/members/{id}`; empty where there is none.
  public let path: String
  /// The answer's status.
  public let status: Int
  /// How long it took until the answer's first byte.
  public let duration: Duration
}
