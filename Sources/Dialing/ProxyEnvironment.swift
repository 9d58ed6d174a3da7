import ClusterModel
import Platform

/// The proxies that the environment names, as kubectl, gRPC for Go and curl take them: `HTTPS_PROXY` for servers
/// over TLS, `HTTP_PROXY` for others, and `NO_PROXY` for hosts that are reached directly; each also in small letters.
///
/// As with kubectl, `localhost` and the addresses of loopback are always reached directly: a proxy's are others.
package struct ProxyEnvironment: Sendable {
  private let variables: [String: String]

  package init(_ variables: [String: String]) { self.variables = variables }

  /// The proxy that leads to `target`; nil: none, it is reached directly.
  ///
  /// - Parameter isSecure: whether the server speaks TLS.
  /// - Throws: ``ProxyError`` where a variable has something that isn't a proxy.
  package func proxy(to target: HostPort, isSecure: Bool) throws(ProxyError) -> ProxyURL? {
    guard let (name, text) = value(isSecure ? "HTTPS_PROXY" : "HTTP_PROXY"),
      !Exceptions(value("NO_PROXY")?.text ?? "").contain(target)
    else { return nil }
    do throws(ProxyError) {
      return try ProxyURL(text)
    } catch {
      throw ProxyError(message: "\(name) \(error.message)")
    }
  }

  private func value(_ name: String) -> (name: String, text: String)? {
    for name in [name, name.lowercased()] {
      if let text = variables[name]?.trimmed, !text.isEmpty { return (name, String(text)) }
    }
    return nil
  }

  /// What `NO_PROXY` lists.
  private struct Exceptions {
    private let items: [Substring]

    init(_ text: String) { items = text.split { $0 == "," || $0.isWhitespace } }

    func contain(_ target: HostPort) -> Bool {
      var host = target.host.lowercased()
      if host.last == "." { host.removeLast() }
      let address = try? IPAddress(host)
      if host == "localhost" || address?.isLoopback == true { return true }
      return items.contains { Self.item($0.lowercased(), covers: host, address, target.port) }
    }

    private static func item(_ item: String, covers host: String, _ address: IPAddress?, _ port: Int) -> Bool
    {
      if item == "*" { return true }
      if let network = try? IPPrefix(item) { return address.map(network.contains) ?? false }
      if let other = try? IPAddress(item) { return other == address }
      var name = Substring(item)
      if name.first == "[" {
        guard let end = name.firstIndex(of: "]") else { return false }
        let after = name[name.index(after: end)...]
        guard after.isEmpty || after == ":\(port)" else { return false }
        name = name[name.index(after: name.startIndex)..<end]
      } else if let colon = name.lastIndex(of: ":") {
        guard name[colon...] == ":\(port)" else { return false }
        name = name[..<colon]
      }
      if let other = try? IPAddress(name) { return other == address }
      guard address == nil else { return false }
      // As with curl the domain itself is meant too, however it is written.
      if name.hasPrefix("*.") { name.removeFirst() }
      if name.hasPrefix(".") { name.removeFirst() }
      guard !name.isEmpty else { return false }
      return host == name || host.hasSuffix(".\(name)")
    }
  }
}

/// Something isn't a proxy's URL.
package struct ProxyError: Error, Hashable {
  /// For a person; has no credentials.
  package let message: String

  package init(message: String) { self.message = message }
}

extension ProxyURL {
  /// The proxy that `text` writes: `http://user:password@proxy.example:3128`, `https://`, `socks5://`, or
  /// `proxy.example:3128`.
  ///
  /// - Throws: ``ProxyError``, whose message follows the name of what has the text.
  package init(_ text: String) throws(ProxyError) {
    let wrong = ProxyError(message: "isn't a proxy's URL such as http://proxy.example.org:3128")
    var rest = text[...]
    var scheme = "http"
    if let mark = text.firstRange(of: "://") {
      scheme = text[..<mark.lowerBound].lowercased()
      rest = text[mark.upperBound...]
    }
    let (kind, standardPort): (Kind, Int)
    switch scheme {
    case "http": (kind, standardPort) = (.http, 80)
    case "https": (kind, standardPort) = (.https, 443)
    case "socks5", "socks5h": (kind, standardPort) = (.socks, 1080)
    default:
      throw ProxyError(message: "names a proxy of a kind that isn't supported; http, https and socks5 are")
    }
    rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    var credentials: String?
    if let at = rest.lastIndex(of: "@") {
      guard let decoded = Self.percentDecoded(rest[..<at]) else { throw wrong }
      credentials = decoded
      rest = rest[rest.index(after: at)...]
    }
    var host = rest
    var portText: Substring?
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw wrong }
      host = rest[rest.index(after: rest.startIndex)..<end]
      let after = rest[rest.index(after: end)...]
      guard after.isEmpty || after.first == ":" else { throw wrong }
      portText = after.isEmpty ? nil : after.dropFirst()
    } else if let colon = rest.firstIndex(of: ":") {
      host = rest[..<colon]
      portText = rest[rest.index(after: colon)...]
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw wrong }
    var port = standardPort
    if let portText, !portText.isEmpty {
      guard let number = UInt16(portText), number > 0 else { throw wrong }
      port = Int(number)
    }
    self.init(kind: kind, host: String(host), port: port, credentials: credentials)
  }

  /// `text` with each `%41` as what it stands for; nil where it isn't text then.
  private static func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "%"), digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
