/// A server's URL: `https://10.5.0.2:6443`.
package struct ServerURL: Hashable, Sendable, CustomStringConvertible {
  package let isSecure: Bool
  /// A name or an address, IPv6 without brackets.
  package let host: String
  package let port: Int
  /// What comes before the paths of requests: empty, or begins with a slash and ends without one.
  package let path: String

  package init(isSecure: Bool = true, host: String, port: Int, path: String = "") {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.path = path
  }

  /// The URL that `text` writes; nil where it isn't one of a server.
  package init?(_ text: String) {
    guard let parts = URLParts(text), parts.user == nil, parts.scheme == "https" || parts.scheme == "http"
    else { return nil }
    isSecure = parts.scheme == "https"
    host = parts.host
    port = parts.port ?? (isSecure ? 443 : 80)
    var path = parts.path[...]
    while path.hasSuffix("/") { path.removeLast() }
    self.path = String(path)
  }

  /// The URL with `host` in place of its own.
  package func replacing(host: String) -> ServerURL {
    ServerURL(isSecure: isSecure, host: host, port: port, path: path)
  }

  package var description: String { "\(isSecure ? "https" : "http")://\(hostAndPort)\(path)" }

  /// `10.5.0.2:6443`, `[fd00::2]:6443`.
  package var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// What a request's `Host` says: without the port that the scheme has anyway.
  package var hostHeader: String {
    port == (isSecure ? 443 : 80) ? String(hostAndPort.dropLast(isSecure ? 4 : 3)) : hostAndPort
  }
}
