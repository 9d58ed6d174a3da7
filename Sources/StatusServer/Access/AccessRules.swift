import ClusterModel
import HTTPTypes
import NIOCore
import NIOSSL
import Platform

/// Who may ask over TCP.
struct AccessRules: Sendable {
  /// Names under which it is asked beside localhost, loopback addresses and where it listens, in lower case.
  let hosts: Set<String>
  /// Where it listens.
  let listen: IPAddress
  /// The tokens that let somebody in; nil: none are needed.
  let tokens: ReaderTokens?
  /// Whether a client's certificate lets somebody in.
  let takesCertificates: Bool
  let sessions: Sessions
  let isEncrypted: Bool

  /// Whether anybody has to sign in.
  private var isGuarded: Bool { tokens != nil || takesCertificates }

  /// How who sent `head` comes in.
  func door(for head: HTTPRequest, on channel: any Channel) async throws -> StatusRequest.Door {
    try checkHost(head.authority)
    if let origin = head.headerFields[.origin] { try checkOrigin(origin, authority: head.authority ?? "") }
    guard isGuarded else { return .tcp(isSignedIn: true) }
    if let token = Self.bearer(head), tokens?.has(token) == true { return .tcp(isSignedIn: true) }
    if let cookie = Self.cookie(head), let token = sessions.token(of: cookie) {
      // It ends with what it was begun by.
      if token.map({ tokens?.has($0) == true }) ?? takesCertificates { return .tcp(isSignedIn: true) }
    }
    if takesCertificates, await Self.hasCertificate(channel) { return .tcp(isSignedIn: true) }
    return .tcp(isSignedIn: false)
  }

  /// The token by which who sent `head` comes in, or began the session; nil where it is none.
  func token(of head: HTTPRequest) -> String? {
    if let token = Self.bearer(head), tokens?.has(token) == true { return token }
    return Self.cookie(head).flatMap { sessions.token(of: $0) ?? nil }
  }

  // MARK: Hosts

  /// A name that an attacker's DNS server points to loopback reaches any server there, so it must be one of ours.
  private func checkHost(_ authority: String?) throws(Problem) {
    guard let authority, !authority.isEmpty else {
      throw Problem(.badRequest, "invalid-parameter", "a request needs a Host field")
    }
    guard isOurs(authority) else {
      throw .forbidden(
        "this isn't '\(String(authority.prefix(200)))': name it in http.hosts, or ask for localhost or the address"
      )
    }
  }

  private func checkOrigin(_ origin: String, authority: String) throws(Problem) {
    let scheme = isEncrypted ? "https://" : "http://"
    guard origin.lowercased() == scheme + authority.lowercased() else {
      throw .forbidden("pages of '\(String(origin.prefix(200)))' may not read this")
    }
  }

  func isOurs(_ authority: String) -> Bool {
    let host = Self.host(of: authority.lowercased())
    if host == "localhost" || hosts.contains(host) || hosts.contains(authority.lowercased()) { return true }
    guard let address = try? IPAddress(host) else { return false }
    return address == listen || address.isLoopback
  }

  /// The host of `HOST:PORT`, without the brackets of an IPv6 address and the dot at a name's end.
  private static func host(of authority: String) -> String {
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    let host = authority.prefix { $0 != ":" }
    return String(host.hasSuffix(".") ? host.dropLast() : host)
  }

  // MARK: Signing in

  static func bearer(_ head: HTTPRequest) -> String? {
    guard let field = head.headerFields[.authorization] else { return nil }
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    return String(parts[1])
  }

  static func cookie(_ head: HTTPRequest) -> String? {
    for field in head.headerFields[values: .cookie] {
      for pair in field.split(separator: ";") {
        let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
        if parts.count == 2, parts[0] == Sessions.cookieName { return String(parts[1]) }
      }
    }
    return nil
  }

  private static func hasCertificate(_ channel: any Channel) async -> Bool {
    let certificate = try? await channel.nioSSL_peerCertificate().get()
    return certificate.flatMap { $0 } != nil
  }
}
