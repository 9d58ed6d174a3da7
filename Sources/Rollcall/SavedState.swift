import AffiliateMerge
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

/// What is to survive a restart as it is at one moment: made in constant time, and written piece by piece, so that a
/// large cluster isn't there twice.
public struct StateCapture: Sendable {
  /// What isn't of single nodes; ``SavedState/lives`` has no nodes, and there are no versions.
  public let head: SavedState
  private let snapshot: ClusterSnapshot

  init(_ snapshot: ClusterSnapshot, history: ClusterHistory, at now: Timestamp) {
    self.snapshot = snapshot
    var head = SavedState(savedAt: now)
    for status in snapshot.registries {
      head.prefixes[status.name] = status.prefix
      if status.state != .disabled, status.isKnown { head.known.insert(status.name) }
    }
    head.lives = LifecycleState(leases: snapshot.life.leases)
    head.history = history.entries
    head.historySince = history.since
    self.head = head
  }

  /// Gives `body` what is kept of each node, in no order.
  public func forEachNode(_ body: (LifecycleState.Node) -> Void) { snapshot.life.forEachSaved(body) }

  /// Gives `body` the version of each merged affiliate, and of the member that it is, if it is one; in no order.
  public func forEachVersion(
    _ body: (NodeIdentity, SavedState.Version, (nodename: String, version: SavedState.Version)?) -> Void
  ) {
    snapshot.merge.forEachAffiliate { affiliate in
      let nodename = affiliate.value.nodename
      let member = nodename.isEmpty ? nil : snapshot.merge.member(nodename)
      let isIt = member?.value.nodeID == affiliate.value.nodeID
      body(
        affiliate.value.nodeID, affiliate.saved,
        isIt ? member.map { (nodename: nodename, version: $0.saved) } : nil)
    }
  }

  /// All of it at once, in order.
  public var state: SavedState {
    var state = head
    forEachNode { state.lives.nodes.append($0) }
    state.lives.nodes.sort { $0.id < $1.id }
    forEachVersion { id, version, member in
      state.affiliates[id] = version
      if let member { state.members[member.nodename] = member.version }
    }
    return state
  }
}

extension Versioned {
  fileprivate var saved: SavedState.Version {
    SavedState.Version(number: version, created: created, updated: updated)
  }
}
