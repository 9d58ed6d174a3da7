public import AffiliateMerge
public import ClusterModel
public import Lifecycle

/// The cluster at one moment, and who says so. A value that is made in constant time: what is read of it is
/// worked out when it is read.
public struct ClusterSnapshot: Sendable {
  /// The merge, for looking up single things by their keys.
  public let merge: ClusterMerge
  /// How nodes are: beside who is listed, who of them is there, since when, and who was.
  public let life: LifecycleView
  /// All registries, the disabled ones too, in their declared order.
  public let registries: [RegistryStatus]
  /// Rises with every change of anything.
  public let revision: UInt64
  /// When it came about.
  public let moment: Moment

  /// All nodes, merged, ordered by identity.
  public var affiliates: [Versioned<Affiliate>] { merge.affiliates() }
  /// The nodes that have a nodename, ordered by it.
  public var members: [Versioned<Member>] { merge.members() }
  /// What each registry says of each node, ordered by the text of the raw ids.
  public var rawAffiliates: [(id: RawID, record: Versioned<AffiliateRecord>)] { merge.rawAffiliates() }
  /// What contradicts itself.
  public var conflicts: [Versioned<Conflict>] { merge.conflicts() }
  /// This node's identity, where it takes part.
  public var localID: NodeIdentity? { merge.localID }
  /// Where each field of the node came from; nil for an unknown node.
  public func provenance(of id: NodeIdentity) -> [FieldProvenance]? { merge.provenance(of: id) }

  /// Whether somebody should look at `conflict`: it isn't clear who is who, or where packets go. Not where one of the
  /// nodes merely replaced the others, where registries write a field differently, or where many share something.
  public func isWarning(_ conflict: Conflict) -> Bool {
    if conflict.isShared { return false }
    let disputed: DisputedValue
    switch conflict.key {
    case .field, .label: return false
    case .address(let address): disputed = .address(address)
    case .publicKey(let key): disputed = .publicKey(key)
    case .identity(let id): disputed = .identity(id)
    case .match(let record): disputed = .match(record.description)
    case .nodename(let name): return life.isDisputed(nodename: name)
    }
    let statuses = conflict.nodes.map { life.status(of: $0) }
    return statuses.contains { $0 == nil } || statuses.contains { $0?.disputes.contains(disputed) == true }
  }

  /// Whether every enabled registry has been in sync at least once.
  public var isSynced: Bool { registries.allSatisfy { $0.state == .disabled || $0.hasSynced } }

  /// Whether the whole cluster is known: every enabled registry has been in sync, or what it last said before a restart
  /// was taken over. What leaves the daemon isn't made of less.
  public var isKnown: Bool { registries.allSatisfy { $0.state == .disabled || $0.isKnown } }

  /// The status of the registry called `name`.
  public func registry(_ name: String) -> RegistryStatus? { registries.first { $0.name == name } }
}

/// One thing that a reader of changes is given.
public enum ClusterEvent: Sendable {
  /// Everything as it is now: the first event, and only that one.
  case snapshot(ClusterSnapshot)
  /// What came, changed and went.
  case changes([ClusterChange])
  /// How nodes are shown otherwise than before, and tombstones that came or ended.
  case life(LifecycleChanges)
  /// What is new in ``Aggregator/history``.
  case history([HistoryEntry])
  /// A registry's status is another one. Counts and times of updates alone make no event.
  case registry(RegistryStatus)
  /// A registry is no longer configured.
  case registryRemoved(String)
}
