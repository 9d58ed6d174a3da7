import Platform

/// A proxy on the way to a server.
package struct ProxyURL: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// `CONNECT` of HTTP, RFC 9110 §9.3.6.
    case http
    /// The same over TLS.
    case https
    /// RFC 1928.
    case socks = "socks5"
  }

  package let kind: Kind
  /// A name or an address, IPv6 without brackets.
  package let host: String
  package let port: Int
  /// `user:password`, for the proxy's basic authorization, or RFC 1929.
  package let credentials: String?

  package init(kind: Kind, host: String, port: Int, credentials: String?) {
    self.kind = kind
    self.host = host
    self.port = port
    self.credentials = credentials
  }
}

extension ProxyURL: CustomStringConvertible {
  /// Without the credentials.
  package var description: String { "\(kind.rawValue)://\(HostPort(host: host, port: port))" }
}

/// The host and port of a server or proxy.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
  /// A name or an address, IPv6 without brackets.
  package let host: String
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `10.5.0.2:6443`, `[fd00::2]:6443`.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
