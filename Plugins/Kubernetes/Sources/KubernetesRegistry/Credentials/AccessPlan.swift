import Dialing

/// Where the API server is and how to be known to it, as a kubeconfig or a pod's surroundings say: names of
/// files and programs, none of which has been read or run.
struct AccessPlan: Hashable, Sendable {
  /// PEM bytes, or where they are.
  enum Material: Hashable, Sendable {
    /// What was written, and how messages call it.
    case inline([UInt8], name: String)
    case file(String)
  }

  /// What the bearer token, where there is one, comes from.
  enum Token: Hashable, Sendable {
    case none
    case inline(String)
    /// A file that is read again before each request, as tokens rotate.
    case file(String)
    /// A program that prints it.
    case exec(ExecPlugin)
  }

  var server: ServerURL
  /// What the server's certificate is checked against; nil for the system's authorities.
  var certificateAuthority: Material?
  /// The name that the server's certificate must have, instead of the URL's host.
  var serverName: String?
  /// Whether the server's certificate isn't checked at all.
  var isInsecure = false
  var proxy: ProxyURL?
  var clientCertificate: Material?
  var clientKey: Material?
  var token: Token = .none
  /// Who says all this, for messages: `context 'home' of ~/.kube/config`.
  var origin: String
}

/// An API server's URL: `https://10.5.0.2:6443`.
struct ServerURL: Hashable, Sendable, CustomStringConvertible {
  let isSecure: Bool
  /// A name or an address, IPv6 without brackets.
  let host: String
  let port: Int
  /// What comes before `/api`: empty, or begins with a slash and ends without one.
  let path: String

  init(isSecure: Bool = true, host: String, port: Int, path: String = "") {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.path = path
  }

  /// The URL that `text` writes; nil where it isn't one of a server.
  init?(_ text: String) {
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
  func replacing(host: String) -> ServerURL {
    ServerURL(isSecure: isSecure, host: host, port: port, path: path)
  }

  var description: String { "\(isSecure ? "https" : "http")://\(hostAndPort)\(path)" }

  /// `10.5.0.2:6443`, `[fd00::2]:6443`.
  var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
