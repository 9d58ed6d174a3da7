import ClusterModel
import DiscoveryProtocol
import RegistryKit

/// Where a discovery service is: `https://host[:443]/`, `grpc://host:port`, both over TLS, or
/// `http://host:port`, without.
struct ServiceURL: Hashable, Sendable {
  /// A name or an address, without brackets, in lower case.
  let host: String
  let port: UInt16
  let isSecure: Bool

  /// The service whose nodes use no other.
  static let standard = ServiceURL(host: "discovery.talos.dev", port: 443, isSecure: true)

  init(host: String, port: UInt16, isSecure: Bool) {
    self.host = host
    self.port = port
    self.isSecure = isSecure
  }

  /// The URL written as `text`.
  ///
  /// - Parameter base: the URL of the service that gave `text` as where to go instead. Then `host:port` will
  ///   do, which goes on with or without TLS as before, and TLS is never given up.
  init(_ text: String, redirectedFrom base: ServiceURL? = nil) throws(RegistryError) {
    let shown = quoted(text, limit: 200)
    func fail(_ why: String) -> RegistryError {
      RegistryError(
        .invalidArgument,
        "\(shown) isn't a discovery service's URL such as https://discovery.example.org/ or "
          + "http://host:3000: \(why)")
    }
    var rest = Substring(text)
    let scheme: String?
    if let separator = text.firstRange(of: "://") {
      scheme = text[..<separator.lowerBound].lowercased()
      rest = text[separator.upperBound...]
    } else {
      scheme = nil
    }
    if rest.last == "/" { rest.removeLast() }
    guard !rest.contains(where: { "/?#@".contains($0) }) else { throw fail("it has more than host and port") }
    let (host, port) = try Self.split(rest, fail)
    switch (scheme, base) {
    case ("https", _): self.init(host: host, port: port ?? 443, isSecure: true)
    case ("grpc", _):
      guard let port else { throw fail("it has no port") }
      self.init(host: host, port: port, isSecure: true)
    case ("http", let base):
      guard base?.isSecure != true else { throw fail("a service with TLS can't redirect to one without") }
      self.init(host: host, port: port ?? 80, isSecure: false)
    case (nil, let base?): self.init(host: host, port: port ?? base.port, isSecure: base.isSecure)
    case (nil, nil): throw fail("it doesn't begin with https://, grpc:// or http://")
    default: throw fail("it doesn't begin with https://, grpc:// or http://")
    }
  }

  private static func split(
    _ text: Substring, _ fail: (String) -> RegistryError
  ) throws(RegistryError) -> (host: String, port: UInt16?) {
    var host = text
    var portText: Substring?
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { throw fail("its '[' has no ']'") }
      host = text[text.index(after: text.startIndex)..<end]
      let after = text[text.index(after: end)...]
      guard after.isEmpty || after.first == ":" else { throw fail("something else follows its ']'") }
      portText = after.isEmpty ? nil : after.dropFirst()
      guard (try? IPAddress(host))?.family == .v6 else {
        throw fail("what is in brackets isn't an IPv6 address")
      }
    } else {
      if let colon = text.firstIndex(of: ":") {
        host = text[..<colon]
        portText = text[text.index(after: colon)...]
      }
      guard isName(host) else {
        throw fail("its host is neither a name nor an address (IPv6 goes in brackets)")
      }
    }
    guard let portText else { return (host.lowercased(), nil) }
    guard portText.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(portText), port > 0 else {
      throw fail("its port isn't 1 to 65535")
    }
    return (host.lowercased(), port)
  }

  private static func isName(_ host: Substring) -> Bool {
    (1...253).contains(host.utf8.count)
      && host.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// The address that the host is, where it isn't a name.
  var address: IPAddress? { try? IPAddress(host) }

  /// `host:port`, an IPv6 address in brackets.
  var authority: String { "\(address?.family == .v6 ? "[\(host)]" : host):\(port)" }
}

extension ServiceURL: CustomStringConvertible {
  var description: String {
    let shown = address?.family == .v6 ? "[\(host)]" : host
    let scheme = isSecure ? "https" : "http"
    return port == (isSecure ? 443 : 80) ? "\(scheme)://\(shown)" : "\(scheme)://\(shown):\(port)"
  }
}
