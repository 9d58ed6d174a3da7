import HTTPTypes

/// One operation of the API.
struct Route: Sendable {
  /// Who may use it.
  enum Access: Sendable {
    /// Anybody who reaches it.
    case open
    /// Who may read.
    case reading
    /// Over the socket only, and there by root and the daemon's own user.
    case administering
  }

  let method: HTTPRequest.Method
  /// As the OpenAPI document has it: `/v1/members/{id}`.
  let path: String
  /// The names of the query's parameters.
  let query: [String]
  let access: Access
  /// Whether the last placeholder has all that is left of a path, slashes too.
  let takesRest: Bool
  let handle: @Sendable (StatusRequest) async throws -> APIResponse

  private let segments: [String]

  init(
    _ method: HTTPRequest.Method, _ path: String, query: [String] = [], access: Access = .reading,
    takesRest: Bool = false, _ handle: @escaping @Sendable (StatusRequest) async throws -> APIResponse
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.access = access
    self.takesRest = takesRest
    self.handle = handle
    segments = path.split(separator: "/").map(String.init)
  }

  /// What the placeholders are in the path of these segments, which aren't decoded; nil where it is another one.
  func match(_ path: [Substring]) -> [Substring]? {
    guard path.count == segments.count || takesRest && path.count > segments.count else { return nil }
    var parameters: [Substring] = []
    for (index, segment) in segments.enumerated() {
      guard segment.hasPrefix("{") else {
        if segment != path[index] { return nil }
        continue
      }
      // Segments of one text: from this one's start to the last one's end.
      let isRest = takesRest && index == segments.count - 1
      let last = isRest ? path[path.count - 1] : path[index]
      parameters.append(last.base[path[index].startIndex..<last.endIndex])
    }
    return parameters
  }
}

/// All operations.
struct RouteTable: Sendable {
  let routes: [Route]

  /// The longest path and query that is looked at.
  static let maximumTargetLength = 16 * 1024

  /// The route for a request, its parameters, and its query.
  func find(_ method: HTTPRequest.Method, _ target: String) throws(Problem) -> (Route, [String], QueryItems) {
    guard target.utf8.count <= Self.maximumTargetLength else {
      throw Problem(
        .uriTooLong, "invalid-parameter",
        "a path and its query have at most \(Self.maximumTargetLength) bytes, not \(target.utf8.count)")
    }
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts.first ?? ""
    let segments = path.split(separator: "/")
    let found = routes.compactMap { route in route.match(segments).map { (route: route, parameters: $0) } }
    guard path.hasPrefix("/"), !found.isEmpty else {
      throw .notFound("there is nothing at '\(String(path.prefix(200)))'; /v1 says what there is")
    }
    let wanted = method == .head ? .get : method
    guard let (route, raw) = found.first(where: { $0.route.method == wanted }) else {
      var problem = Problem(
        .methodNotAllowed, "method-not-allowed",
        "\(path.prefix(200)) can't be asked with \(method.rawValue.prefix(20))")
      let allowed =
        found.map(\.route.method.rawValue) + (found.contains { $0.route.method == .get } ? ["HEAD"] : [])
      problem.fields[.allow] = allowed.joined(separator: ", ")
      throw problem
    }
    var parameters: [String] = []
    for text in raw {
      guard let decoded = QueryItems.decode(text, plusIsBlank: false), decoded.utf8.count <= 1024 else {
        throw .invalid("id", "'\(text.prefix(80))' isn't percent-encoded UTF-8 of at most 1024 bytes")
      }
      parameters.append(decoded)
    }
    let query = try QueryItems(parts.count > 1 ? parts[1] : "")
    try query.check(known: route.query)
    return (route, parameters, query)
  }
}
