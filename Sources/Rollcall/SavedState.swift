public import ClusterModel
public import Lifecycle

/// What an aggregator knows that must survive a restart, as plain values: what registries last said, how nodes were
/// and since when, and what happened. How it is written is a file's business.
public struct SavedState: Hashable, Sendable {
  /// When it was taken.
  public var savedAt: Timestamp
  /// What registries' raw ids started with, by the registry's name.
  public var prefixes: [String: String]
  /// The registries of which everything was known.
  public var known: Set<String>
  /// What registries last said of each node, and how it was.
  public var lives: LifecycleState
  /// The versions of merged affiliates.
  public var affiliates: [NodeIdentity: Version]
  /// The versions of members, by nodename.
  public var members: [String: Version]
  /// What happened, oldest first.
  public var history: [HistoryEntry]
  /// From when on ``history`` has everything.
  public var historySince: Timestamp
  /// How far readers outside got that have to see everything at least once, by their names: see
  /// ``HistoryEntry/number``.
  public var cursors: [String: UInt64]

  /// How often a resource changed, and when.
  public struct Version: Hashable, Sendable {
    /// 1 when it appeared, one more at each real change.
    public var number: UInt64
    /// When it appeared.
    public var created: Timestamp
    /// When it last changed.
    public var updated: Timestamp

    /// The version of a resource.
    public init(number: UInt64, created: Timestamp, updated: Timestamp) {
      self.number = number
      self.created = created
      self.updated = updated
    }
  }

  /// A state as it was read; what isn't given is empty.
  public init(
    savedAt: Timestamp, prefixes: [String: String] = [:], known: Set<String> = [],
    lives: LifecycleState = LifecycleState(),
    affiliates: [NodeIdentity: Version] = [:], members: [String: Version] = [:],
    history: [HistoryEntry] = [], historySince: Timestamp? = nil, cursors: [String: UInt64] = [:]
  ) {
    self.savedAt = savedAt
    self.prefixes = prefixes
    self.known = known
    self.lives = lives
    self.affiliates = affiliates
    self.members = members
    self.history = history
    self.historySince = historySince ?? savedAt
    self.cursors = cursors
  }
}
