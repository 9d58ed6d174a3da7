public import ClusterModel
public import RegistryKit

/// How a registry is doing.
public struct RegistryStatus: Hashable, Sendable {
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// It runs and hasn't told what it knows yet, or not of each source that it named.
    case starting
    /// It runs and has told what it knows, of each source that it named.
    case synced
    /// It runs, and something doesn't work that it tries to get over by itself. Its data count as fresh.
    case degraded
    /// It ended or can't be made; it is run again after a while.
    case failed
    /// It isn't to be run.
    case disabled
  }

  /// An error and when it came about.
  public struct Failure: Hashable, Sendable {
    public let error: RegistryError
    public let at: Timestamp

    public init(error: RegistryError, at: Timestamp) {
      self.error = error
      self.at = at
    }
  }

  /// The registry's name in the configuration.
  public let name: String
  /// What its raw affiliate ids start with.
  public internal(set) var prefix: String
  /// The plugin that makes it; nil for a Swift value, and until the plugin is loaded.
  public internal(set) var plugin: String?
  /// The plugin's version; nil where ``plugin`` is.
  public internal(set) var pluginVersion: String?
  public internal(set) var state: State
  /// Since when it is in ``state``.
  public internal(set) var since: Timestamp
  /// Why it isn't run, where it is disabled.
  public internal(set) var disabledReason: String?
  /// What is wrong now; nil where nothing is known to be.
  public internal(set) var error: RegistryError?
  /// The last thing that was wrong, also after all is well again.
  public internal(set) var lastFailure: Failure?
  /// How often it was run again after a failure.
  public internal(set) var restarts = 0
  /// Whether it has ever told what it knows.
  public internal(set) var hasSynced = false
  /// Whether its data were kept for so long after a failure that they give way to fresher ones.
  public internal(set) var isStale = false
  /// When it last told anything of a node.
  public internal(set) var lastUpdate: Timestamp?
  /// How many raw affiliates there are of it. Right in every snapshot; its changes alone aren't told.
  public internal(set) var affiliateCount = 0
  /// Whether it publishes what this node tells of itself.
  public internal(set) var publishes = false
  /// Under which address whom it asks sees this node.
  public internal(set) var publicAddress: IPAddress?

  /// Whether it has told what it knows or is known to have trouble: whether waiting for it may end.
  var isSettled: Bool { state == .disabled || hasSynced || lastFailure != nil }

  init(name: String, prefix: String, state: State, since: Timestamp, disabledReason: String? = nil) {
    self.name = name
    self.prefix = prefix
    self.state = state
    self.since = since
    self.disabledReason = disabledReason
  }
}
