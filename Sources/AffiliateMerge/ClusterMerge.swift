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
/// node of which a fresh record says it, among equals one with an identity, and of those the lowest.
///
/// A record with a local id is a node of its own, which is called as its raw id is: `inventory/17`.
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

  /// Takes in what one source of `registry` reports, and returns what really changed by it: node by node its
  /// raw affiliates and the affiliate, then the members, then the conflicts. What was merely reported again is
  /// no change; it shows in the age of ``provenance(of:)``.
  ///
  /// A snapshot is expected to have each id once; where one is in it twice its last record counts. A record that
  /// was an identity's and has a local id now, or the reverse, is another record: the former one is removed.
  ///
  /// - Parameter now: when the update arrived.
  public mutating func apply(
    _ update: RegistryUpdate, of registry: RegistryID, at now: Timestamp
  ) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    let origin = registry.origin(update.source)
    switch update {
    case .snapshot(let records, _, let absent):
      touched.reason = absent
      takeSnapshot(records, from: origin, &touched)
    case .upsert(let record, _): takeRecord(record, from: origin, &touched)
    case .remove(let id, _, let reason):
      touched.reason = reason
      removeRecord(of: id, from: origin, &touched)
    case .sourceGone: removeOrigin(origin, &touched)
    }
    return changes(touched)
  }

  /// Drops the records of all origins of the registry called `name`, which isn't stale any more either.
  ///
  /// - Parameter reason: what the removed raw affiliates carry.
  public mutating func removeRegistry(
    _ name: String, reason: RemovalReason? = nil, at now: Timestamp
  ) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    touched.reason = reason
    rules.stale.forget(name)
    removeRecords(&touched) { $0.registry == name }
    return changes(touched)
  }

  /// Drops the records of one origin, which isn't stale any more either.
  ///
  /// - Parameter reason: what the removed raw affiliates carry.
  public mutating func removeOrigin(
    _ origin: RecordOrigin, reason: RemovalReason? = nil, at now: Timestamp
  ) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    touched.reason = reason
    removeOrigin(origin, &touched)
    return changes(touched)
  }

  private mutating func removeOrigin(_ origin: RecordOrigin, _ touched: inout Touched) {
    _ = rules.stale.set(origin, false)
    removeRecords(&touched) { $0 == origin }
  }

  /// Marks the records of a whole registry as stale, or as fresh again: they have been kept for too long
  /// without an update. Stale records give way to fresh ones. It holds for records that come later too.
  public mutating func setStale(_ isStale: Bool, registry name: String, at now: Timestamp) -> [ClusterChange]
  {
    var touched = Touched(at: now, rules: rules, local: local)
    setStale(name, isStale, &touched)
    return changes(touched)
  }

  /// The same for one origin's records; it ends when the origin or its registry is removed.
  public mutating func setStale(_ isStale: Bool, origin: RecordOrigin, at now: Timestamp) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    setStale(origin, isStale, &touched)
    return changes(touched)
  }

  /// Sets what this node says of itself; nil for a mere observer.
  public mutating func setLocal(_ affiliate: Affiliate?, at now: Timestamp) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    setLocal(affiliate, &touched)
    return changes(touched)
  }

  /// Sets the policy and merges everything anew where it is another one.
  public mutating func setPolicy(_ policy: MergePolicy, at now: Timestamp) -> [ClusterChange] {
    var touched = Touched(at: now, rules: rules, local: local)
    setPolicy(policy, &touched)
    return changes(touched)
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
  /// How many of them have a local id.
  var localCount = 0
  /// When it last told all that it knows, which confirms each record of it.
  var lastSnapshot: Timestamp?
}

/// A nodename: who has it, and the history of the member that is called by it.
struct Nodename: Sendable {
  var holders: Holders
  /// Nil only until the event that brought the nodename is through.
  var history: History?
}
