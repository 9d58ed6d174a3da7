import Dialing
import HTTPTransport
import Platform
import RegistryKit

/// What is asked for: a server, a path and a query. Its description has no query, which may be a secret.
struct RequestURL: Hashable, Sendable, CustomStringConvertible {
  /// Without a path of its own.
  let server: ServerURL
  /// Begins with a slash; with the query.
  let target: String

  /// The URL that a person wrote as `option`.
  ///
  /// - Throws: ``RegistryError`` that says what would be right; the text, which may hold a secret, isn't in it.
  init(_ text: String, option: String) throws(RegistryError) {
    guard let url = RequestURL(text) else {
      throw RegistryError(
        .invalidArgument,
        "\(option) must be a URL such as https://inventory.example.org/machines, without a user or password: write "
          + "these as a header")
    }
    self = url
  }

  init(server: ServerURL, target: String) {
    self.server = server
    self.target = target
  }

  private init?(_ text: String) {
    let text = text.prefix { $0 != "#" }
    let query = text.firstIndex(of: "?") ?? text.endIndex
    guard let parts = URLParts(String(text[..<query])), parts.user == nil,
      let server = ServerURL(String(text[..<query])),
      text[query...].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.utf8.count <= 8192
    else { return nil }
    self.server = ServerURL(isSecure: server.isSecure, host: server.host, port: server.port)
    target = (parts.path.isEmpty ? "/" : parts.path) + text[query...]
  }

  /// Where `location` leads from here (RFC 3986 §5); nil where it is no URL of HTTP.
  func following(_ location: String) -> RequestURL? {
    let location = String(location.prefix { $0 != "#" })
    guard !location.isEmpty, location.utf8.count <= 8192,
      location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let scheme = server.isSecure ? "https" : "http"
    if location.hasPrefix("//") { return RequestURL("\(scheme):\(location)") }
    if location.hasPrefix("/") { return RequestURL(server: server, target: location) }
    if location.hasPrefix("?") { return RequestURL(server: server, target: path + location) }
    if let colon = location.firstIndex(of: ":"),
      !location[..<colon].contains(where: { $0 == "/" || $0 == "?" })
    {
      return RequestURL(location)
    }
    let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
    return RequestURL(server: server, target: folder + location)
  }

  /// The same server with `more` after the path.
  func appending(_ more: String) -> RequestURL {
    var path = path[...]
    while path.hasSuffix("/") { path.removeLast() }
    return RequestURL(server: server, target: path + more)
  }

  /// Whether both are of one scheme, host and port.
  func isSameServer(as other: RequestURL) -> Bool {
    server.isSecure == other.server.isSecure && server.port == other.server.port
      && server.host.lowercased() == other.server.host.lowercased()
  }

  private var path: String { String(target.prefix { $0 != "?" }) }

  var description: String { "\(server)\(path == "/" ? "/" : path)" }
}
