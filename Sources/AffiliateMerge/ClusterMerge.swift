public import ClusterModel
import HashTreeCollections

/// The merge of what all registries say, keyed by node identity. A pure value: it neither waits nor logs
/// nor reads a clock, and a copy of it, made in constant time, is a snapshot.
///
/// One event costs what it touches: a node's raw affiliates are merged anew from all of them, so that the
/// order of arrival can't matter, and other nodes are left alone. Copies share all that is the same.
///
/// The affiliate whose identity is the local one comes from local data alone; what registries say of it is
/// listed as raw but not merged. Two nodes that claim one nodename are a conflict; the member is then the
/// node of which a fresh record says it, and among equals the one with the lower identity.
public struct ClusterMerge: Sendable {
  var rules: MergeRules
  var local: LocalNode?
  /// What is known of each node.
  var nodes: TreeDictionary<NodeIdentity, NodeEntry> = [:]
  /// Only origins that have records are in it.
  var origins: TreeDictionary<RecordOrigin, OriginRecords> = [:]
  /// Nodes by what at most one should have, in the merged view.
  var byAddress = HolderIndex<IPAddress>()
  var byPublicKey = HolderIndex<String>()
  var byNodename: TreeDictionary<String, Nodename> = [:]
  var conflictHistories: TreeDictionary<ConflictKey, History> = [:]
  var texts = TextPool()

  public init(policy: MergePolicy = MergePolicy()) { rules = MergeRules(policy) }

  /// The policy that holds now.
  public var policy: MergePolicy { rules.policy }

  /// Takes in `event`, which happened `now`, and tells what really changed by it: node by node its raw
  /// affiliates and the affiliate, then the members, then the conflicts. What was merely said again is
  /// no change; it shows in the age of ``provenance(of:)``.
  public mutating func apply(_ event: MergeEvent, at now: Timestamp) -> [MergeDirective] {
    var touched = Touched(at: now, rules: rules, local: local)
    switch event {
    case .snapshot(let records, let origin): takeSnapshot(records, from: origin, &touched)
    case .upsert(let record, let origin): takeRecord(record, from: origin, &touched)
    case .remove(let id, let origin): removeRecord(of: id, from: origin, &touched)
    case .originGone(let origin):
      _ = rules.stale.set(origin, false)
      removeRecords(&touched) { $0 == origin }
    case .registryGone(let registry):
      rules.stale.forget(registry)
      removeRecords(&touched) { $0.registry == registry }
    case .registryStale(let registry, let isStale): setStale(registry, isStale, &touched)
    case .originStale(let origin, let isStale): setStale(origin, isStale, &touched)
    case .local(let affiliate): setLocal(affiliate, &touched)
    case .policy(let policy): setPolicy(policy, &touched)
    }
    return directives(touched)
  }
}

/// This node's word on itself.
struct LocalNode: Sendable {
  let affiliate: SharedAffiliate
  let heard: Timestamp

  var id: NodeIdentity { affiliate.value.nodeID }
}

/// An origin that has records. Which ones, the nodes tell: a list of them here would cost each record more
/// than it saves the few events that need it.
struct OriginRecords: Sendable {
  let origin: Origin
  var count = 0
  /// When it last told all that it knows, which confirms each record of it.
  var lastSnapshot: Timestamp?
}

/// A nodename: who has it, and the history of the member that is called by it.
struct Nodename: Sendable {
  var holders: Holders
  /// Nil only until the event that brought the nodename is through.
  var history: History?
}
