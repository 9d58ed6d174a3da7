import ClusterModel

/// All that is known of one node. Replaced, never changed, so that snapshots share it.
final class NodeEntry: Sendable {
  /// What origins say, in the order in which the policy walks them, staleness aside.
  let raws: [RawEntry]
  let merged: MergedNode
  /// The merged affiliate's.
  let history: History
  /// When the node's identity first came, kept while anything of it is there.
  let heard: HeardTime

  init(raws: [RawEntry], merged: MergedNode, history: History, heard: HeardTime) {
    self.raws = raws
    self.merged = merged
    self.history = history
    self.heard = heard
  }

  var id: NodeIdentity { merged.affiliate.nodeID }
  var versioned: Versioned<Affiliate> { history.of(merged.affiliate) }

  /// The nodename that it claims: none where it is no member.
  var nodename: String { merged.isMember ? merged.affiliate.nodename : "" }
  /// The member that it would be.
  var member: Member? { merged.isMember ? Member(merged.affiliate) : nil }

  /// Whether it has what the conflict `key` is about.
  func has(_ key: ConflictKey) -> Bool {
    if case .nodename(let name) = key { return nodename == name }
    return merged.affiliate.has(key)
  }

  /// Where the record that `origin` has under the id `id` is among ``raws``. An origin has at most one record of an
  /// identity, and any number of records with local ids that were joined to it.
  func position(of id: NodeIdentity, isLocalID: Bool, _ origin: Origin) -> Int? {
    raws.indices.first { raws[$0].isRecord(of: id, isLocalID: isLocalID, origin) }
  }

  func position(of raw: RawEntry) -> Int? {
    position(of: raw.record.affiliate.nodeID, isLocalID: raw.record.isLocalID, raw.origin)
  }

  /// The affiliates of the merge and of the records, each object once.
  var distinctAffiliates: [Affiliate] {
    var distinct = [merged.affiliate]
    for index in raws.indices {
      let affiliate = raws[index].record.affiliate
      if !distinct.contains(where: { $0.isIdentical(to: affiliate) }) { distinct.append(affiliate) }
    }
    return distinct
  }

  /// The node with other records, of which `merged` is the merge.
  func with(_ raws: [RawEntry], _ merged: MergedNode, at now: Timestamp) -> NodeEntry {
    guard self.merged.hasContent(of: merged) else {
      return NodeEntry(raws: raws, merged: merged, history: history.changed(at: now), heard: heard)
    }
    var merged = merged
    merged.affiliate = self.merged.affiliate
    return NodeEntry(raws: raws, merged: merged, history: history, heard: heard)
  }

  /// The same, of which `old` is the one before; nil: it is new.
  func since(_ old: NodeEntry?, at now: Timestamp) -> NodeEntry {
    var history = History(from: now)
    if let old {
      history = old.merged.hasContent(of: merged) ? old.history : old.history.changed(at: now)
    }
    return NodeEntry(raws: raws, merged: merged, history: history, heard: heard)
  }

  /// Whether nothing that anybody sees differs. Where origins disagree something may: which of them is stale.
  func looksTheSame(as other: NodeEntry) -> Bool {
    history == other.history && merged == other.merged && !merged.isDisputed && raws == other.raws
  }
}

/// One origin's record of one node.
///
/// There are as many as anything has, so the history's parts are where they leave no gaps.
struct RawEntry: Equatable, Sendable {
  /// As it was reported, in memory that it shares with other records of the node.
  private(set) var record: AffiliateRecord
  private var version: UInt32 = 1
  let origin: Origin
  /// When it was last reported by itself; a later snapshot of its origin counts as well.
  private(set) var reportedAt: Timestamp
  private let created: Timestamp
  private var updated: Timestamp

  /// The entry of what appears `now`.
  init(_ record: AffiliateRecord, of origin: Origin, at now: Timestamp) {
    self.record = record
    self.origin = origin
    reportedAt = now
    created = now
    updated = now
  }

  /// The entry after another record was reported.
  func replaced(by record: AffiliateRecord, at now: Timestamp) -> RawEntry {
    var entry = self
    entry.record = record
    entry.reportedAt = now
    entry.version &+= 1
    entry.updated = now
    return entry
  }

  /// The entry after the same was reported again.
  func confirmed(at confirmedAt: Timestamp?, reportedAt: Timestamp) -> RawEntry {
    var entry = self
    entry.record.confirmedAt = confirmedAt
    entry.reportedAt = reportedAt
    return entry
  }

  /// Whether both are of one version of one thing.
  func hasHistory(of other: RawEntry) -> Bool {
    version == other.version && created == other.created && updated == other.updated
  }

  /// Whether it is the record that `origin` has under the id `id`.
  func isRecord(of id: NodeIdentity, isLocalID: Bool, _ origin: Origin) -> Bool {
    self.origin === origin && record.isLocalID == isLocalID
      && (!isLocalID || record.affiliate.nodeID == id)
  }

  var id: RawID { RawID(origin: origin.name, nodeID: record.affiliate.nodeID) }
  var versioned: Versioned<AffiliateRecord> {
    Versioned(value: record, version: UInt64(version), created: created, updated: updated)
  }
}

/// This node's own data.
struct LocalNode: Sendable {
  /// What it says of itself, its labels and its machine's id.
  let record: AffiliateRecord
  /// When it was last set.
  let updatedAt: Timestamp

  var affiliate: Affiliate { record.affiliate }
  var id: NodeIdentity { affiliate.nodeID }
}
