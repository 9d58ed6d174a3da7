public import ClusterModel

/// A member that is gone, or a nodename that a node had before.
public struct Tombstone: Hashable, Sendable {
  /// The nodename.
  public let name: String
  /// The node's identity.
  public let node: NodeIdentity
  /// ``NodeState/left`` or ``NodeState/missing``.
  public let state: NodeState
  /// Why.
  public let reason: StatusReason
  /// When the state was last another one: since when the node is dead, not since when it is unlisted.
  public let since: Moment
  /// When the tombstone ends.
  public let until: Moment
  /// What was last known of the node; nil where nothing was.
  public let affiliate: Affiliate?
}

/// How long tombstones are kept, and how many.
public struct TombstoneRetention: Hashable, Sendable {
  /// How long that of a node that left is kept.
  public var left: Duration
  /// How long that of a node that is missing is kept.
  public var missing: Duration
  /// The most that are kept; beyond it the oldest of nodes that left go first.
  public var maximumCount: Int

  /// An hour for who left, a day for who is missing, 4096 in all, where nothing else is given.
  public init(
    left: Duration = .seconds(3600), missing: Duration = .seconds(86_400), maximumCount: Int = 4096
  ) {
    self.left = left
    self.missing = missing
    self.maximumCount = max(0, maximumCount)
  }

  /// How long the tombstone of a node in this state is kept.
  func duration(_ state: NodeState) -> Duration { state == .missing ? missing : left }
}

/// Names one tombstone.
struct TombstoneKey: Hashable, Sendable, Comparable {
  let node: NodeIdentity
  let name: String

  static func < (left: TombstoneKey, right: TombstoneKey) -> Bool {
    left.name != right.name ? left.name < right.name : left.node < right.node
  }
}
