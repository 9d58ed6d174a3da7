public import ClusterModel
public import RegistryKit

/// How many updates were taken from a registry, by kind.
public struct UpdateCounts: Hashable, Sendable {
  /// All that a source has.
  public internal(set) var snapshots = 0
  /// New or changed records.
  public internal(set) var upserts = 0
  /// Records that went.
  public internal(set) var removals = 0

  /// Nothing yet.
  public init() {}

  /// Updates of every kind.
  public var total: Int { snapshots + upserts + removals }
}

/// What has become of what this node publishes to a registry.
public struct PublicationStatus: Hashable, Sendable {
  /// How far it got.
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// It was handed to the registry, which hasn't said yet what came of it.
    case pending
    /// The registry accepted it.
    case accepted
    /// It couldn't be published, and is tried again.
    case retrying
  }

  /// How far it got.
  public internal(set) var state: State
  /// The revision of what was published; 0 where nothing was yet.
  public internal(set) var revision: UInt64 = 0
  /// When the registry last accepted something; nil: never.
  public internal(set) var acceptedAt: Timestamp?
}

/// How a registry is doing.
public struct RegistryStatus: Hashable, Sendable {
  /// How a registry is, in a word.
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// It runs, and not each of its sources has had a snapshot yet.
    case starting
    /// It runs, and each of its sources has had a snapshot.
    case synced
    /// It runs, and an aspect of it doesn't work, which it tries to get over by itself. Its data count as fresh.
    case degraded
    /// It ended or can't be made; it is run again after a while.
    case failed
    /// It isn't to be run.
    case disabled
  }

  /// An error and when it came about.
  public struct Failure: Hashable, Sendable {
    /// What was wrong.
    public let error: RegistryError
    /// When it came about.
    public let at: Timestamp

    /// The failure `error`, which came about `at` that moment.
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
  /// How it is.
  public internal(set) var state: State
  /// Since when it is in ``state``.
  public internal(set) var since: Timestamp
  /// Why it isn't run, where it is disabled.
  public internal(set) var disabledReason: String?
  /// What is wrong now: why it failed, or all of ``problems`` in one; nil where nothing is known to be.
  public internal(set) var error: RegistryError?
  /// Each aspect of each source that doesn't work now, by aspect and source.
  public internal(set) var problems: [HealthReport] = []
  /// The last thing that was wrong, also after all is well again.
  public internal(set) var lastFailure: Failure?
  /// How often it was run again after a failure.
  public internal(set) var restarts = 0
  /// Whether it has ever been in sync.
  public internal(set) var hasSynced = false
  /// Whether what it last said before a restart was taken over; false where nothing is known of it from then.
  public internal(set) var isRestored = false
  /// Whether all that it knows is there: heard since the start, or taken over from before.
  public var isKnown: Bool { hasSynced || isRestored }
  /// Whether its data were kept for so long after a failure that they give way to fresher ones.
  public internal(set) var isStale = false
  /// When its last update came.
  public internal(set) var lastUpdate: Timestamp?
  /// How many raw affiliates there are of it. Right in every snapshot; its changes alone aren't told.
  public internal(set) var affiliateCount = 0
  /// Whether its records are leases that nodes renew themselves.
  public internal(set) var leases = false
  /// Whether it publishes what this node says of itself.
  public internal(set) var publishes = false
  /// Under which address whom it asks sees this node.
  public internal(set) var publicAddress: IPAddress?

  /// What has become of what this node publishes there; nil where nothing is.
  public internal(set) var publication: PublicationStatus?
  /// How many updates were taken from it.
  public internal(set) var updates = UpdateCounts()
  /// When whom it asks last answered, be it with nothing new; nil: never.
  public internal(set) var lastSuccess: Timestamp?
  /// What becomes of its records when it fails, and what is expected of them.
  public internal(set) var retention = RetentionPolicy()

  /// Whether waiting for it may end: it was in sync once, or each source that had no snapshot yet is known to
  /// have trouble.
  public internal(set) var isSettled = false

  /// The status with what changes without being told, counts and times of updates, as in `other`.
  func withCounts(of other: RegistryStatus) -> RegistryStatus {
    var status = self
    status.affiliateCount = other.affiliateCount
    status.lastUpdate = other.lastUpdate
    status.updates = other.updates
    status.lastSuccess = other.lastSuccess
    return status
  }

  init(name: String, prefix: String, state: State, since: Timestamp, disabledReason: String? = nil) {
    self.name = name
    self.prefix = prefix
    self.state = state
    self.since = since
    self.disabledReason = disabledReason
    isSettled = state == .disabled
  }
}
