/// Why a registry doesn't work, for a program (``code``) and for a person (``message``).
public struct RegistryError: Error, Sendable {
  /// What kind of failure it is. More may come: treat one that you don't know as ``failed``.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code as text, for programs.
    public let description: String

    /// What was passed breaks a rule.
    public static let invalidArgument = Code(description: "invalid-argument")
    /// More than the receiver takes.
    public static let limitExceeded = Code(description: "limit-exceeded")
    /// The registry has been told to stop, and nothing of it is taken any more. Not a fault.
    public static let stopped = Code(description: "stopped")
    /// What the registry needs isn't there now.
    public static let unavailable = Code(description: "unavailable")
    /// Whom the registry asks refused the credentials.
    public static let permissionDenied = Code(description: "permission-denied")
    /// Not done by this registry or host.
    public static let unsupported = Code(description: "unsupported")
    /// It didn't end in the time that it had.
    public static let deadlineExceeded = Code(description: "deadline-exceeded")
    /// Any other failure.
    public static let failed = Code(description: "failed")
  }

  /// What kind of failure it is.
  public let code: Code
  /// One line that names the thing, the value and what would be right. Never a secret.
  public let message: String
  /// What led to it, where that is another error: for logs and debuggers; the message says what people need.
  public let cause: (any Error)?

  /// An error with `message`, led to by `cause`.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// `error` as a registry error: itself if it is one, else ``Code/failed`` with its description, and the error
  /// as its cause.
  public init(_ error: any Error) {
    self = error as? RegistryError ?? RegistryError(.failed, String(describing: error), cause: error)
  }
}

/// Two are equal that say the same, whatever led to them.
extension RegistryError: Hashable {
  public static func == (left: RegistryError, right: RegistryError) -> Bool {
    left.code == right.code && left.message == right.message
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(message)
  }
}

extension RegistryError: CustomStringConvertible {
  public var description: String { message }
}
