import Dialing
import Glibc
import HTTPTransport
import NIOCore
import NIOHTTP1
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
    case let error as DialError: self.init(error, access: access)
    case let error as TrustError:
      self.init(.access, RegistryError(.invalidArgument, error.message))
    case let error as HTTPParserError where error != .invalidEOFState:
      self.init(
        .interrupted,
        RegistryError(
          .unavailable, "\(server) answers with something that isn't HTTP\(access.way)", cause: error))
    case is AnswerCutOff, is HTTPParserError:
      self.init(
        .interrupted,
        RegistryError(.unavailable, "\(server) closed the connection in the midst of an answer\(access.way)"))
    case let error as IOError:
      self.init(
        .interrupted,
        RegistryError(.unavailable, "\(server) is lost: \(errnoText(error.errnoCode))\(access.way)"))
    default:
      let tls = TLSFailure.text(of: error)
      let isCut = tls == TLSFailure.cutOff
      let text = Self.shown(tls ?? String(describing: error))
      self.init(
        tls == nil || isCut ? .interrupted : .unreachable,
        RegistryError(
          tls == nil || isCut ? .unavailable : .permissionDenied,
          Self.sentence(text, access) + access.way))
    }
  }

  /// Why there is no connection.
  private init(_ error: DialError, access: Access) {
    let server = access.endpoint.server
    let code: RegistryError.Code
    let text: String
    switch error.kind {
    case .certificate(.untrusted):
      code = .permissionDenied
      text =
        "the certificate of \(server) isn't trusted: it isn't signed by \(access.authorityName): \(error.message); "
        + "set certificate-authority of \(access.origin) to the cluster's own"
    case .certificate(.name):
      code = .permissionDenied
      text =
        "the certificate of \(server) isn't for '\(access.endpoint.serverName ?? server.host)': \(error.message); "
        + "set tls-server-name in \(access.origin) to a name that the certificate has, or use such a name in the "
        + "server's URL"
    case .certificate(.other): (code, text) = (.permissionDenied, error.message)
    case .tls: (code, text) = (.permissionDenied, Self.sentence(error.message, access))
    // What the system tells first, that it closed or what TLS makes of that, is chance.
    case .closed where error.message == TLSFailure.brokenOff:
      (code, text) = (.unavailable, Self.sentence(error.message, access))
    case .timedOut: (code, text) = (.unavailable, "\(server) can't be reached: \(error.message)")
    case .unknownName, .unreachable, .proxy, .closed:
      code = .unavailable
      text = "\(server) can't be reached: \(error.message); the URL is of \(access.origin)"
    }
    self.init(.unreachable, RegistryError(code, text, cause: error))
  }

  /// `reason` of TLS, as a sentence about the server.
  private static func sentence(_ reason: String, _ access: Access) -> String {
    let server = access.endpoint.server
    guard reason.hasPrefix("it ") else { return "there is no TLS connection to \(server): \(reason)" }
    let isOfPort = reason.hasPrefix(TLSFailure.notSpoken) || reason.hasPrefix(TLSFailure.brokenOff)
    return "\(server) \(reason.dropFirst(3))"
      + (isOfPort ? "; is the port right, or should the URL begin with http:?" : "")
  }

  /// The first line, cut where it is long.
  static func shown(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.count > 400 ? line.prefix(400) + "…" : line
  }
}

extension Access {
  /// Through which proxy the server is reached, to go on a message with; empty where there is none.
  var way: String { endpoint.proxy.map { ", through the proxy \($0)" } ?? "" }
}
