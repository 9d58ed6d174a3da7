public import ClusterModel
public import KubeSpan
public import Logging
import Platform

/// What a ``StatusServer`` is to serve, and to whom.
public struct StatusServerOptions: Sendable {
  /// Where the Unix socket is.
  public enum Socket: Hashable, Sendable {
    /// Made at this path, with this mode and, where it is given, of this group.
    case path(String, mode: UInt32 = 0o660, group: UInt32? = nil)
    /// A listening socket that this process was started with: it isn't unlinked.
    case inherited(Int32)
  }

  /// TLS over TCP.
  public struct TLS: Hashable, Sendable {
    /// The file with the certificate and those that lead to it, in PEM.
    public var certificateFile: String
    /// The file with its key, in PEM.
    public var keyFile: String
    /// The file with the authorities whose certificates let clients in; nil: none does.
    public var clientCAFile: String?

    /// TLS with that certificate.
    public init(certificateFile: String, keyFile: String, clientCAFile: String? = nil) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.clientCAFile = clientCAFile
    }
  }

  /// TCP, for reading only.
  public struct HTTP: Hashable, Sendable {
    /// Where to listen.
    public var listen: IPEndpoint
    /// Names under which it is asked beside localhost, loopback addresses and where it listens.
    public var hosts: [String]
    /// How it is encrypted; nil: not at all.
    public var tls: TLS?
    /// The file with the tokens of which each request has to have one; nil: none is needed.
    public var tokensFile: String?

    /// TCP at that address.
    public init(listen: IPEndpoint, hosts: [String] = [], tls: TLS? = nil, tokensFile: String? = nil) {
      self.listen = listen
      self.hosts = hosts
      self.tls = tls
      self.tokensFile = tokensFile
    }
  }

  /// Nil: no Unix socket.
  public var socket: Socket?
  /// Nil: no TCP.
  public var http: HTTP?
  /// The daemon's version.
  public var version = RollcallVersion.current
  /// What this node is called where it is no member.
  public var nodeLabel: String
  /// What the cluster is called; never a secret.
  public var clusterID: String?
  /// The most that may watch at a time.
  public var maximumWatchers = 4096
  /// After how long each watch ends at the latest, to be begun again by who watches; nil: never.
  public var longestWatch: Duration?
  /// Sets the log levels of modules until the next start; `*` is all, nil the default again. Nil: it can't be done.
  public var setLogLevels: (@Sendable ([String: Logger.Level?]) throws -> Void)?
  /// What revisions of this start begin with: five random letters and digits, so that an old one is known to be old.
  public var epoch = Self.randomEpoch()
  /// What is wrong with the daemon itself, a sentence each: what it can't keep, what it holds back.
  public var problems: @Sendable () -> [String] = { [] }
  /// How the WireGuard mesh is; nil: none runs here.
  public var meshReports: MeshReports?
  /// A page of metrics, in the format that the header `Accept` asks for, and its type. Nil: there is none.
  public var metrics: (@Sendable (_ accept: String?) async -> (contentType: String, text: String))?
  /// Is given each request that was answered.
  public var observe: @Sendable (RequestObservation) -> Void = { _ in }
  /// Is given by how much more, 1 or -1, watch at a listener, `socket` or `tcp`.
  public var observeWatchers: @Sendable (_ listener: String, _ change: Int) -> Void = { _, _ in }
  /// Is given why a watcher had to begin anew: `expired`, `restarted`, `ahead`, `slow`.
  public var observeReset: @Sendable (_ reason: String) -> Void = { _ in }

  /// A server that serves nowhere yet.
  public init(nodeLabel: String, socket: Socket? = nil, http: HTTP? = nil) {
    self.nodeLabel = nodeLabel
    self.socket = socket
    self.http = http
  }

  private static func randomEpoch() -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    return String((0..<5).map { _ in letters[Int.random(in: 0..<letters.count)] })
  }
}
