public import ClusterModel
public import ClusterResources
public import Lifecycle
public import Rollcall

/// Where hooks read what happened.
public struct HookSource: Sendable {
  /// How a member is now, as far as a hook is told where it settles.
  public struct Status: Hashable, Sendable {
    /// Its state.
    public var state: NodeState
    /// Why.
    public var reason: StatusReason
    /// Whether it flaps.
    public var isFlapping: Bool

    /// A member that is in `state`.
    public init(state: NodeState, reason: StatusReason, isFlapping: Bool) {
      self.state = state
      self.reason = reason
      self.isFlapping = isFlapping
    }
  }

  /// What happened after the entry of a number.
  public var entries: @Sendable (_ number: UInt64) -> [HistoryEntry]
  /// The number of the newest entry.
  public var newest: @Sendable () -> UInt64
  /// How a node is now; nil where it is no member.
  public var status: @Sendable (NodeIdentity) -> Status?
  /// The thing that an entry is about, as the API shows it now; nil where it is gone.
  public var object: @Sendable (HistoryEntry) -> ResourceValue?
  /// What a revision is called.
  public var revision: @Sendable (UInt64) -> String

  /// Where `aggregator` has it.
  ///
  /// - Parameters:
  ///   - object: the thing that an entry is about, as the API shows it now.
  ///   - revision: what a revision is called.
  public init(
    _ aggregator: Aggregator, object: @escaping @Sendable (HistoryEntry) -> ResourceValue? = { _ in nil },
    revision: @escaping @Sendable (UInt64) -> String = { "\($0)" }
  ) {
    self.init(
      entries: { aggregator.history.entries(after: $0) }, newest: { aggregator.history.newestNumber },
      status: { node in
        aggregator.snapshot().life.status(of: node).map {
          Status(state: $0.state, reason: $0.reason, isFlapping: $0.flags.contains(.flapping))
        }
      }, object: object, revision: revision)
  }

  /// What these say.
  public init(
    entries: @escaping @Sendable (_ number: UInt64) -> [HistoryEntry],
    newest: @escaping @Sendable () -> UInt64, status: @escaping @Sendable (NodeIdentity) -> Status?,
    object: @escaping @Sendable (HistoryEntry) -> ResourceValue? = { _ in nil },
    revision: @escaping @Sendable (UInt64) -> String = { "\($0)" }
  ) {
    self.entries = entries
    self.newest = newest
    self.status = status
    self.object = object
    self.revision = revision
  }
}

/// Where it is kept up to which entry each hook was told, over restarts.
public struct HookCursors: Sendable {
  /// The number of the last entry that the hook was told; nil for a new hook.
  public var load: @Sendable (_ hook: String) -> UInt64?
  /// Keeps that number.
  public var store: @Sendable (_ hook: String, _ number: UInt64) -> Void

  /// Kept by these.
  public init(
    load: @escaping @Sendable (_ hook: String) -> UInt64?,
    store: @escaping @Sendable (_ hook: String, _ number: UInt64) -> Void
  ) {
    self.load = load
    self.store = store
  }

  /// Kept nowhere: each start begins with what happens from then on.
  public static let none = HookCursors(load: { _ in nil }, store: { _, _ in })
}
