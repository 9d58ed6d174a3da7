import ClusterModel
import HashTreeCollections

/// What an event changed, found by comparing what it touched with how that was before.
extension ClusterMerge {
  mutating func changes(_ touched: consuming Touched) -> [ClusterChange] {
    if touched.nodes.isEmpty { return [] }
    var changes: [ClusterChange] = []
    changes.reserveCapacity(touched.nodes.count * 2 + touched.nodenames.count)
    for node in touched.nodes {
      tellRaws(node.old?.raws ?? [], node.new?.raws ?? [], touched.reason, &changes)
      if node.old?.history != node.new?.history {
        changes.append(
          .affiliate(Change(key: node.id, old: node.old?.versioned, new: node.new?.versioned)))
      }
    }
    for (name, before) in touched.nodenames { tellMember(name, before, &touched, &changes) }
    for node in touched.nodes { tellDisputes(node, touched, &changes) }
    for key in touched.shared.keys.sorted() {
      let before = touched.shared[key] ?? []
      let old = before.isEmpty ? nil : Conflict(key: key, nodes: before)
      tellConflict(key, old, touched.now, &changes)
    }
    return changes
  }

  private func tellRaws(
    _ old: [RawEntry], _ new: [RawEntry], _ reason: RemovalReason?, _ changes: inout [ClusterChange]
  ) {
    for raw in old where !new.contains(where: { $0.origin === raw.origin }) {
      changes.append(.raw(Change(key: raw.id, old: raw.versioned, new: nil), reason: reason))
    }
    for raw in new {
      let previous = old.first { $0.origin === raw.origin }
      if previous?.history == raw.history { continue }
      changes.append(.raw(Change(key: raw.id, old: previous?.versioned, new: raw.versioned)))
    }
  }

  private mutating func tellMember(
    _ name: String, _ before: Nodename?, _ touched: inout Touched, _ changes: inout [ClusterChange]
  ) {
    let old = before?.holders.member { id in
      if let node = touched.node(id) { return node.old }
      return nodes[id]
    }
    let value = memberValue(name)
    if old == value { return }
    let history = before?.history
    let new = value.map { (history?.changed(at: touched.now) ?? History(from: touched.now)).of($0) }
    if let new { byNodename[name]?.history = new.history }
    changes.append(.member(Change(key: name, old: old.flatMap { history?.of($0) }, new: new)))
  }

  /// The fields of a node that origins disagree on, or did.
  private mutating func tellDisputes(
    _ node: TouchedNode, _ touched: Touched, _ changes: inout [ClusterChange]
  ) {
    let before = node.old?.merged.disagreements ?? []
    for field in before.union(node.new?.merged.disagreements ?? []).fields {
      let key = ConflictKey.field(field, of: node.id)
      let old = node.old.flatMap { entry in
        before.contains(field)
          ? Conflict(
            key: key, nodes: [node.id], claims: claims(on: field, entry, touched.rules, touched.local))
          : nil
      }
      tellConflict(key, old, touched.now, &changes)
    }
  }

  private mutating func tellConflict(
    _ key: ConflictKey, _ old: Conflict?, _ now: Timestamp, _ changes: inout [ClusterChange]
  ) {
    let value = conflictValue(key)
    if let value, let old, value.tellsTheSame(as: old) { return }
    if value == nil, old == nil { return }
    let history = old == nil ? nil : conflictHistories[key]
    let new = value.map { (history?.changed(at: now) ?? History(from: now)).of($0) }
    conflictHistories[key] = new?.history
    changes.append(.conflict(Change(key: key, old: old.flatMap { history?.of($0) }, new: new)))
  }
}

extension Conflict {
  /// Whether nothing but the age of claims differs.
  fileprivate func tellsTheSame(as other: Conflict) -> Bool {
    nodes == other.nodes
      && claims.elementsEqual(other.claims) {
        $0.origin == $1.origin && $0.values == $1.values && $0.isChosen == $1.isChosen
          && $0.isStale == $1.isStale
      }
  }
}
