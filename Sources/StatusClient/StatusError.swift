import ClusterModel
public import ClusterResources

/// Why a daemon couldn't be asked, or what it said instead of an answer.
public struct StatusError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Hashable, Sendable {
    private let name: String

    /// Nobody answers at the socket: no daemon runs there.
    public static let unreachable = Code(name: "unreachable")
    /// The socket is there, and this user may not use it.
    public static let denied = Code(name: "denied")
    /// The daemon took too long.
    public static let timeout = Code(name: "timeout")
    /// The connection ended before the answer did.
    public static let closed = Code(name: "closed")
    /// The daemon refused: ``StatusError/problem`` says why.
    public static let refused = Code(name: "refused")
    /// What answers doesn't speak as a daemon does, or says more than is read.
    public static let malformed = Code(name: "malformed")
  }

  /// What kind of failure it is.
  public let code: Code
  /// One line that names the socket and what is wrong, or the daemon's own sentence.
  public let message: String
  /// The status of the daemon's answer; nil where it gave none.
  public let status: Int?
  /// What the daemon said of it (RFC 9457); nil where it said nothing of that kind.
  public let problem: ResourceValue?

  init(_ code: Code, _ message: String, status: Int? = nil, problem: ResourceValue? = nil) {
    self.code = code
    self.message = message
    self.status = status
    self.problem = problem
  }

  /// The daemon's word for what is wrong: `not-found`, `ambiguous`, `still-listed`; nil where it said none.
  public var problemCode: String? { problem?["code"]?.text }

  /// Whether nobody was reached who could have answered: another way may be tried.
  public var isWithoutDaemon: Bool { code == .unreachable || code == .denied }

  /// Whether the daemon may be there in a moment: it starts, or starts again.
  public var isTransient: Bool { code == .unreachable || code == .closed || code == .timeout }

  public var description: String { message }
}
