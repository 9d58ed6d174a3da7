import ClusterModel
import Platform

/// What is said to a proxy until it leads to the server. Knows nothing of connections.
protocol ProxyHandshake {
  /// What is sent first.
  mutating func start() -> [UInt8]
  /// Takes what the proxy sent, from the start of `received`, as far as it is understood.
  ///
  /// - Throws: ``ProxyError``, whose message goes on after the proxy's name.
  mutating func receive(_ received: inout [UInt8]) throws(ProxyError) -> ProxyStep
}

enum ProxyStep: Hashable {
  case waitForMore
  case send([UInt8])
  case done
}

extension ProxyURL {
  /// The handshake with this proxy that leads to `target`.
  func handshake(to target: HostPort) -> any ProxyHandshake {
    switch kind {
    case .http, .https: ConnectHandshake(target: target, credentials: credentials)
    case .socks: SOCKSHandshake(target: target, credentials: credentials)
    }
  }
}

/// `CONNECT` of HTTP, RFC 9110 §9.3.6.
struct ConnectHandshake: ProxyHandshake {
  let target: HostPort
  /// `user:password`.
  let credentials: String?

  /// The most bytes of an answer's head.
  static let maximumLength = 16 << 10

  mutating func start() -> [UInt8] {
    var head = "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n"
    if let credentials { head += "Proxy-Authorization: Basic \(Base64.encode(credentials.utf8))\r\n" }
    return Array((head + "\r\n").utf8)
  }

  mutating func receive(_ received: inout [UInt8]) throws(ProxyError) -> ProxyStep {
    let end = [UInt8]("\r\n\r\n".utf8)
    guard let place = received.firstRange(of: end) else {
      guard received.count <= Self.maximumLength else { throw ProxyError(message: "doesn't speak HTTP") }
      return .waitForMore
    }
    let line = received.prefix { $0 != 0x0D && $0 != 0x0A }
    received.removeSubrange(..<place.upperBound)
    let parts = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
      throw ProxyError(message: "doesn't speak HTTP")
    }
    // Before the answer there may be others.
    if (100..<200).contains(status) { return try receive(&received) }
    guard (200..<300).contains(status) else {
      let reason = parts.count > 2 ? " \(quotedText(parts[2]))" : ""
      let hint = status == 407 ? ": it wants a user and a password, or others" : ""
      throw ProxyError(message: "doesn't lead to \(target): it answers \(status)\(reason)\(hint)")
    }
    return .done
  }

  private func quotedText(_ text: Substring) -> String {
    String(text.prefix(80).unicodeScalars.map { $0.value >= 0x20 && $0.value < 0x7F ? Character($0) : "?" })
  }
}

/// SOCKS 5, RFC 1928, with RFC 1929 where there are credentials. Names are the proxy's to look up.
struct SOCKSHandshake: ProxyHandshake {
  private enum State { case method, login, request }

  let target: HostPort
  let credentials: String?
  private var state = State.method

  init(target: HostPort, credentials: String?) {
    self.target = target
    self.credentials = credentials
  }

  mutating func start() -> [UInt8] { credentials == nil ? [5, 1, 0] : [5, 2, 0, 2] }

  mutating func receive(_ received: inout [UInt8]) throws(ProxyError) -> ProxyStep {
    guard received.first.map({ $0 == (state == .login ? 1 : 5) }) ?? true else {
      throw ProxyError(message: "doesn't speak SOCKS 5")
    }
    guard received.count >= 2 else { return .waitForMore }
    let code = received[1]
    switch state {
    case .method:
      received.removeFirst(2)
      if code == 0 { return request() }
      guard code == 2, let credentials else {
        throw ProxyError(message: "wants to be authenticated to in a way that isn't supported")
      }
      let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let (user, password) = (Array(parts[0].utf8), parts.count > 1 ? Array(parts[1].utf8) : [])
      guard user.count < 256, password.count < 256 else {
        throw ProxyError(message: "takes users and passwords of at most 255 bytes")
      }
      state = .login
      return .send([1, UInt8(user.count)] + user + [UInt8(password.count)] + password)
    case .login:
      received.removeFirst(2)
      guard code == 0 else { throw ProxyError(message: "refuses the user or the password") }
      return request()
    case .request:
      guard code == 0 else { throw ProxyError(message: "doesn't lead to \(target): \(Self.reason(code))") }
      guard received.count >= 5 else { return .waitForMore }
      let length: Int
      switch received[3] {
      case 1: length = 4
      case 4: length = 16
      case 3: length = 1 + Int(received[4])
      default: throw ProxyError(message: "doesn't speak SOCKS 5")
      }
      guard received.count >= 6 + length else { return .waitForMore }
      received.removeFirst(6 + length)
      return .done
    }
  }

  private mutating func request() -> ProxyStep {
    state = .request
    let port = [UInt8(target.port >> 8 & 0xFF), UInt8(target.port & 0xFF)]
    if let address = try? IPAddress(target.host) {
      return .send([5, 1, 0, address.family == .v4 ? 1 : 4] + address.bytes + port)
    }
    let name = Array(target.host.utf8.prefix(255))
    return .send([5, 1, 0, 3, UInt8(name.count)] + name + port)
  }

  /// RFC 1928 §6.
  private static func reason(_ code: UInt8) -> String {
    switch code {
    case 2: "its rules don't allow it"
    case 3: "the network is unreachable"
    case 4: "the host is unreachable"
    case 5: "the connection is refused"
    case 6: "it takes too long"
    case 7, 8: "it doesn't support that"
    default: "it failed"
    }
  }
}
