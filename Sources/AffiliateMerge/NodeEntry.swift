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

  var versioned: Versioned<Affiliate> { history.of(merged.affiliate.value) }
}

/// What the merge of a node's raw affiliates gives.
struct MergedNode: Equatable, Sendable {
  var affiliate: SharedAffiliate
  /// The scalars of which origins say different things.
  var disagreements: FieldSet = []
  /// Whether a fresh record, or the node itself, says the nodename.
  var isNodenameFresh = true
}
