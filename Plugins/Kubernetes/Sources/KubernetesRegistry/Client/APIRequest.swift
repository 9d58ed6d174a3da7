/// One request to the API server.
struct APIRequest: Hashable, Sendable {
  enum Method: String, Sendable { case get = "GET", patch = "PATCH" }

  /// What is asked for, in the words of Kubernetes' access rules.
  enum Verb: String, Sendable { case get, list, watch, patch }

  var method: Method = .get
  var verb: Verb
  /// The name of the Node that it is about; nil where it is about all of them.
  var nodeName: String?
  /// Begins with a slash.
  var path: String
  var query: [Query] = []
  /// A JSON merge patch.
  var mergePatch: String?

  struct Query: Hashable, Sendable {
    let name: String
    let value: String
  }

  /// How changes of ours are marked.
  static let fieldManager = "rollcall"

  private static let nodes = "/api/v1/nodes"

  /// A page of all Nodes.
  static func list(limit: Int?, continueToken: String?) -> APIRequest {
    var request = APIRequest(verb: .list, path: nodes)
    if let limit { request.query.append(Query(name: "limit", value: String(limit))) }
    if let continueToken { request.query.append(Query(name: "continue", value: continueToken)) }
    return request
  }

  /// The changes of all Nodes after `version`, or from nothing (all Nodes first) where that is nil.
  static func watch(from version: String?, seconds: Int) -> APIRequest {
    var request = APIRequest(verb: .watch, path: nodes)
    request.query = [Query(name: "watch", value: "true"), Query(name: "allowWatchBookmarks", value: "true")]
    request.query.append(Query(name: "timeoutSeconds", value: String(seconds)))
    if let version {
      request.query.append(Query(name: "resourceVersion", value: version))
    } else {
      request.query.append(Query(name: "sendInitialEvents", value: "true"))
      request.query.append(Query(name: "resourceVersionMatch", value: "NotOlderThan"))
    }
    return request
  }

  /// One Node.
  static func node(_ name: String) -> APIRequest {
    APIRequest(verb: .get, nodeName: name, path: "\(nodes)/\(PercentText.encode(name))")
  }

  /// A change of one Node.
  static func patch(node name: String, _ mergePatch: String) -> APIRequest {
    APIRequest(
      method: .patch, verb: .patch, nodeName: name, path: "\(nodes)/\(PercentText.encode(name))",
      query: [Query(name: "fieldManager", value: fieldManager)], mergePatch: mergePatch)
  }

  /// The server's version.
  static let version = APIRequest(verb: .get, path: "/version")

  /// The path with the query, as it stands in the request.
  var target: String {
    guard !query.isEmpty else { return path }
    let items = query.map { "\($0.name)=\(PercentText.encode($0.value))" }
    return path + "?" + items.joined(separator: "&")
  }

  /// What is done, for messages: `list nodes`, `patch node 'worker-1'`.
  var action: String { nodeName.map { "\(verb) node '\($0)'" } ?? "\(verb) nodes" }
}
