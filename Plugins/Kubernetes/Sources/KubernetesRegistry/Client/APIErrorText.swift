import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Platform
import RegistryKit

extension APIError {
  /// What the server's refusal means, and what to do about it.
  init(_ status: APIStatus, httpStatus: Int, retryAfter: Duration?, request: APIRequest, access: Access) {
    let server = access.endpoint.server
    let reply = Self.shown(status.message ?? "")
    let retryAfter = retryAfter ?? status.details?.retryAfterSeconds.map { .seconds(min(max($0, 0), 86_400)) }
    if status.isExpired || httpStatus == 410 {
      self.init(
        .expired,
        RegistryError(
          .unavailable,
          "\(server) doesn't have what was asked for (\(httpStatus))\(reply.isEmpty ? "" : ": \(reply)")"),
        retryAfter: retryAfter)
      return
    }
    let error: RegistryError
    switch httpStatus {
    case 401:
      error = RegistryError(
        .permissionDenied,
        "\(server) doesn't accept \(access.credentialName) (401): it is wrong, expired or revoked; from \(access.origin)"
      )
    case 403:
      error = RegistryError(.permissionDenied, Self.forbidden(reply, request: request, access: access))
    case 404 where request.nodeName == nil:
      error = RegistryError(
        .unavailable,
        "\(server) has no \(request.path) (404): it isn't a Kubernetes API server, or not at that path")
    case 404:
      error = RegistryError(.unavailable, "\(server) has no Node '\(request.nodeName ?? "")' (404)")
    case 429:
      let wait = retryAfter.map { "; asked again in \(DurationText.text(of: $0))" } ?? ""
      error = RegistryError(.unavailable, "\(server) is too busy to \(request.action) (429)\(wait)")
    case 300..<400:
      error = RegistryError(
        .failed, "\(server) sends elsewhere (\(httpStatus)): the URL of an API server itself is needed")
    default:
      let reason = reply.isEmpty ? "" : ": \(reply)"
      error = RegistryError(
        httpStatus >= 500 ? .unavailable : .failed,
        "\(server) can't \(request.action) (\(httpStatus))\(reason)")
    }
    self.init(.status(httpStatus), error, retryAfter: retryAfter)
  }

  /// Who may not do what, and the rule that would allow it.
  private static func forbidden(_ reply: String, request: APIRequest, access: Access) -> String {
    let user = user(in: reply)
    let who = user.map { "user '\($0)'" } ?? "the user of \(access.origin)"
    let rule =
      request.verb == .patch
      ? #"{apiGroups: [""], resources: [nodes], verbs: [patch]}"#
      : #"{apiGroups: [""], resources: [nodes], verbs: [get, list, watch]}"#
    var text =
      "\(who) may not \(request.action) at \(access.endpoint.server) (403); what allows it is a ClusterRole with the "
      + "rule \(rule) and a ClusterRoleBinding to that user"
    if let user, user.hasPrefix("system:node:") {
      text +=
        "; since Kubernetes 1.32 a kubelet's credentials may read only their own Node, so use a service account's"
    } else if user == nil, !reply.isEmpty {
      text += " (\(reply))"
    }
    return text
  }

  /// The user's name in `nodes is forbidden: User "x" cannot list …`.
  static func user(in reply: String) -> String? {
    let parts = reply.split(separator: "\"", omittingEmptySubsequences: false)
    guard let index = parts.firstIndex(where: { $0.hasSuffix("User ") }), index + 2 < parts.count else {
      return nil
    }
    return String(parts[index + 1])
  }

  /// Why a connection failed.
  init(_ error: any Error, request: APIRequest, access: Access) {
    let server = access.endpoint.server
    switch error {
    case let error as APIError: self = error
    case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
      self.init(
        .unreachable,
        RegistryError(.deadlineExceeded, "\(server) doesn't answer in time when asked to \(request.action)"))
    case let error as HTTPClientError where Self.connecting.contains(error):
      self.init(
        .unreachable, RegistryError(.unavailable, "\(server) can't be reached: no connection in time"))
    case let error where Self.isCut(error):
      self.init(
        .interrupted, RegistryError(.unavailable, "\(server) closed the connection in the midst of an answer")
      )
    case let error as HTTPClientError
    where error == .invalidProxyResponse || error == .proxyAuthenticationRequired:
      let proxy = access.endpoint.proxy.map { "\($0.host):\($0.port)" } ?? ""
      self.init(
        .unreachable, RegistryError(.unavailable, "the proxy \(proxy) doesn't lead to \(server): \(error)"))
    case let error as NIOConnectionError: self.init(error, access: access)
    case let error as IOError: self.init(errno: error.errnoCode, access: access)
    default:
      let text = Self.shown(String(describing: error))
      if error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError {
        self.init(.unreachable, RegistryError(.permissionDenied, Self.tls(text, access: access)))
      } else {
        self.init(.interrupted, RegistryError(.unavailable, "\(server): \(text)"))
      }
    }
  }

  private init(_ error: NIOConnectionError, access: Access) {
    if let first = error.connectionErrors.first?.error as? IOError {
      self.init(errno: first.errnoCode, access: access)
      return
    }
    let server = access.endpoint.server
    let hint = error.connectionErrors.isEmpty ? "the name '\(error.host)' isn't known" : "\(error)"
    self.init(.unreachable, RegistryError(.unavailable, "\(server) can't be reached: \(Self.shown(hint))"))
  }

  private init(errno code: Int32, access: Access) {
    let reset = code == ECONNRESET || code == EPIPE
    let server = access.endpoint.server
    let by = access.endpoint.proxy.map { " through the proxy \($0.host):\($0.port)" } ?? ""
    self.init(
      reset ? .interrupted : .unreachable,
      RegistryError(
        .unavailable,
        "\(server) can't be reached\(by): \(errnoText(code)); the URL is of \(access.origin)"))
  }

  private static let portHint = "is the port right, or should the URL begin with http:?"

  /// Why there is no TLS connection: which name, which authority.
  private static func tls(_ text: String, access: Access) -> String {
    let endpoint = access.endpoint
    let name = endpoint.serverName ?? endpoint.server.host
    let server = endpoint.server
    if text.contains("CERTIFICATE_VERIFY_FAILED") {
      return
        "the certificate of \(server) isn't trusted: it isn't signed by \(access.authorityName), or has expired; "
        + "set certificate-authority of \(access.origin) to the cluster's own"
    }
    if text.contains("failedToValidateHostname") || text.contains("unableToValidateCertificate")
      || text.contains("expectedHostname") || text.contains("NIOSSLExtraError")
    {
      return
        "the certificate of \(server) isn't for '\(name)': \(text); set tls-server-name in \(access.origin) to a "
        + "name that the certificate has, or use such a name in the server's URL"
    }
    if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
      return "\(server) doesn't speak TLS; \(Self.portHint)"
    }
    if text.contains("EOF during handshake") {
      return "\(server) broke off the TLS handshake; \(Self.portHint)"
    }
    if text.contains("ALERT") && text.contains("CERTIFICATE") {
      return "\(server) refuses the client certificate of \(access.origin): \(text)"
    }
    return "there is no TLS connection to \(server): \(text)"
  }

  /// Whether an answer was cut off by the end of the connection.
  private static func isCut(_ error: any Error) -> Bool {
    if let error = error as? HTTPClientError {
      return error == .remoteConnectionClosed || error == .uncleanShutdown
    }
    if let error = error as? HTTPParserError { return error == .invalidEOFState }
    return (error as? NIOSSLError).map { if case .uncleanShutdown = $0 { true } else { false } } ?? false
  }

  private static let connecting: [HTTPClientError] = [
    .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout,
    .getConnectionFromPoolTimeout,
  ]

  /// The first line, cut where it is long.
  static func shown(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.count > 400 ? line.prefix(400) + "…" : line
  }
}
