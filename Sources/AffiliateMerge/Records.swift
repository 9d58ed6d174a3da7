import ClusterModel
import HashTreeCollections

/// What comes from registries.
extension ClusterMerge {
  mutating func takeSnapshot(
    _ records: [AffiliateRecord], from name: RecordOrigin, _ touched: inout Touched
  ) {
    var listed = Set<NodeIdentity>(minimumCapacity: records.count)
    for record in records { listed.insert(record.affiliate.nodeID) }
    var known = origins[name] ?? OriginRecords(origin: Origin(name))
    known.lastSnapshot = touched.now
    touched.nodes.reserveCapacity(max(0, listed.count - known.nodes.count))
    for record in listed.count == records.count ? records : Self.lastOfEach(records) {
      let id = put(record, of: known.origin, isSnapshot: true, &touched)
      if let id { known.nodes.insert(id) }
    }
    var gone: [NodeIdentity] = []
    if known.nodes.count > listed.count {
      gone = known.nodes.filter { !listed.contains($0) }.sorted()
      for id in gone { known.nodes.remove(id) }
    }
    origins[name] = known.nodes.isEmpty ? nil : known
    dropRecords(of: gone, &touched) { $0 === known.origin }
  }

  /// The last record of each node, in the order of `records`.
  private static func lastOfEach(_ records: [AffiliateRecord]) -> [AffiliateRecord] {
    var seen: Set<NodeIdentity> = []
    return records.reversed().filter { seen.insert($0.affiliate.nodeID).inserted }.reversed()
  }

  mutating func takeRecord(
    _ record: AffiliateRecord, from name: RecordOrigin, _ touched: inout Touched
  ) {
    var known = origins[name] ?? OriginRecords(origin: Origin(name))
    guard let id = put(record, of: known.origin, isSnapshot: false, &touched) else { return }
    known.nodes.insert(id)
    origins[name] = known
  }

  /// Puts `record` in the place of what `origin` said of its node, and returns the node where this is the
  /// origin's first word on it.
  private mutating func put(
    _ record: AffiliateRecord, of origin: Origin, isSnapshot: Bool, _ touched: inout Touched
  ) -> NodeIdentity? {
    let id = record.affiliate.nodeID
    guard let old = nodes[id] else {
      let raw = newRaw(record, of: origin, history: History(from: touched.now), touched.now)
      renew(id, raws: [raw], old: nil, &touched)
      return id
    }
    var raws = old.raws
    guard let position = raws.firstIndex(where: { $0.origin === origin }) else {
      let raw = newRaw(record, of: origin, history: History(from: touched.now), touched.now, beside: old)
      raws.insert(raw, at: raws.firstIndex { rules.walks(origin, before: $0.origin) } ?? raws.count)
      renew(old.merged.affiliate.nodeID, raws: raws, old: old, &touched)
      return old.merged.affiliate.nodeID
    }
    let previous = raws[position]
    if previous.says(record) {
      if isSnapshot, previous.confirmedAt == record.confirmedAt { return nil }
      raws[position] = previous.refreshed(confirmedAt: record.confirmedAt, heard: touched.now)
      nodes[id] = NodeEntry(raws: raws, merged: old.merged, history: old.history)
      return nil
    }
    let history = previous.history.changed(at: touched.now)
    raws[position] = newRaw(record, of: origin, history: history, touched.now, beside: old)
    renew(old.merged.affiliate.nodeID, raws: raws, old: old, &touched)
    return nil
  }

  private mutating func newRaw(
    _ record: AffiliateRecord, of origin: Origin, history: History, _ now: Timestamp,
    beside node: NodeEntry? = nil
  ) -> RawEntry {
    RawEntry(
      origin: origin, affiliate: shared(record.affiliate, with: node), confirmedAt: record.confirmedAt,
      isStale: record.isStale, heard: now, history: history)
  }

  /// `affiliate` in the buffers of what is said of the node already.
  private mutating func shared(_ affiliate: Affiliate, with node: NodeEntry?) -> SharedAffiliate {
    var affiliate = affiliate
    if let node {
      if let same = node.raws.first(where: { $0.affiliate.value == affiliate }) { return same.affiliate }
      affiliate.nodeID = node.merged.affiliate.nodeID
      affiliate.share(with: node.merged.affiliate)
      for raw in node.raws { affiliate.share(with: raw.affiliate.value) }
    }
    affiliate.shareNames()
    affiliate.operatingSystem = texts.shared(affiliate.operatingSystem)
    return SharedAffiliate(affiliate)
  }

  mutating func removeRecord(of id: NodeIdentity, from name: RecordOrigin, _ touched: inout Touched) {
    guard var known = origins[name], known.nodes.remove(id) != nil else { return }
    origins[name] = known.nodes.isEmpty ? nil : known
    dropRecords(of: [id], &touched) { $0 === known.origin }
  }

  /// Drops the records of all origins that are `gone`.
  mutating func removeRecords(_ touched: inout Touched, where gone: (RecordOrigin) -> Bool) {
    let ids = self.ids(of: gone)
    for name in origins.keys where gone(name) { origins[name] = nil }
    dropRecords(of: ids, &touched) { gone($0.name) }
  }

  private mutating func dropRecords(
    of ids: [NodeIdentity], _ touched: inout Touched, where gone: (Origin) -> Bool
  ) {
    for id in ids {
      guard let old = nodes[id] else { continue }
      renew(id, raws: old.raws.filter { !gone($0.origin) }, old: old, &touched)
    }
  }

  /// The nodes of which the chosen origins have a record, in order.
  func ids(of chosen: (RecordOrigin) -> Bool) -> [NodeIdentity] {
    let sets = origins.filter { chosen($0.key) }.map(\.value.nodes)
    guard let first = sets.first else { return [] }
    return sets.dropFirst().reduce(first) { $0.union($1) }.sorted()
  }
}
