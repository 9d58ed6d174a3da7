public import ClusterModel

/// What came of an update, in order.
public struct LifecycleChanges: Sendable {
  /// Members that are shown otherwise than before, in order of time; a node more than once where time went on.
  public internal(set) var statuses: [StatusChange] = []
  /// Members whose state became another one.
  public internal(set) var transitions: [StatusTransition] = []
  /// Nodenames that several nodes have come to claim, or that another one of them has now.
  public internal(set) var owners: [OwnerChange] = []
  /// Tombstones that came or ended, in this order.
  public internal(set) var tombstones: [TombstoneChange] = []

  /// Nothing.
  public init() {}

  /// Adds what came of a further update.
  public mutating func append(_ other: LifecycleChanges) {
    statuses += other.statuses
    transitions += other.transitions
    owners += other.owners
    tombstones += other.tombstones
  }

  /// Whether nothing is shown otherwise than before.
  public var isEmpty: Bool {
    statuses.isEmpty && transitions.isEmpty && owners.isEmpty && tombstones.isEmpty
  }
}

/// A member that is shown otherwise than before; at least one of ``old`` and ``new`` is there.
public struct StatusChange: Sendable {
  /// The node's identity.
  public let node: NodeIdentity
  /// How it was shown; nil where it wasn't.
  public let old: NodeStatus?
  /// How it is shown; nil where it isn't any more.
  public let new: NodeStatus?
}

/// A member whose state became another one.
public struct StatusTransition: Hashable, Sendable {
  /// When.
  public let at: Moment
  /// The nodename.
  public let name: String
  /// The node's identity.
  public let node: NodeIdentity
  /// The state before; nil for a new one.
  public let from: NodeState?
  /// The state now.
  public let to: NodeState
  /// Why.
  public let reason: StatusReason
  /// Whether the node is flapping: logs and hooks are told of that once, and then of where it settles.
  public let isFlapping: Bool
  /// Whether ``from`` is how it was before a restart, so that it may have come about while nobody looked.
  public let isFromBeforeRestart: Bool
}

/// A nodename that several nodes claim, and which of them has it now: where that is another one than before, and
/// where they have just come to be several.
public struct OwnerChange: Hashable, Sendable {
  /// The nodename.
  public let name: String
  /// The node that is the member.
  public let node: NodeIdentity
}

/// A tombstone that came or ended.
public struct TombstoneChange: Hashable, Sendable {
  /// Which.
  public let tombstone: Tombstone
  /// Whether it ended: its time was over, the node came back, it was forgotten, or there were too many.
  public let hasEnded: Bool
}

extension LifecycleView {
  /// What is shown otherwise than in `earlier`, for who didn't see each change: statuses and tombstones. What came and
  /// went again in between isn't in it, and neither are transitions.
  public func changes(since earlier: LifecycleView) -> LifecycleChanges {
    var changes = LifecycleChanges()
    let ids = Set(nodes.all.map(\.life.id)).union(earlier.nodes.all.map(\.life.id))
    for id in ids.sorted() {
      let (old, new) = (earlier.status(of: id), status(of: id))
      let isSame = if let old, let new { old.isShown(as: new) } else { old == nil && new == nil }
      if !isSame { changes.statuses.append(StatusChange(node: id, old: old, new: new)) }
    }
    let (before, after) = (Set(earlier.tombstones), Set(tombstones))
    changes.tombstones = earlier.tombstones.filter { !after.contains($0) }.map {
      TombstoneChange(tombstone: $0, hasEnded: true)
    }
    changes.tombstones += tombstones.filter { !before.contains($0) }.map {
      TombstoneChange(tombstone: $0, hasEnded: false)
    }
    return changes
  }
}
