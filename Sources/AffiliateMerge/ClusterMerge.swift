public import ClusterModel
import HashTreeCollections

/// The merge of what all registries know, keyed by node identity. A pure value: it neither waits nor logs
/// nor reads a clock, and a copy of it, made in constant time, is a snapshot.
///
/// One update costs what it touches: a node's raw affiliates are merged anew from all of them, so that the
/// order of arrival can't matter, and other nodes are left alone. Copies share all that is the same.
///
/// The affiliate whose identity is the local one comes from local data alone; what registries say of it is
/// listed as raw but not merged. Several nodes that claim one nodename are a conflict; which of them is the member
/// ``NameRule`` says, point by point.
///
/// A record with a local id is joined to the node that its registry's match list tells. Where that tells none it founds
/// a node of its own, which is called as its raw id is: `inventory/17`.
public struct ClusterMerge: Sendable {
  private var nodes: NodeTable
  private var origins = OriginTable()
  private var conflictHistories: TreeDictionary<ConflictKey, History> = [:]
  /// What joins records without an identity to nodes; nil until there is one that may be joined, as most clusters have
  /// none.
  private var matcher: RecordMatcher?
  /// What ``matcher`` led to, for readers.
  private var places = MatchPlaces()

  /// A merge that knows nothing yet.
  public init(policy: MergePolicy = MergePolicy()) {
    nodes = NodeTable(policy: policy)
  }

  /// The same for readers: without what only further changes need, so that these copy none of it. What is done to it
  /// makes that anew.
  public var frozen: ClusterMerge {
    var copy = self
    copy.matcher = nil
    return copy
  }

  // MARK: Registries

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
    let origin = registry.origin(update.source)
    switch update {
    case .snapshot(let records, _, let absent):
      return change(at: now, absent) { $0.takeSnapshot(records, from: origin, &$1) }
    case .upsert(let record, _): return change(at: now) { $0.takeRecord(record, from: origin, &$1) }
    case .remove(let id, _, let reason):
      return change(at: now, reason) { $0.removeRecord(of: id, from: origin, &$1) }
    case .sourceGone: return removeOrigin(origin, at: now)
    }
  }

  /// The registry called `name` has said all that it knows for the first time. Identities that a further origin of it
  /// brings are heard then, while of those before nobody knows since when they are there.
  public mutating func noteSynced(registry name: String) { origins.setSynced(true, registry: name) }

  /// Drops the records of all origins of the registry called `name`, which isn't stale any more either.
  ///
  /// - Parameter reason: what the removed raw affiliates carry.
  public mutating func removeRegistry(
    _ name: String, reason: RemovalReason? = nil, at now: Timestamp
  ) -> [ClusterChange] {
    change(at: now, reason) { merge, touched in
      merge.nodes.forgetStaleness(ofRegistry: name)
      merge.origins.setSynced(false, registry: name)
      merge.removeRecords(&touched) { $0.registry == name }
    }
  }

  /// Drops the records of one origin, which isn't stale any more either.
  ///
  /// - Parameter reason: what the removed raw affiliates carry.
  public mutating func removeOrigin(
    _ origin: RecordOrigin, reason: RemovalReason? = nil, at now: Timestamp
  ) -> [ClusterChange] {
    change(at: now, reason) { merge, touched in
      merge.nodes.forgetStaleness(of: origin)
      merge.removeRecords(&touched) { $0 == origin }
    }
  }

  /// Marks the records of a whole registry as stale, or as fresh again: they have been kept for too long
  /// without an update. Stale records give way to fresh ones. It holds for records that come later too.
  public mutating func setStale(_ isStale: Bool, registry name: String, at now: Timestamp) -> [ClusterChange]
  {
    change(at: now) { merge, touched in
      merge.nodes.setStale(isStale, registry: name, &touched)
      merge.followStaleness()
    }
  }

  /// The same for one origin's records; it ends when the origin or its registry is removed.
  public mutating func setStale(_ isStale: Bool, origin: RecordOrigin, at now: Timestamp) -> [ClusterChange] {
    change(at: now) { merge, touched in
      merge.nodes.setStale(isStale, origin: origin, &touched)
      merge.followStaleness()
    }
  }

  private mutating func followStaleness() {
    let rules = nodes.rules
    matcher?.setStale(rules.isStale)
  }

  /// Notes when the origin's record of a node was last confirmed, which changes nothing else. Without effect where it
  /// has none. `id` is the record's.
  public mutating func confirm(_ id: NodeIdentity, from origin: RecordOrigin, at confirmedAt: Timestamp) {
    guard let known = origins[origin] else { return }
    for isLocalID in [false, true] where isLocalID ? known.localCount > 0 : known.identityCount > 0 {
      let node = node(of: id, isLocalID: isLocalID, known.origin)
      nodes.confirm(id, isLocalID: isLocalID, of: known.origin, as: node, at: confirmedAt)
    }
  }

  /// Sets what this node says of itself, its labels and its machine's id; nil for a mere observer.
  public mutating func setLocal(_ record: AffiliateRecord?, at now: Timestamp) -> [ClusterChange] {
    change(at: now) { merge, touched in
      merge.nodes.setLocal(record, &touched)
      merge.matcher?.setOwn(record)
    }
  }

  /// Gives the affiliate of a node the version and times that it had before a restart, after which its records are
  /// the same. Without effect where there is none.
  public mutating func restore(
    version: UInt64, created: Timestamp, updated: Timestamp, ofAffiliate id: NodeIdentity
  ) {
    nodes.setHistory(History(version: version, created: created, updated: updated), of: id)
  }

  /// Gives identities the times at which they first came, as they were known before a restart.
  public mutating func restore(heard: [NodeIdentity: Timestamp], at now: Timestamp) -> [ClusterChange] {
    change(at: now) { merge, touched in
      for (id, time) in heard {
        merge.nodes.setHeard(HeardTime(time), of: id, &touched)
        merge.matcher?.touch(id)
      }
    }
  }

  /// The same for the member of that nodename.
  public mutating func restore(
    version: UInt64, created: Timestamp, updated: Timestamp, ofMember nodename: String
  ) {
    guard nodes.member(nodename) != nil else { return }
    nodes.setHistory(History(version: version, created: created, updated: updated), ofMember: nodename)
  }

  /// Makes `owner` the member of a nodename that several nodes have, whatever ``NameRule`` says of their records: for
  /// who knows how they are. Holds for as long as several have the name and it is one of them; without effect where
  /// that isn't so.
  public mutating func setOwner(_ owner: NodeIdentity, ofMember nodename: String, at now: Timestamp)
    -> [ClusterChange]
  {
    change(at: now) { $0.nodes.setOwner(owner, ofMember: nodename, &$1) }
  }

  /// Whether the node's identity came later than the first snapshot of the origin that it came with; one that was
  /// there then was there nobody knows since when.
  public func isNewcomer(_ id: NodeIdentity) -> Bool { nodes[id].map { $0.heard != .unknown } ?? false }

  /// Sets the policy, and joins and merges everything anew where it is another one.
  public mutating func setPolicy(_ policy: MergePolicy, at now: Timestamp) -> [ClusterChange] {
    if policy == self.policy { return [] }
    return change(at: now) { merge, touched in
      let ignoresOthers = policy.ignoredAddresses != merge.policy.ignoredAddresses
      merge.nodes.setPolicy(policy, &touched)
      for case .address(let address) in merge.conflictHistories.keys where ignoresOthers {
        merge.nodes.note(.address(address), &touched)
      }
      merge.matchAnew(&touched)
    }
  }

  /// Whether a record is one that may be joined to nodes.
  private func mayBeJoined(_ record: AffiliateRecord, of origin: Origin) -> Bool {
    record.isLocalID && policy.matching[origin.name.registry]?.keys.isEmpty == false
  }

  /// Makes a matcher of `raws`, which are all.
  ///
  /// - Returns: what it found.
  private mutating func beginMatching(_ raws: [(node: NodeIdentity, raw: RawEntry)]) -> MatchOutcome {
    var matcher = RecordMatcher(policy)
    matcher?.setOwn(nodes.local?.record)
    for (_, raw) in raws {
      matcher?.put(raw.record, of: raw.origin, isStale: nodes.rules.isStale(raw.origin.name))
    }
    let outcome = matcher?.settle(nodes) ?? MatchOutcome()
    for (record, place) in outcome.places { places.set(place, of: record.nodeID, record.origin) }
    self.matcher = matcher
    return outcome
  }

  /// Joins all records anew by the policy that holds now.
  private mutating func matchAnew(_ touched: inout Touched) {
    let former = places
    let raws = nodes.raws
    matcher = nil
    places = MatchPlaces()
    if raws.contains(where: { mayBeJoined($0.raw.record, of: $0.raw.origin) }) {
      touched.matches += beginMatching(raws).conflicts
    }
    for (node, raw) in raws where raw.record.isLocalID {
      let id = raw.record.affiliate.nodeID
      move(id, of: raw.origin, from: node, to: self.node(of: id, isLocalID: true, raw.origin), &touched)
    }
    for case .match(let record) in conflictHistories.keys {
      touched.matches.append(
        MatchOutcome.ConflictChange(
          record: record, old: former[record.nodeID, record.origin]?.conflict ?? []))
    }
    joinRepeated(&touched)
  }

  private mutating func change(
    at now: Timestamp, _ reason: RemovalReason? = nil, _ body: (inout ClusterMerge, inout Touched) -> Void
  ) -> [ClusterChange] {
    if matcher == nil, !places.isEmpty { _ = beginMatching(nodes.raws) }
    let before = (nodes.rules, nodes.local)
    var touched = Touched(at: now, reason: reason)
    body(&self, &touched)
    settleMatches(&touched)
    if touched.isEmpty { return [] }
    nodes.settleOwners(&touched)
    return changes(&touched, before: ProvenanceReader(rules: before.0, local: before.1, origins: origins))
  }

  /// Joins the records without an identity that may be of another node by what changed.
  private mutating func settleMatches(_ touched: inout Touched) {
    guard let outcome = matcher?.settle(nodes) else { return }
    for (record, place) in outcome.places { places.set(place, of: record.nodeID, record.origin) }
    touched.matches += outcome.conflicts
    for change in outcome.moves {
      if let from = change.from {
        move(change.record, of: change.origin, from: from, to: change.to, &touched)
      } else if let raw = touched.arrivals.removeValue(
        forKey: RawID(origin: change.origin.name, nodeID: change.record))
      {
        nodes.add(raw, to: change.to, &touched)
      }
    }
    joinRepeated(&touched)
  }

  /// What was touched more than once changed once, from how it was at first to how it is at last.
  private mutating func joinRepeated(_ touched: inout Touched) {
    for position in touched.joinRepeated() {
      let node = touched.all[position]
      guard let new = node.new else { continue }
      touched.replace(position, new: nodes.rejoin(new, to: node.old, at: touched.now))
    }
  }

  private mutating func move(
    _ record: NodeIdentity, of origin: Origin, from: NodeIdentity, to: NodeIdentity, _ touched: inout Touched
  ) {
    guard from != to, let raw = nodes.take(record, of: origin, from: from, &touched) else { return }
    nodes.add(raw, to: to, &touched)
    touched.noteMove(of: raw.id, from: from, to: to)
  }

  /// The node that a record of the origin is of.
  private func node(of id: NodeIdentity, isLocalID: Bool, _ origin: Origin) -> NodeIdentity {
    if isLocalID, let node = places[id, origin.name]?.node { return node }
    return origin.node(of: id, isLocalID: isLocalID)
  }

  private mutating func takeSnapshot(
    _ records: [AffiliateRecord], from name: RecordOrigin, _ touched: inout Touched
  ) {
    assert(
      Set(records.map(\.affiliate.nodeID)).count == records.count, "a snapshot of \(name) has an id twice")
    let heard = origins.isSynced(name) ? HeardTime(touched.now) : .unknown
    origins.noteSnapshot(of: name)
    var known = origins.take(name)
    if known.count == 0 { touched.reserve(records.count) }
    let difference = known.difference(to: records)
    let absent = absentees(of: known, difference, records)
    var stored: [AffiliateRecord] = []
    stored.reserveCapacity(difference.changed.count)
    for position in difference.changed {
      stored.append(put(records[position], of: &known, heard: heard, isSnapshot: true, &touched).record)
    }
    for id in absent { drop(id, of: &known, &touched) }
    if known.count != records.count { joinRepeated(&touched) }
    if !known.hasOrder || !difference.isEmpty { known.list(difference, stored: stored, count: records.count) }
    known.confirm(at: touched.now)
    origins.set(known)
  }

  /// The nodes of which the origin has a record, but none in the snapshot, in order.
  private func absentees(
    of known: OriginRecords, _ difference: SnapshotDifference, _ records: [AffiliateRecord]
  ) -> [NodeIdentity] {
    if known.count == 0 || known.hasOrder && difference.missing.isEmpty { return [] }
    var listed = Set<NodeIdentity>(minimumCapacity: difference.changed.count)
    for position in difference.changed { listed.insert(records[position].affiliate.nodeID) }
    if known.hasOrder { return difference.missing.filter { !listed.contains($0) }.sorted() }
    return nodes.recordIDs(of: known.origin).filter { !listed.contains($0) }.sorted()
  }

  private mutating func takeRecord(
    _ record: AffiliateRecord, from name: RecordOrigin, _ touched: inout Touched
  ) {
    var known = origins[name] ?? OriginRecords(name)
    let heard = origins.isSynced(name) ? HeardTime(touched.now) : .unknown
    let outcome = put(record, of: &known, heard: heard, isSnapshot: false, &touched).outcome
    let hadOrder = known.forgetOrder()
    if hadOrder || outcome == .added { origins.set(known) }
  }

  private mutating func put(
    _ record: AffiliateRecord, of known: inout OriginRecords, heard: HeardTime, isSnapshot: Bool,
    _ touched: inout Touched
  ) -> (record: AffiliateRecord, outcome: NodeTable.PutOutcome) {
    let id = record.affiliate.nodeID
    // What was an identity's and has a local id now, or the reverse, is of another node.
    if record.isLocalID ? known.identityCount > 0 : known.localCount > 0 {
      let count = known.count
      drop(id, isLocalID: !record.isLocalID, of: &known, &touched)
      if known.count != count { touched.switched.insert(RawID(origin: known.origin.name, nodeID: id)) }
    }
    let origin = known.origin
    let isStale = nodes.rules.isStale(origin.name)
    // None that there are so far may be joined, so that nothing moves.
    if matcher == nil, mayBeJoined(record, of: origin) { _ = beginMatching(nodes.raws) }
    if record.isLocalID, matcher != nil, places[id, origin.name] == nil {
      let raw = RawEntry(record, of: origin, at: touched.now)
      let isNew = touched.arrivals.updateValue(raw, forKey: raw.id) == nil
      if isNew { known.added(isLocalID: true) }
      matcher?.put(record, of: origin, isStale: isStale)
      return (record, isNew ? .added : .replaced)
    }
    let result = nodes.put(
      record, of: origin, as: node(of: id, isLocalID: record.isLocalID, origin),
      heard: record.isLocalID ? .unknown : heard, isSnapshot: isSnapshot, &touched)
    if result.outcome == .added { known.added(isLocalID: record.isLocalID) }
    if result.outcome == .added || result.outcome == .replaced {
      matcher?.put(record, of: origin, isStale: isStale)
    }
    return result
  }

  private mutating func removeRecord(of id: NodeIdentity, from name: RecordOrigin, _ touched: inout Touched) {
    guard var known = origins[name] else { return }
    let count = known.count
    drop(id, of: &known, &touched)
    guard known.count != count else { return }
    _ = known.forgetOrder()
    origins.set(known)
  }

  /// Drops the origin's record that has the id `id`, a local one or not.
  private mutating func drop(_ id: NodeIdentity, of known: inout OriginRecords, _ touched: inout Touched) {
    if known.identityCount > 0 { drop(id, isLocalID: false, of: &known, &touched) }
    if known.localCount > 0 { drop(id, isLocalID: true, of: &known, &touched) }
  }

  private mutating func drop(
    _ id: NodeIdentity, isLocalID: Bool, of known: inout OriginRecords, _ touched: inout Touched
  ) {
    let origin = known.origin
    let isArriving =
      isLocalID && touched.arrivals.removeValue(forKey: RawID(origin: origin.name, nodeID: id)) != nil
    let node = node(of: id, isLocalID: isLocalID, origin)
    guard
      isArriving
        || nodes.drop(node, &touched, where: { $0.isRecord(of: id, isLocalID: isLocalID, origin) })
    else { return }
    known.removed(isLocalID: isLocalID)
    matcher?.remove(id, isLocalID: isLocalID, of: origin.name)
  }

  private mutating func removeRecords(_ touched: inout Touched, where gone: (RecordOrigin) -> Bool) {
    if !origins.names(where: gone).isEmpty {
      for id in nodes.ids(where: { gone($0.name) }) {
        if matcher != nil {
          for raw in nodes[id]?.raws ?? [] where gone(raw.origin.name) {
            matcher?.remove(
              raw.record.affiliate.nodeID, isLocalID: raw.record.isLocalID, of: raw.origin.name)
          }
        }
        nodes.drop(id, &touched) { gone($0.origin.name) }
      }
    }
    origins.remove(where: gone)
  }

  // MARK: Changes

  /// What really changed, found by comparing what was touched with how that was before.
  private mutating func changes(_ touched: inout Touched, before: ProvenanceReader) -> [ClusterChange] {
    var changes: [ClusterChange] = []
    changes.reserveCapacity(touched.all.count * 2 + touched.nodenames.count)
    if !touched.switched.isEmpty {
      // What is another record under the same raw id goes before that comes.
      for node in touched.all { appendRemovals(node, touched, isSwitched: true, &changes) }
    }
    for node in touched.all {
      appendRemovals(node, touched, isSwitched: false, &changes)
      appendRawChanges(node, &touched, &changes)
      if node.old?.history != node.new?.history {
        changes.append(.affiliate(Change(key: node.id, old: node.old?.versioned, new: node.new?.versioned)))
      }
    }
    for nodename in touched.nodenames { appendMemberChange(nodename, &touched, &changes) }
    for node in touched.all { appendFieldConflicts(node, before, touched.now, &changes) }
    for node in touched.all { appendIdentityConflict(node, before, touched.now, &changes) }
    for match in touched.takeMatches() {
      let key = ConflictKey.match(match.record)
      appendConflictChange(key, Self.conflict(match.record, match.old), touched.now, &changes)
    }
    for key in touched.shared.keys.sorted() {
      let owner = touched.ownerBefore(of: key)
      let old = nodes.conflict(
        key, among: touched.shared[key] ?? nil, owner, ignoring: before.rules.policy.ignoredAddresses
      ) { entryBefore(&touched, $0) }
      appendConflictChange(key, old, touched.now, &changes)
    }
    return changes
  }

  private func appendRemovals(
    _ node: TouchedNode, _ touched: Touched, isSwitched: Bool, _ changes: inout [ClusterChange]
  ) {
    guard let old = node.old else { return }
    for index in old.raws.indices where node.new?.position(of: old.raws[index]) == nil {
      let raw = old.raws[index]
      if !touched.switched.isEmpty, touched.switched.contains(raw.id) != isSwitched { continue }
      if raw.record.isLocalID, touched.moves[raw.id] != nil { continue }
      changes.append(
        .raw(Change(key: raw.id, old: raw.versioned, new: nil), of: node.id, reason: touched.reason))
    }
  }

  private func appendRawChanges(
    _ node: TouchedNode, _ touched: inout Touched, _ changes: inout [ClusterChange]
  ) {
    guard let new = node.new else { return }
    for index in new.raws.indices {
      let raw = new.raws[index]
      var previous = node.old.flatMap { old in old.position(of: raw).map { old.raws[$0] } }
      if raw.record.isLocalID, let move = touched.moves[raw.id] {
        previous = touched.node(move.from)?.old.flatMap { old in old.position(of: raw).map { old.raws[$0] } }
        changes.append(
          .moved(RecordMove(id: raw.id, record: raw.record, from: move.from, to: move.to)))
      }
      if previous?.hasHistory(of: raw) == true { continue }
      changes.append(
        .raw(Change(key: raw.id, old: previous?.versioned, new: raw.versioned), of: node.id))
    }
  }

  private mutating func appendMemberChange(
    _ nodename: TouchedNodename, _ touched: inout Touched, _ changes: inout [ClusterChange]
  ) {
    let name = nodename.name
    let history = nodename.before?.history
    let (old, new) = members(nodename, &touched)
    if old == new, !hasOtherLabels(nodename, &touched) {
      // Of a node that was touched several times the name may have come to be another one's in between.
      if let history, new != nil { nodes.setHistory(history, ofMember: name) }
      return
    }
    let (change, next) = Change.of(name, from: old, history, to: new, at: touched.now)
    if let next, next != History(from: touched.now) || history != nil {
      nodes.setHistory(next, ofMember: name)
    }
    changes.append(.member(change))
  }

  /// Whether the member of a nodename has other labels than before, be it the same one or not.
  private func hasOtherLabels(_ nodename: TouchedNodename, _ touched: inout Touched) -> Bool {
    let after = nodes.owner(of: nodename.name)
    let before = nodename.before?.owner ?? after
    guard let after, let before else { return false }
    let (old, new) = (entryBefore(&touched, before), nodes[after])
    return old?.merged.labels?.values != new?.merged.labels?.values
  }

  /// The member of a nodename before and after an update.
  private func members(_ nodename: TouchedNodename, _ touched: inout Touched) -> (old: Member?, new: Member?)
  {
    if let position = nodename.node {
      let node = touched.all[position]
      if nodename.before?.holders.isOnly(node.id) != false {
        return (
          nodename.before == nil ? nil : node.old?.member,
          node.new?.nodename == nodename.name ? node.new?.member : nil
        )
      }
    }
    return (
      nodename.before.flatMap { nodes.member($0) { entryBefore(&touched, $0) } },
      nodes.member(nodename.name)?.value
    )
  }

  /// The node as it was before an update that touched what `touched` says.
  private func entryBefore(_ touched: inout Touched, _ id: NodeIdentity) -> NodeEntry? {
    if let node = touched.node(id) { return node.old }
    return nodes[id]
  }

  /// The fields of a node that origins disagree on, or did.
  private mutating func appendFieldConflicts(
    _ node: TouchedNode, _ before: ProvenanceReader, _ now: Timestamp, _ changes: inout [ClusterChange]
  ) {
    let disputed = node.old?.merged.disagreements ?? []
    for field in disputed.union(node.new?.merged.disagreements ?? []).fields {
      let key = ConflictKey.field(field, of: node.id)
      let old = node.old.flatMap { entry in
        disputed.contains(field)
          ? Conflict(key: key, nodes: [node.id], claims: before.claims(on: field, of: entry)) : nil
      }
      appendConflictChange(key, old, now, &changes)
    }
    let (oldLabels, newLabels) = (node.old?.merged.labels?.disputed, node.new?.merged.labels?.disputed)
    for label in (oldLabels ?? []).union(newLabels ?? []).sorted() {
      let key = ConflictKey.label(label, of: node.id)
      let old = node.old.flatMap { entry in
        oldLabels?.contains(label) == true
          ? Conflict(key: key, nodes: [node.id], claims: before.claims(onLabel: label, of: entry)) : nil
      }
      appendConflictChange(key, old, now, &changes)
    }
  }

  /// Whether the node's identity is on two machines, or was.
  private mutating func appendIdentityConflict(
    _ node: TouchedNode, _ before: ProvenanceReader, _ now: Timestamp, _ changes: inout [ClusterChange]
  ) {
    guard node.old?.merged.isOnTwoMachines == true || node.new?.merged.isOnTwoMachines == true else { return }
    let old = node.old.flatMap { Self.identityConflict($0, before.rules, before.local) }
    appendConflictChange(.identity(node.id), old, now, &changes)
  }

  private static func identityConflict(_ node: NodeEntry, _ rules: MergeRules, _ local: LocalNode?)
    -> Conflict?
  {
    guard node.merged.isOnTwoMachines else { return nil }
    return Conflict(
      key: .identity(node.id), nodes: [node.id],
      records: IdentityCheck(rules, local).differing(node.raws, node.id))
  }

  /// The conflict about a record that stands alone for reasons.
  private static func conflict(_ record: RawID, _ notes: [MatchNote]) -> Conflict? {
    if notes.isEmpty { return nil }
    let nodes = Set(notes.flatMap(\.candidates)).sorted().prefix(Conflict.maximumNodes)
    return Conflict(key: .match(record), nodes: Array(nodes), notes: notes)
  }

  private mutating func appendConflictChange(
    _ key: ConflictKey, _ old: Conflict?, _ now: Timestamp, _ changes: inout [ClusterChange]
  ) {
    let new = conflictValue(key)
    if let new, let old, new.hasContent(of: old) { return }
    if new == nil, old == nil { return }
    let (change, history) = Change.of(key, from: old, conflictHistories[key], to: new, at: now)
    conflictHistories[key] = history
    changes.append(.conflict(change))
  }
}

// MARK: - Views

/// What a merge knows. Looking up one thing takes constant time, a list as long as the list is.
extension ClusterMerge {
  /// The policy that holds now.
  public var policy: MergePolicy { nodes.rules.policy }
  /// The local node's identity, where there is local data.
  public var localID: NodeIdentity? { nodes.local?.id }
  /// The number of merged affiliates.
  public var affiliateCount: Int { nodes.count }
  /// The number of members.
  public var memberCount: Int { nodes.memberCount }
  /// The number of conflicts.
  public var conflictCount: Int { conflictHistories.count }
  /// The number of records that all registries have here.
  public var rawCount: Int { origins.count { _ in true } }
  /// The number of records that `registry` has here.
  public func rawCount(of registry: String) -> Int { origins.count { $0.registry == registry } }

  /// The merged affiliate of that identity.
  public func affiliate(_ id: NodeIdentity) -> Versioned<Affiliate>? { nodes[id]?.versioned }

  /// The member of that nodename.
  public func member(_ nodename: String) -> Versioned<Member>? { nodes.member(nodename) }

  /// What an origin says of a node. A record of a registry that is stale as a whole is shown as it was reported.
  public func raw(_ id: RawID) -> Versioned<AffiliateRecord>? {
    guard let node = node(of: id).flatMap({ nodes[$0] }) else { return nil }
    return node.raws.first { $0.origin.name == id.origin && $0.record.affiliate.nodeID == id.nodeID }?
      .versioned
  }

  /// Gives `body` each merged affiliate, in no order.
  public func forEachAffiliate(_ body: (Versioned<Affiliate>) -> Void) {
    nodes.forEach { body($0.versioned) }
  }

  /// All merged affiliates by identity.
  public func affiliates() -> [Versioned<Affiliate>] { nodes.sorted().map(\.versioned) }

  /// All members by nodename.
  public func members() -> [Versioned<Member>] { nodes.sortedNodenames.compactMap { member($0) } }

  /// All raw affiliates, ordered by the text of their raw ids.
  public func rawAffiliates() -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    var byOrigin: [RecordOrigin: [RawEntry]] = [:]
    for node in nodes.sorted() {
      for raw in node.raws { byOrigin[raw.origin.name, default: []].append(raw) }
    }
    return origins.sorted().flatMap { known in
      let listed = byOrigin[known.origin.name, default: []].map { (id: $0.id, record: $0.versioned) }
      // Nodes are in the order of their names, of which local ids are the end.
      return known.localCount == 0 ? listed : listed.sorted { $0.id.nodeID < $1.id.nodeID }
    }
  }

  /// What origins say of the node, in the order of the walk: fresh ones, then stale ones.
  public func rawAffiliates(of id: NodeIdentity) -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    guard let node = nodes[id] else { return [] }
    return nodes.rules.walk(node.raws).raws.map { ($0.id, $0.versioned) }
  }

  /// The node that a raw record is of; nil for one that isn't known.
  public func node(of id: RawID) -> NodeIdentity? {
    guard let known = origins[id.origin] else { return nil }
    for isLocalID in [false, true] where (isLocalID ? known.localCount : known.identityCount) > 0 {
      let node = self.node(of: id.nodeID, isLocalID: isLocalID, known.origin)
      if nodes[node]?.position(of: id.nodeID, isLocalID: isLocalID, known.origin) != nil { return node }
    }
    return nil
  }

  /// Whether the node is a member where it has a nodename. One that only registries know whose machines aren't members
  /// by themselves isn't; see ``StandaloneRole``.
  public func isMember(_ id: NodeIdentity) -> Bool { nodes[id]?.merged.isMember ?? false }

  /// Of which node a record with a local id is, and by what it came there; nil for one that isn't known.
  public func placement(of id: RawID) -> RecordPlacement? {
    if let place = places[id.nodeID, id.origin] { return placement(of: id, place) }
    guard let known = origins[id.origin], known.localCount > 0 else { return nil }
    let node = known.origin.node(of: id.nodeID, isLocalID: true)
    guard nodes[node]?.position(of: id.nodeID, isLocalID: true, known.origin) != nil else { return nil }
    return RecordPlacement(node: node, join: nil, witnesses: [], notes: [])
  }

  /// What the node, or a record, says of a field that records are matched by, as it may be shown: of a machine id
  /// nothing.
  public func matchText(of field: MatchField, node: NodeIdentity) -> String? {
    guard let affiliate = nodes[node]?.merged.affiliate else { return nil }
    return Self.text(of: field, affiliate, labels(of: node))
  }

  /// The same of a record.
  public func matchText(of field: MatchField, record: RawID) -> String? {
    raw(record).flatMap { Self.text(of: field, $0.value.affiliate, $0.value.labels) }
  }

  private static func text(of field: MatchField, _ affiliate: Affiliate, _ labels: NodeLabels) -> String? {
    let text: String? =
      switch field {
      case .nodename: affiliate.nodename
      case .hostname: affiliate.hostname.isEmpty ? affiliate.nodename : affiliate.hostname
      case .publicKey: affiliate.publicKey
      case .label(let key): labels[key]
      case .machineID, .address: nil
      }
    return text?.isEmpty == false ? text : nil
  }

  private func placement(of id: RawID, _ place: MatchPlace) -> RecordPlacement {
    let keys = policy.matching[id.origin.registry]?.keys ?? []
    guard place.isJoined, let choice = place.choice, keys.indices.contains(choice.position) else {
      return RecordPlacement(node: place.node, join: nil, witnesses: [], notes: place.notes)
    }
    let join = RecordPlacement.Join(
      field: keys[choice.position].field, value: choice.value.text, strength: choice.strength)
    return RecordPlacement(
      node: place.node, join: join, witnesses: witnesses(of: choice, but: id), notes: place.notes)
  }

  /// The records on the chosen node that say the value that told it, in the order of the texts of their raw ids.
  private func witnesses(of choice: MatchChoice, but id: RawID) -> [RawID] {
    let (rules, columns) = (nodes.rules, nodes.rules.columns)
    func says(_ affiliate: Affiliate, _ record: AffiliateRecord) -> Bool {
      columns.values(affiliate, record).contains {
        $0.column == choice.value.column && $0.isCompatible(with: choice.value)
      }
    }
    var witnesses = (nodes[choice.node]?.raws ?? []).filter { raw in
      let strength = MatchStrength(isLocalID: raw.record.isLocalID, isStale: rules.isStale(raw))
      return raw.id != id && strength == choice.strength && says(raw.record.affiliate, raw.record)
    }.map(\.id)
    if let own = nodes.local, own.id == choice.node, says(own.affiliate, own.record) {
      witnesses.append(RawID(origin: .own, nodeID: own.id))
    }
    return witnesses.sorted { $0.description < $1.description }
  }

  /// Where each field of the node that is set came from; nil for an unknown node.
  public func provenance(of id: NodeIdentity) -> [FieldProvenance]? { nodes[id].map(reader.provenance) }

  /// The node's labels, merged key by key as fields are; none for an unknown node.
  public func labels(of id: NodeIdentity) -> NodeLabels { nodes[id]?.merged.labels?.values ?? NodeLabels() }

  /// Where each label of the node came from, in the order of the keys; nil for an unknown node.
  public func labelProvenance(of id: NodeIdentity) -> [LabelProvenance]? {
    nodes[id].map(reader.labelProvenance)
  }

  /// All conflicts in the order of their keys.
  public func conflicts() -> [Versioned<Conflict>] {
    conflictHistories.keys.sorted().compactMap { conflict($0) }
  }

  /// The conflicts that `id` has a part in, in the order of their keys.
  public func conflicts(of id: NodeIdentity) -> [Versioned<Conflict>] {
    guard let node = nodes[id] else { return [] }
    let affiliate = node.merged.affiliate
    var keys = Set(node.merged.disagreements.fields.map { ConflictKey.field($0, of: id) })
    keys.formUnion(affiliate.unsharedAddresses.map { .address($0) })
    keys.insert(.nodename(node.nodename))
    keys.insert(.identity(id))
    keys.formUnion((node.merged.labels?.disputed ?? []).map { .label($0, of: id) })
    keys.formUnion(places.conflicts(about: id).map { .match($0) })
    for raw in node.raws where raw.record.isLocalID {
      if places[raw.record.affiliate.nodeID, raw.origin.name]?.conflict.isEmpty == false {
        keys.insert(.match(raw.id))
      }
    }
    keys.insert(.publicKey(affiliate.publicKey))
    return keys.sorted().compactMap { conflict($0) }
  }

  /// The conflict about `key`, where there is one. Its claims have their age of now, which is no change.
  public func conflict(_ key: ConflictKey) -> Versioned<Conflict>? {
    guard let history = conflictHistories[key], let conflict = conflictValue(key) else { return nil }
    return history.of(conflict)
  }

  /// The nodes that have what the conflict `key` is about, also where it is merely shared, in order; of a nodename
  /// in the order of ``NameRule``, the member first. Takes as long as they are many.
  public func holders(of key: ConflictKey) -> [NodeIdentity] {
    switch key {
    case .field(_, let id), .label(_, let id), .identity(let id): nodes[id] == nil ? [] : [id]
    case .match: conflictValue(key)?.nodes ?? []
    case .address, .nodename, .publicKey: nodes.sharers(of: key)
    }
  }

  /// The conflict as the nodes are now, whatever its history says.
  private func conflictValue(_ key: ConflictKey) -> Conflict? {
    switch key {
    case .field(let field, let id):
      guard let node = nodes[id], node.merged.disagreements.contains(field) else { return nil }
      return Conflict(key: key, nodes: [id], claims: reader.claims(on: field, of: node))
    case .label(let label, let id):
      guard let node = nodes[id], node.merged.labels?.disputed.contains(label) == true else { return nil }
      return Conflict(key: key, nodes: [id], claims: reader.claims(onLabel: label, of: node))
    case .identity(let id):
      return nodes[id].flatMap { Self.identityConflict($0, nodes.rules, nodes.local) }
    case .match(let record):
      return Self.conflict(record, places[record.nodeID, record.origin]?.conflict ?? [])
    case .address, .nodename, .publicKey: return nodes.conflict(key)
    }
  }

  private var reader: ProvenanceReader {
    ProvenanceReader(rules: nodes.rules, local: nodes.local, origins: origins)
  }
}
