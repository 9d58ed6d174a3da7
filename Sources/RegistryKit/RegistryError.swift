/// Why a registry doesn't work, for a program (``code``) and for a person (``message``).
public struct RegistryError: Error, Hashable, Sendable {
  /// What kind of failure it is. More may come: treat one that you don't know as ``failed``.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// What was passed breaks a rule.
    public static let invalidArgument = Code(description: "invalid-argument")
    /// More than the receiver takes.
    public static let limitExceeded = Code(description: "limit-exceeded")
    /// The registry has been told to stop; what it says is no longer heard. Not a fault.
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

  public let code: Code
  /// One line that names the thing, the value and what would be right. Never a secret.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// `error` as a registry error: itself if it is one, else ``Code/failed`` with its description.
  public init(_ error: any Error) {
    self = error as? RegistryError ?? RegistryError(.failed, String(describing: error))
  }
}

extension RegistryError: CustomStringConvertible {
  public var description: String { message }
}
