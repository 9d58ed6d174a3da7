import ClusterModel

/// What changes the merge without a registry's word: this node, staleness, the policy.
extension ClusterMerge {
  mutating func setLocal(_ affiliate: Affiliate?, _ touched: inout Touched) {
    let previous = local?.id
    local = affiliate.map { LocalNode(affiliate: SharedAffiliate($0), heard: touched.now) }
    if let previous, previous != affiliate?.nodeID { renew(previous, &touched) }
    if let affiliate { renew(affiliate.nodeID, &touched) }
  }

  mutating func setStale(_ registry: String, _ isStale: Bool, _ touched: inout Touched) {
    guard rules.stale.set(registry, isStale) else { return }
    for id in ids(of: { $0.name.registry == registry }) { renew(id, &touched) }
  }

  mutating func setStale(_ origin: RecordOrigin, _ isStale: Bool, _ touched: inout Touched) {
    guard rules.stale.set(origin, isStale) else { return }
    for id in ids(of: { $0.name == origin }) { renew(id, &touched) }
  }

  mutating func setPolicy(_ policy: MergePolicy, _ touched: inout Touched) {
    guard policy != rules.policy else { return }
    rules = MergeRules(policy, stale: rules.stale)
    for id in nodes.keys.sorted() {
      guard let old = nodes[id] else { continue }
      renew(id, raws: old.raws.sorted { rules.walks($0.origin, before: $1.origin) }, old: old, &touched)
    }
  }

  /// Merges the records that the node has anew.
  private mutating func renew(_ id: NodeIdentity, _ touched: inout Touched) {
    let old = nodes[id]
    renew(id, raws: old?.raws ?? [], old: old, &touched)
  }

  /// Merges `raws`, which are in the order of the policy, and puts the outcome in the place of `old`.
  mutating func renew(
    _ id: NodeIdentity, raws: [RawEntry], old: NodeEntry?, _ touched: inout Touched
  ) {
    let new = merge(id, raws: raws, old: old, touched.now)
    if let old, let new, new.looksTheSame(as: old) { return }
    nodes[id] = new
    touched.note(TouchedNode(id: id, old: old, new: new))
    index(id, old, new, &touched)
  }

  private func merge(
    _ id: NodeIdentity, raws: [RawEntry], old: NodeEntry?, _ now: Timestamp
  ) -> NodeEntry? {
    var merged: MergedNode
    if let local, local.id == id {
      merged = MergedNode(affiliate: local.affiliate)
    } else if raws.isEmpty {
      return nil
    } else {
      merged = rules.walk(raws).merged(id)
    }
    guard let old else { return NodeEntry(raws: raws, merged: merged, history: History(from: now)) }
    if old.merged.affiliate == merged.affiliate {
      merged.affiliate = old.merged.affiliate
      return NodeEntry(raws: raws, merged: merged, history: old.history)
    }
    return NodeEntry(raws: raws, merged: merged, history: old.history.changed(at: now))
  }
}

extension NodeEntry {
  /// Whether nothing that anybody sees differs. Where origins disagree something may: who of them is stale.
  fileprivate func looksTheSame(as other: NodeEntry) -> Bool {
    history == other.history && merged == other.merged && merged.disagreements.isEmpty
      && raws.elementsEqual(other.raws, by: ===)
  }
}
