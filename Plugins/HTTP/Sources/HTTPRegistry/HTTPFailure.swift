import Dialing
import Glibc
import HTTPTransport
import Inventories
import NIOCore
import NIOHTTP1
import Platform
import RegistryKit

/// A request that failed.
struct HTTPFailure: Error, Hashable, CustomStringConvertible {
  /// For a person.
  let error: RegistryError
  /// How long the server asks to be left alone.
  var retryAfter: Duration?
  /// Whether it is reported as the credentials' failure.
  var isOfCredentials = false

  var description: String { error.message }

  init(
    _ code: RegistryError.Code, _ message: String, retryAfter: Duration? = nil, isOfCredentials: Bool = false,
    cause: (any Error)? = nil
  ) {
    error = RegistryError(code, message, cause: cause)
    self.retryAfter = retryAfter
    self.isOfCredentials = isOfCredentials
  }

  /// What the server's refusal means.
  init(status: Int, reply: [UInt8], retryAfter: Duration?, of url: RequestURL) {
    let text = String(decoding: reply.prefix(4096), as: UTF8.self)
    // A page isn't for a line of a log.
    let isPage = text.trimmed.hasPrefix("<")
    let shown = isPage ? "" : Self.shown(text)
    let reason = shown.isEmpty ? "" : ": \(shown)"
    switch status {
    case 401:
      self.init(
        .permissionDenied, "\(url) doesn't accept the credentials (401)\(reason)", retryAfter: retryAfter,
        isOfCredentials: true)
    case 403: self.init(.permissionDenied, "\(url) may not be read (403)\(reason)", retryAfter: retryAfter)
    case 404, 410: self.init(.unavailable, "there is no \(url) (\(status))\(reason)", retryAfter: retryAfter)
    case 429:
      let wait = retryAfter.map { "; asked again in \(DurationText.text(of: $0))" } ?? ""
      self.init(.unavailable, "\(url) is asked too often (429)\(wait)", retryAfter: retryAfter)
    default:
      self.init(
        status >= 500 ? .unavailable : .failed, "\(url) answers with \(status)\(reason)",
        retryAfter: retryAfter)
    }
  }

  /// Why a connection failed.
  init(_ error: any Error, of url: RequestURL, through proxy: ProxyURL?) {
    let way = proxy.map { ", through the proxy \($0)" } ?? ""
    switch error {
    case let error as HTTPFailure: self = error
    case let error as RegistryError: self.init(error.code, error.message, cause: error.cause)
    case let error as TrustError: self.init(.invalidArgument, error.message, isOfCredentials: true)
    case let error as DialError:
      switch error.kind {
      case .certificate(.untrusted):
        self.init(
          .permissionDenied,
          "the certificate of \(url.server) isn't trusted: \(error.message); name who signs it with caFile",
          cause: error)
      case .certificate: self.init(.permissionDenied, error.message, cause: error)
      case .tls:
        self.init(
          .permissionDenied, "there is no TLS connection to \(url.server): \(error.message)", cause: error)
      default: self.init(.unavailable, "\(url.server) can't be reached: \(error.message)", cause: error)
      }
    case let error as HTTPParserError where error != .invalidEOFState:
      self.init(.unavailable, "\(url.server) answers with something that isn't HTTP\(way)", cause: error)
    case is AnswerCutOff, is HTTPParserError:
      self.init(.unavailable, "\(url.server) closed the connection in the midst of an answer\(way)")
    case let error as IOError:
      self.init(.unavailable, "\(url.server) is lost: \(errnoText(error.errnoCode))\(way)")
    case let error as DeadlineExceeded:
      self.init(
        .deadlineExceeded, "\(url) doesn't answer within \(DurationText.text(of: error.limit))\(way)")
    case let error as Pulse.Silence:
      self.init(
        .deadlineExceeded, "\(url) has sent nothing for \(DurationText.text(of: error.limit))\(way)")
    default:
      let text = TLSFailure.text(of: error) ?? String(describing: error)
      self.init(.unavailable, "\(url.server): \(Self.shown(text))\(way)")
    }
  }

  /// The first line, cut where it is long.
  private static func shown(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map { String($0.trimmed) } ?? ""
    let printable = String(
      String.UnicodeScalarView(line.unicodeScalars.filter { $0.properties.generalCategory != .control }))
    return printable.count > 200 ? printable.prefix(200) + "…" : printable
  }
}

extension ProblemReports {
  /// What becomes another report by `failure`: where credentials are refused, it is theirs, and what is called `name` isn't
  /// read because of them.
  mutating func reports(of failure: HTTPFailure, _ name: String) -> [HealthReport] {
    let reading =
      failure.isOfCredentials
      ? RegistryError(.permissionDenied, "\(name) isn't read without credentials that it accepts")
      : failure.error
    return [
      report(.reading, [reading]), report(.credentials, failure.isOfCredentials ? [failure.error] : []),
    ].compactMap(\.self)
  }
}
