import ClusterModel

/// All that is known of one node. Replaced, never changed, so that snapshots share it.
final class NodeEntry: Sendable {
  /// What origins say, in the order in which the policy walks them, staleness aside.
  let raws: [RawEntry]
  let merged: MergedNode
  /// The merged affiliate's.
  let history: History

  init(raws: [RawEntry], merged: MergedNode, history: History) {
    self.raws = raws
    self.merged = merged
    self.history = history
  }

  var id: NodeIdentity { merged.affiliate.nodeID }
  var versioned: Versioned<Affiliate> { history.of(merged.affiliate) }

  /// The node with other records, of which `merged` is the merge.
  func with(_ raws: [RawEntry], _ merged: MergedNode, at now: Timestamp) -> NodeEntry {
    guard self.merged.affiliate == merged.affiliate else {
      return NodeEntry(raws: raws, merged: merged, history: history.changed(at: now))
    }
    var merged = merged
    merged.affiliate = self.merged.affiliate
    return NodeEntry(raws: raws, merged: merged, history: history)
  }

  /// Whether nothing that anybody sees differs. Where origins disagree something may: which of them is stale.
  func looksTheSame(as other: NodeEntry) -> Bool {
    history == other.history && merged == other.merged && merged.disagreements.isEmpty && raws == other.raws
  }
}

/// One origin's record of one node.
struct RawEntry: Equatable, Sendable {
  let origin: Origin
  /// As it was reported, in buffers that it shares with other records of the node.
  private(set) var record: AffiliateRecord
  /// When it was last reported by itself; a later snapshot of its origin counts as well.
  private(set) var reportedAt: Timestamp
  private(set) var history: History

  /// The entry of what appears `now`.
  init(_ record: AffiliateRecord, of origin: Origin, at now: Timestamp) {
    self.origin = origin
    self.record = record
    reportedAt = now
    history = History(from: now)
  }

  /// The entry after another record was reported.
  func replaced(by record: AffiliateRecord, at now: Timestamp) -> RawEntry {
    var entry = self
    entry.record = record
    entry.reportedAt = now
    entry.history = history.changed(at: now)
    return entry
  }

  /// The entry after the same was reported again.
  func confirmed(at confirmedAt: Timestamp?, reportedAt: Timestamp) -> RawEntry {
    var entry = self
    entry.record.confirmedAt = confirmedAt
    entry.reportedAt = reportedAt
    return entry
  }

  /// Whether it is the record of `origin` that has the node's identity, or one that has a local id.
  ///
  /// An origin has at most one of a node so far.
  func isRecord(of origin: Origin) -> Bool { self.origin === origin }

  var id: RawID { RawID(origin: origin.name, nodeID: record.affiliate.nodeID) }
  var versioned: Versioned<AffiliateRecord> { history.of(record) }
}

/// This node's own data.
struct LocalNode: Sendable {
  let affiliate: Affiliate
  /// When it was last set.
  let updatedAt: Timestamp

  var id: NodeIdentity { affiliate.nodeID }
}
