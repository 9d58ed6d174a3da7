import RegistryKit

/// A request that failed.
struct APIError: Error, Hashable, CustomStringConvertible {
  /// What a program does about it.
  enum Kind: Hashable, Sendable {
    /// The server answered with this HTTP status.
    case status(Int)
    /// A version or a page that the server no longer has: read everything again.
    case expired
    /// The kubeconfig names another cluster than the one that was asked so far.
    case moved
    /// The connection couldn't be made, or the server didn't answer in time.
    case unreachable
    /// The connection ended before the answer did.
    case interrupted
    /// No byte came for too long.
    case silent
    /// The answer isn't what it should be.
    case malformed
    /// It isn't known how to reach the server.
    case access
    /// There are no credentials to ask with.
    case credentials
  }

  var kind: Kind
  /// For a person.
  var error: RegistryError
  /// How long the server asks to be left alone.
  var retryAfter: Duration?

  var description: String { error.message }

  /// Whether it is reported as the credentials' failure.
  var isOfCredentials: Bool { kind == .credentials || kind == .status(401) }

  init(_ kind: Kind, _ error: RegistryError, retryAfter: Duration? = nil) {
    self.kind = kind
    self.error = error
    self.retryAfter = retryAfter
  }
}

extension RegistryError {
  /// What follows for the rest of the registry while the credentials fail, which is reported apart.
  static func withoutCredentials(_ consequence: String) -> RegistryError {
    RegistryError(.permissionDenied, "the server \(consequence) without credentials that it accepts")
  }
}

/// The `Status` object that a server answers with to a request that failed.
struct APIStatus: Decodable, Hashable {
  struct Details: Decodable, Hashable {
    struct Cause: Decodable, Hashable {
      var reason: String?
    }

    var retryAfterSeconds: Int?
    var causes: [Cause]?
  }

  var message: String?
  var reason: String?
  var code: Int?
  var details: Details?

  init(message: String? = nil, reason: String? = nil, code: Int? = nil, details: Details? = nil) {
    self.message = message
    self.reason = reason
    self.code = code
    self.details = details
  }

  /// Whether it is about a version that the server has no more, or has not yet (after a restore of etcd).
  var isExpired: Bool {
    code == 410 || reason == "Expired" || reason == "Gone"
      || details?.causes?.contains { $0.reason == "ResourceVersionTooLarge" } ?? false
      || message?.contains("Too large resource version") ?? false
  }
}
