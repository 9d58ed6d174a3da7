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

  /// Where the record of `origin` is among ``raws``; an origin has at most one of a node so far.
  func position(of origin: Origin) -> Int? { raws.indices.first { raws[$0].origin === origin } }

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
    guard self.merged.affiliate == merged.affiliate else {
      return NodeEntry(raws: raws, merged: merged, history: history.changed(at: now), heard: heard)
    }
    var merged = merged
    merged.affiliate = self.merged.affiliate
    return NodeEntry(raws: raws, merged: merged, history: history, heard: heard)
  }

  /// Whether nothing that anybody sees differs. Where origins disagree something may: which of them is stale.
  func looksTheSame(as other: NodeEntry) -> Bool {
    history == other.history && merged == other.merged && merged.disagreements.isEmpty && raws == other.raws
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

  var id: RawID { RawID(origin: origin.name, nodeID: record.affiliate.nodeID) }
  var versioned: Versioned<AffiliateRecord> {
    Versioned(value: record, version: UInt64(version), created: created, updated: updated)
  }
}

/// This node's own data.
struct LocalNode: Sendable {
  let affiliate: Affiliate
  /// When it was last set.
  let updatedAt: Timestamp

  var id: NodeIdentity { affiliate.nodeID }
}
