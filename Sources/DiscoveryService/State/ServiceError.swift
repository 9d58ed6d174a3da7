/// Why a call is refused: what the client is told, and under which name it is counted.
public struct ServiceError: Error, Hashable, Sendable {
  /// The gRPC status code.
  public let code: StatusCode
  /// What the client reads: names the thing and the limit, never a secret.
  public let message: String
  /// The label it is counted under, from a closed set: messages may name values, labels must not.
  public let reason: String

  /// A refusal with `code`, which tells the client `message` and is counted under `reason`.
  public init(_ code: StatusCode, _ message: String, reason: String) {
    self.code = code
    self.message = message
    self.reason = reason
  }
}

extension ServiceError: CustomStringConvertible {
  public var description: String { "\(code.name): \(message)" }
}

extension ServiceError {
  static func invalid(_ message: String, reason: String) -> ServiceError {
    ServiceError(.invalidArgument, message, reason: reason)
  }

  static func exhausted(_ message: String, reason: String) -> ServiceError {
    ServiceError(.resourceExhausted, message, reason: reason)
  }

  static let late = ServiceError(
    .deadlineExceeded, "the deadline was over before the call was answered", reason: "deadline")

  static let shuttingDown = ServiceError(
    .unavailable, "the service is shutting down; connect again", reason: "draining")
}
