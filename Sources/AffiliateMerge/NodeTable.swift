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
  /// Which of several nodes with one nodename is the member, where somebody who knows more than records say said so.
  private var chosenOwners: [String: NodeIdentity] = [:]

  init(policy: MergePolicy) { rules = MergeRules(policy) }

  // MARK: Reading

  var count: Int { nodes.count }
  var memberCount: Int { holders.nodenameCount }
  var sortedNodenames: [String] { holders.sortedNodenames }

  subscript(id: NodeIdentity) -> NodeEntry? { nodes[id] }

  /// Gives `body` each node, in no order.
  func forEach(_ body: (NodeEntry) -> Void) { for node in nodes.values { body(node) } }

  /// All nodes by identity.
  func sorted() -> [NodeEntry] { nodes.values.sorted { $0.id < $1.id } }

  /// The member of that nodename.
  func member(_ nodename: String) -> Versioned<Member>? {
    guard let known = holders[nodename: nodename] else { return nil }
    return member(known) { nodes[$0] }.map { known.history.of($0) }
  }

  /// The node that is the member of that nodename.
  func owner(of nodename: String) -> NodeIdentity? { holders[nodename: nodename]?.owner }

  /// The member that `nodename` is, where the nodes that have it are `entry`.
  func member(_ nodename: Nodename, _ entry: (NodeIdentity) -> NodeEntry?) -> Member? {
    entry(nodename.owner)?.member
  }

  /// The nodes that have what the conflict `key` is about, in order; of a nodename the member first, and then the
  /// one that would be it if there were no other one before it.
  func sharers(of key: ConflictKey) -> [NodeIdentity] {
    let sharers = holders.all(of: key).compactMap { nodes[$0] }.filter { $0.has(key) }
    guard case .nodename = key else { return sharers.map(\.id).sorted() }
    let ranked = sharers.map(rank).sorted { $0.goes(before: $1).0 }.map(\.id)
    guard let owner = holders.owner(of: key)?.id, ranked.contains(owner) else { return ranked }
    return [owner] + ranked.filter { $0 != owner }
  }

  /// The conflict about `key`, which isn't a field, as it is now; nil where fewer than two nodes have it.
  func conflict(_ key: ConflictKey) -> Conflict? {
    conflict(
      key, among: holders.several(of: key), holders.owner(of: key), ignoring: rules.policy.ignoredAddresses
    ) { nodes[$0] }
  }

  /// The conflict about `key`, which isn't a field, where `sharers` are those that have it, or what looks alike.
  func conflict(
    _ key: ConflictKey, among sharers: TreeSet<NodeIdentity>?, _ owner: NameOwner?,
    ignoring ignored: IgnoredAddresses, _ entry: (NodeIdentity) -> NodeEntry?
  ) -> Conflict? {
    guard let sharers else { return nil }
    guard sharers.count <= Conflict.maximumNodes else {
      return Conflict(key: key, nodes: [], owner: owner?.id)
    }
    let nodes = sharers.filter { entry($0)?.has(key) == true }.sorted()
    if nodes.count < 2 { return nil }
    if case .address(let address) = key,
      address.isContainerBridge || ignored.networks.contains(where: { $0.contains(address) })
    {
      return Conflict(key: key, nodes: [])
    }
    return Conflict(key: key, nodes: nodes, owner: owner?.id, rule: owner?.rule)
  }

  /// Notes that the conflict about `key` may be another one, though nothing of its nodes is.
  func note(_ key: ConflictKey, _ touched: inout Touched) {
    if let several = holders.several(of: key) { touched.note(key, of: several) }
  }

  /// Settles which node is the member of each nodename that was touched and that several nodes have.
  ///
  /// Where they are many, only those are looked at that were touched, unless that is the member so far.
  mutating func settleOwners(_ touched: inout Touched) {
    for nodename in touched.nodenames {
      guard let known = holders[nodename: nodename.name] else {
        chosenOwners[nodename.name] = nil
        continue
      }
      guard let ids = known.holders.several else {
        holders.setOwner(nil, ofMember: nodename.name)
        chosenOwners[nodename.name] = nil
        continue
      }
      var contenders: [NodeIdentity]?
      if ids.count > Conflict.maximumNodes, !nodename.isReordered, let owner = nodename.before?.owner,
        ids.contains(owner), touched.node(owner) == nil
      {
        contenders = [owner] + touched.ids(of: nodename).filter(ids.contains)
      }
      var best: (rank: NameRank, rule: NameRule?)?
      for id in contenders ?? Array(ids) {
        guard let rank = nodes[id].map(rank) else { continue }
        guard let held = best else {
          best = (rank, nil)
          continue
        }
        let (goesBefore, rule) = rank.goes(before: held.rank)
        // The rule is the one that decides between the best two.
        let isCloser = held.rule.map { rule.rawValue > $0.rawValue } ?? true
        best = goesBefore ? (rank, rule) : (held.rank, isCloser ? rule : held.rule)
      }
      let rule = ids.count > Conflict.maximumNodes ? nil : best?.rule
      if let chosen = chosenOwners[nodename.name], ids.contains(chosen), chosen != best?.rank.id {
        holders.setOwner(NameOwner(chosen, .state), ofMember: nodename.name)
        continue
      }
      holders.setOwner(best.map { NameOwner($0.rank.id, rule) }, ofMember: nodename.name)
    }
  }

  /// Makes `owner` the member of a nodename that several nodes have, for as long as they do.
  mutating func setOwner(_ owner: NodeIdentity, ofMember name: String, _ touched: inout Touched) {
    guard let known = holders[nodename: name], known.holders.several?.contains(owner) == true,
      chosenOwners.updateValue(owner, forKey: name) != owner
    else { return }
    touched.note(reordered: name, of: known)
  }

  private func rank(_ node: NodeEntry) -> NameRank {
    NameRank(node, isLocal: node.id == local?.id, rules: rules)
  }

  /// The nodes of which an origin that is `chosen` has a record, in order.
  func ids(where chosen: (Origin) -> Bool) -> [NodeIdentity] {
    nodes.filter { node in node.value.raws.contains { chosen($0.origin) } }.keys.sorted()
  }

  /// The ids of all records of an origin, local ones too.
  func recordIDs(of origin: Origin) -> [NodeIdentity] {
    nodes.values.flatMap { node in
      node.raws.filter { $0.origin === origin }.map(\.record.affiliate.nodeID)
    }
  }

  /// All records, and the nodes that they are of.
  var raws: [(node: NodeIdentity, raw: RawEntry)] {
    nodes.flatMap { node in node.value.raws.map { (node.key, $0) } }
  }

  mutating func setHistory(_ history: History, of id: NodeIdentity) {
    guard let node = nodes[id] else { return }
    nodes[id] = NodeEntry(raws: node.raws, merged: node.merged, history: history, heard: node.heard)
  }

  mutating func setHeard(_ heard: HeardTime, of id: NodeIdentity, _ touched: inout Touched) {
    guard let node = nodes[id] else { return }
    nodes[id] = NodeEntry(raws: node.raws, merged: node.merged, history: node.history, heard: heard)
    reorder(id, &touched)
  }

  mutating func setHistory(_ history: History, ofMember name: String) {
    holders.setHistory(history, ofMember: name)
  }

  // MARK: Records

  /// Puts `record` in the place of what `origin` said of the node `id` before.
  ///
  /// - Parameters:
  ///   - heard: when its identity came, where nothing is known of that yet.
  ///   - isSnapshot: whether it is part of all that the origin has, of which the time is kept apart.
  /// - Returns: the record as it is kept, and what became of the former one.
  mutating func put(
    _ record: AffiliateRecord, of origin: Origin, as id: NodeIdentity, heard: HeardTime, isSnapshot: Bool,
    _ touched: inout Touched
  ) -> (record: AffiliateRecord, outcome: PutOutcome) {
    let now = touched.now
    guard let old = nodes[id] else {
      let raw = RawEntry(record, of: origin, at: now)
      renew(id, [raw], old: nil, heard: heard, &touched)
      return (raw.record, .added)
    }
    var raws = old.raws
    let position = old.position(of: record.affiliate.nodeID, isLocalID: record.isLocalID, origin)
    guard let position else {
      let raw = RawEntry(pooled(record, beside: old), of: origin, at: now)
      insert(raw, &raws)
      renew(id, raws, old: old, &touched)
      return (raw.record, .added)
    }
    let previous = raws[position]
    if previous.record.hasContent(of: record) {
      if isSnapshot, previous.record.confirmedAt == record.confirmedAt {
        return (previous.record, .unchanged)
      }
      raws[position] = previous.confirmed(at: record.confirmedAt, reportedAt: now)
      nodes[id] = NodeEntry(raws: raws, merged: old.merged, history: old.history, heard: old.heard)
      return (raws[position].record, .confirmed)
    }
    raws[position] = previous.replaced(by: pooled(record, beside: old), at: now)
    renew(id, raws, old: old, &touched)
    return (raws[position].record, .replaced)
  }

  /// Notes when the origin's record of the node was last confirmed, where it has one.
  mutating func confirm(
    _ record: NodeIdentity, isLocalID: Bool, of origin: Origin, as id: NodeIdentity, at confirmedAt: Timestamp
  ) {
    guard let old = nodes[id], let position = old.position(of: record, isLocalID: isLocalID, origin) else {
      return
    }
    var raws = old.raws
    raws[position] = raws[position].confirmed(at: confirmedAt, reportedAt: raws[position].reportedAt)
    nodes[id] = NodeEntry(raws: raws, merged: old.merged, history: old.history, heard: old.heard)
  }

  /// What became of an origin's former record of a node.
  enum PutOutcome {
    case added, replaced
    /// The same was reported again.
    case confirmed
    /// Nothing is another one at all.
    case unchanged
  }

  /// Drops the records of the node that are `gone`.
  ///
  /// - Returns: whether there was anything.
  @discardableResult
  mutating func drop(_ id: NodeIdentity, _ touched: inout Touched, where gone: (RawEntry) -> Bool) -> Bool {
    guard let old = nodes[id], old.raws.indices.contains(where: { gone(old.raws[$0]) }) else { return false }
    renew(id, old.raws.filter { !gone($0) }, old: old, &touched)
    return true
  }

  /// Takes a record from the node, to be added to another one.
  mutating func take(
    _ record: NodeIdentity, of origin: Origin, from id: NodeIdentity, _ touched: inout Touched
  )
    -> RawEntry?
  {
    guard let old = nodes[id], let position = old.position(of: record, isLocalID: true, origin) else {
      return nil
    }
    var raws = old.raws
    let raw = raws.remove(at: position)
    renew(id, raws, old: old, &touched)
    return raw
  }

  /// Adds a record that was joined to the node, or founds it.
  mutating func add(_ raw: RawEntry, to id: NodeIdentity, _ touched: inout Touched) {
    let old = nodes[id]
    var raws = old?.raws ?? []
    insert(raw, &raws)
    renew(id, raws, old: old, heard: .unknown, &touched)
  }

  private func insert(_ raw: RawEntry, _ raws: inout [RawEntry]) {
    raws.insert(raw, at: raws.firstIndex { rules.walks(raw, before: $0) } ?? raws.count)
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

  /// Gives a node that was changed several times at one moment the history of one change.
  mutating func rejoin(_ new: NodeEntry, to old: NodeEntry?, at now: Timestamp) -> NodeEntry {
    let entry = new.since(old, at: now)
    nodes[new.id] = entry
    return entry
  }

  // MARK: What else changes the merge

  mutating func setLocal(_ record: AffiliateRecord?, _ touched: inout Touched) {
    let previous = local?.id
    local = record.map { LocalNode(record: $0, updatedAt: touched.now) }
    if let previous, previous != local?.id { reorder(previous, &touched) }
    if let local { reorder(local.id, &touched) }
  }

  mutating func setPolicy(_ policy: MergePolicy, _ touched: inout Touched) {
    guard policy != rules.policy else { return }
    rules = rules.with(policy)
    for id in nodes.keys.sorted() {
      guard let old = nodes[id] else { continue }
      renew(id, old.raws.sorted { rules.walks($0, before: $1) }, old: old, &touched)
    }
  }

  mutating func setStale(_ isStale: Bool, registry name: String, _ touched: inout Touched) {
    guard rules.setStale(isStale, registry: name) else { return }
    for id in ids(where: { $0.name.registry == name }) { reorder(id, &touched) }
  }

  mutating func setStale(_ isStale: Bool, origin name: RecordOrigin, _ touched: inout Touched) {
    guard rules.setStale(isStale, origin: name) else { return }
    for id in ids(where: { $0.name == name }) { reorder(id, &touched) }
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

  /// Merges the node's records anew, of which others are stale than before, or which may be this node now: that can
  /// decide whose a nodename is, where nothing of the node itself changes.
  private mutating func reorder(_ id: NodeIdentity, _ touched: inout Touched) {
    renew(id, &touched)
    if let name = nodes[id]?.nodename, let known = holders[nodename: name],
      known.holders.several != nil
    {
      touched.note(reordered: name, of: known)
    }
  }

  /// Merges `raws`, which are in the order of the policy, and puts the outcome in the place of `old`.
  private mutating func renew(
    _ id: NodeIdentity, _ raws: [RawEntry], old: NodeEntry?, heard: HeardTime? = nil, _ touched: inout Touched
  ) {
    let new = merge(id, raws).map { merged in
      old?.with(raws, merged, at: touched.now)
        ?? NodeEntry(
          raws: raws, merged: merged, history: History(from: touched.now),
          heard: heard ?? HeardTime(touched.now))
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
    if let local, local.id == id {
      var merged = MergedNode(affiliate: local.affiliate)
      merged.labels = rules.walk(raws.filter(\.record.isLocalID)).labels(own: local.record.labels)
      merged.isOnTwoMachines = !IdentityCheck(rules, local).differing(raws, id).isEmpty
      return merged
    }
    if raws.isEmpty { return nil }
    let walk = rules.walk(raws)
    var merged = walk.merged(id)
    merged.labels = walk.labels()
    merged.isOnTwoMachines = raws.count > 1 && !IdentityCheck(rules, nil).differing(raws, id).isEmpty
    if raws.indices.allSatisfy({ raws[$0].record.isLocalID }) {
      merged.isMember = rules.isMember(raws)
      // Lists that people keep have hostnames: who has no other name is called by that.
      if merged.isMember, merged.affiliate.isEmpty(.nodename), !merged.affiliate.isEmpty(.hostname) {
        merged.affiliate.nodename = merged.affiliate.hostname
      }
    }
    return merged
  }
}
