import ClusterModel
import HashTreeCollections

/// The nodes: their records, the merge of these, and which of them have what only one should have.
///
/// Each change of a node's records merges all of them anew, so that the order of arrival can't matter.
struct NodeTable: Sendable {
  private(set) var rules: MergeRules
  private(set) var local: LocalNode?
  private var nodes: TreeDictionary<NodeIdentity, NodeEntry> = [:]
  private var holders = HolderIndex()

  init(policy: MergePolicy) { rules = MergeRules(policy) }

  // MARK: Reading

  var count: Int { nodes.count }
  var memberCount: Int { holders.nodenameCount }
  var sortedNodenames: [String] { holders.sortedNodenames }

  subscript(id: NodeIdentity) -> NodeEntry? { nodes[id] }

  /// All nodes by identity.
  func sorted() -> [NodeEntry] { nodes.values.sorted { $0.id < $1.id } }

  /// The member of that nodename.
  func member(_ nodename: String) -> Versioned<Member>? {
    guard let known = holders[nodename: nodename] else { return nil }
    return member(known) { nodes[$0] }.map { known.history.of($0) }
  }

  /// The member that `nodename` is, where the nodes that have it are `entry`.
  ///
  /// Of several it is one of which a fresh record says so; of these one with an identity; of these the lowest.
  func member(_ nodename: Nodename, _ entry: (NodeIdentity) -> NodeEntry?) -> Member? {
    switch nodename.holders {
    case .one(let id): return entry(id).flatMap { Member($0.merged.affiliate) }
    case .many(let ids):
      let owner = ids.compactMap(entry).min { left, right in
        if left.merged.isNodenameFresh != right.merged.isNodenameFresh { return left.merged.isNodenameFresh }
        if left.id.isLocal != right.id.isLocal { return right.id.isLocal }
        return left.id < right.id
      }
      return owner.flatMap { Member($0.merged.affiliate) }
    }
  }

  /// The nodes that share what the conflict `key` is about, in order; none where fewer than two have it.
  func sharers(of key: ConflictKey) -> [NodeIdentity] {
    sharers(of: key, among: holders.holders(of: key)) { nodes[$0] }
  }

  /// Those of `holders` that have what the conflict `key` is about, in order; none where fewer than two have it.
  func sharers(
    of key: ConflictKey, among holders: TreeSet<NodeIdentity>?, _ entry: (NodeIdentity) -> NodeEntry?
  ) -> [NodeIdentity] {
    guard let holders else { return [] }
    let sharers = holders.filter { entry($0)?.merged.affiliate.has(key) == true }
    return sharers.count > 1 ? sharers.sorted() : []
  }

  /// The nodes of which an origin that is `chosen` has a record, in order.
  func ids(where chosen: (Origin) -> Bool) -> [NodeIdentity] {
    nodes.filter { node in node.value.raws.contains { chosen($0.origin) } }.keys.sorted()
  }

  /// The ids of all records of an origin, local ones too.
  func recordIDs(of origin: Origin) -> [NodeIdentity] {
    nodes.values.compactMap { node in
      node.position(of: origin).map { node.raws[$0].record.affiliate.nodeID }
    }
  }

  mutating func setHistory(_ history: History, ofMember name: String) {
    holders.setHistory(history, ofMember: name)
  }

  // MARK: Records

  /// Puts `record` in the place of what `origin` said of the node `id` before.
  ///
  /// - Parameter isSnapshot: whether it is part of all that the origin has, of which the time is kept apart.
  /// - Returns: the record as it is kept, and what became of the former one.
  mutating func put(
    _ record: AffiliateRecord, of origin: Origin, as id: NodeIdentity, isSnapshot: Bool,
    _ touched: inout Touched
  ) -> (record: AffiliateRecord, outcome: PutOutcome) {
    let now = touched.now
    guard let old = nodes[id] else {
      let raw = RawEntry(record, of: origin, at: now)
      renew(id, [raw], old: nil, &touched)
      return (raw.record, .added)
    }
    var raws = old.raws
    guard let position = old.position(of: origin) else {
      let raw = RawEntry(pooled(record, beside: old), of: origin, at: now)
      raws.insert(raw, at: raws.firstIndex { rules.walks(origin, before: $0.origin) } ?? raws.count)
      renew(id, raws, old: old, &touched)
      return (raw.record, .added)
    }
    let previous = raws[position]
    if previous.record.hasContent(of: record) {
      if isSnapshot, previous.record.confirmedAt == record.confirmedAt {
        return (previous.record, .unchanged)
      }
      raws[position] = previous.confirmed(at: record.confirmedAt, reportedAt: now)
      nodes[id] = NodeEntry(raws: raws, merged: old.merged, history: old.history)
      return (raws[position].record, .replaced)
    }
    raws[position] = previous.replaced(by: pooled(record, beside: old), at: now)
    renew(id, raws, old: old, &touched)
    return (raws[position].record, .replaced)
  }

  /// What became of an origin's former record of a node.
  enum PutOutcome { case added, replaced, unchanged }

  /// Drops what origins that are `gone` say of the node.
  ///
  /// - Returns: whether there was anything.
  @discardableResult
  mutating func drop(_ id: NodeIdentity, _ touched: inout Touched, where gone: (Origin) -> Bool) -> Bool {
    guard let old = nodes[id], old.raws.indices.contains(where: { gone(old.raws[$0].origin) }) else {
      return false
    }
    renew(id, old.raws.filter { !gone($0.origin) }, old: old, &touched)
    return true
  }

  /// `record` in memory that it shares with what is known of the node already: several registries mostly say
  /// the same.
  private func pooled(_ record: AffiliateRecord, beside node: NodeEntry) -> AffiliateRecord {
    var record = record
    let known = node.distinctAffiliates
    if let same = known.first(where: { $0 == record.affiliate }) {
      record.affiliate = same
    } else if !record.isLocalID {
      record.affiliate.nodeID = node.id
    }
    return record
  }

  // MARK: What else changes the merge

  mutating func setLocal(_ affiliate: Affiliate?, _ touched: inout Touched) {
    let previous = local?.id
    local = affiliate.map { LocalNode(affiliate: $0, updatedAt: touched.now) }
    if let previous, previous != affiliate?.nodeID { renew(previous, &touched) }
    if let affiliate { renew(affiliate.nodeID, &touched) }
  }

  mutating func setPolicy(_ policy: MergePolicy, _ touched: inout Touched) {
    guard policy != rules.policy else { return }
    rules = rules.with(policy)
    for id in nodes.keys.sorted() {
      guard let old = nodes[id] else { continue }
      renew(id, old.raws.sorted { rules.walks($0.origin, before: $1.origin) }, old: old, &touched)
    }
  }

  mutating func setStale(_ isStale: Bool, registry name: String, _ touched: inout Touched) {
    guard rules.setStale(isStale, registry: name) else { return }
    for id in ids(where: { $0.name.registry == name }) { renew(id, &touched) }
  }

  mutating func setStale(_ isStale: Bool, origin name: RecordOrigin, _ touched: inout Touched) {
    guard rules.setStale(isStale, origin: name) else { return }
    for id in ids(where: { $0.name == name }) { renew(id, &touched) }
  }

  /// What comes again under the origin's name comes fresh. Of what it has nothing is changed.
  mutating func forgetStaleness(of name: RecordOrigin) { _ = rules.setStale(false, origin: name) }

  /// The same for a registry and its origins.
  mutating func forgetStaleness(ofRegistry name: String) { rules.forget(registry: name) }

  // MARK: Merging

  /// Merges the records that the node has anew.
  private mutating func renew(_ id: NodeIdentity, _ touched: inout Touched) {
    let old = nodes[id]
    renew(id, old?.raws ?? [], old: old, &touched)
  }

  /// Merges `raws`, which are in the order of the policy, and puts the outcome in the place of `old`.
  private mutating func renew(
    _ id: NodeIdentity, _ raws: [RawEntry], old: NodeEntry?, _ touched: inout Touched
  ) {
    let new = merge(id, raws).map { merged in
      old?.with(raws, merged, at: touched.now)
        ?? NodeEntry(raws: raws, merged: merged, history: History(from: touched.now))
    }
    if let old, let new, new.looksTheSame(as: old) { return }
    if let new {
      nodes.updateValue(new, forKey: old?.id ?? id)
    } else {
      nodes.removeValue(forKey: id)
    }
    touched.note(TouchedNode(id: id, old: old, new: new))
    holders.update(from: old, to: new, &touched)
  }

  /// What the node is: of the local one its own data, of others the merge of their records.
  private func merge(_ id: NodeIdentity, _ raws: [RawEntry]) -> MergedNode? {
    if let local, local.id == id { return MergedNode(affiliate: local.affiliate) }
    return raws.isEmpty ? nil : rules.walk(raws).merged(id)
  }
}
