/// Why something that came from the discovery service can't be used: a whole affiliate, or one item of it.
///
/// Whoever runs the service, or has the cluster's secret, can send anything: so each of these is expected, is
/// counted by its ``Kind``, and costs only the item that it is about.
public struct OpenError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, for programs that count. More may come.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// The id that an affiliate came under isn't a node identity.
    case identity
    /// What was opened is another node's than the id says.
    case identityMismatch = "identity-mismatch"
    /// Too few or too many bytes for what it should be.
    case length
    /// Not made with this cluster's secret, or changed since.
    case notTheKey = "not-the-key"
    /// An endpoint's length byte that is none.
    case lengthByte = "length-byte"
    /// Opened, but not the message that it should be.
    case malformed
    /// An address that has neither 4 nor 16 bytes, or at which no node is reached.
    case address
    /// An IPv6 address with a zone, which means nothing on another machine.
    case zone
    /// A network whose address or length is none.
    case prefix
    /// A port that is none.
    case port
    /// A text with control characters, or too long.
    case text
    /// A machine type that isn't known.
    case machineType = "machine-type"
    /// More items than are taken.
    case count
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// One line that names the item and the value. Never what the secret protects beyond that.
  public let message: String

  /// A failure with `message`, which never has what was sealed.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }

  /// Whether this is no more than something that other programs do and that is left out: nobody need be told.
  public var isUsual: Bool { kind == .zone }
}

/// Why something can't be sealed.
public enum SealError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The sealed affiliate has more bytes than a service takes.
  case tooBig(byteCount: Int, limit: Int)
  /// libcrypto refused or has no randomness.
  case unavailable

  public var description: String {
    switch self {
    case .tooBig(let byteCount, let limit):
      "what this node tells of itself has \(byteCount) bytes when sealed, a discovery service takes \(limit)"
    case .unavailable: "the system's libcrypto can't encrypt or has no randomness"
    }
  }
}
