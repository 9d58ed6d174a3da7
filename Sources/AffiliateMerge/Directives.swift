import ClusterModel

/// What an event changed, found by comparing what it touched with what was before.
extension ClusterMerge {
  mutating func directives(since before: ClusterMerge, _ touched: Touched) -> [MergeDirective] {
    if touched.nodes.isEmpty { return [] }
    var directives: [MergeDirective] = []
    directives.reserveCapacity(touched.nodes.count * 2 + touched.nodenames.items.count)
    for (id, old, new) in touched.nodes {
      tellRaws(old?.raws ?? [], new?.raws ?? [], &directives)
      if old?.history != new?.history {
        directives.append(.affiliate(Change(key: id, old: old?.versioned, new: new?.versioned)))
      }
    }
    for name in touched.nodenames.items { tellMember(name, before, touched.now, &directives) }
    for (id, old, new) in touched.nodes {
      let disputed = (old?.merged.disagreements ?? []).union(new?.merged.disagreements ?? [])
      for field in disputed.fields { tellConflict(.field(field, of: id), before, touched.now, &directives) }
    }
    for key in touched.shared.items { tellConflict(key, before, touched.now, &directives) }
    return directives
  }

  private func tellRaws(_ old: [RawEntry], _ new: [RawEntry], _ directives: inout [MergeDirective]) {
    for raw in old where !new.contains(where: { $0.origin === raw.origin }) {
      directives.append(.raw(Change(key: raw.id, old: raw.versioned, new: nil)))
    }
    for raw in new {
      let previous = old.first { $0.origin === raw.origin }
      if previous?.history == raw.history { continue }
      directives.append(.raw(Change(key: raw.id, old: previous?.versioned, new: raw.versioned)))
    }
  }

  private mutating func tellMember(
    _ name: String, _ before: ClusterMerge, _ now: Timestamp, _ directives: inout [MergeDirective]
  ) {
    let old = before.member(name)
    let value = memberValue(name)
    if old?.value == value { return }
    let new = value.map { (old?.history.changed(at: now) ?? History(from: now)).of($0) }
    memberHistories[name] = new?.history
    directives.append(.member(Change(key: name, old: old, new: new)))
  }

  private mutating func tellConflict(
    _ key: ConflictKey, _ before: ClusterMerge, _ now: Timestamp, _ directives: inout [MergeDirective]
  ) {
    let old = before.conflict(key)
    let value = conflictValue(key)
    if let value, let old, value.tellsTheSame(as: old.value) { return }
    if value == nil, old == nil { return }
    let new = value.map { (old?.history.changed(at: now) ?? History(from: now)).of($0) }
    conflictHistories[key] = new?.history
    directives.append(.conflict(Change(key: key, old: old, new: new)))
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
