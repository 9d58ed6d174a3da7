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
    if known.count == 0 { touched.reserve(listed.count) }
    known.lastSnapshot = touched.now
    for record in listed.count == records.count ? records : Self.lastOfEach(records) {
      if put(record, of: known.origin, isSnapshot: true, &touched) { known.count += 1 }
    }
    if known.count > listed.count {
      known.count = listed.count
      dropRecords(of: ids { $0 === known.origin }.filter { !listed.contains($0) }, &touched) {
        $0 === known.origin
      }
    }
    origins[name] = known.count == 0 ? nil : known
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
    guard put(record, of: known.origin, isSnapshot: false, &touched) else { return }
    known.count += 1
    origins[name] = known
  }

  /// Puts `record` in the place of what `origin` said of its node, and tells whether this is the origin's
  /// first word on it.
  private mutating func put(
    _ record: AffiliateRecord, of origin: Origin, isSnapshot: Bool, _ touched: inout Touched
  ) -> Bool {
    guard let old = nodes[record.affiliate.nodeID] else {
      let raw = newRaw(record, of: origin, history: History(from: touched.now), touched.now)
      renew(raw.affiliate.value.nodeID, raws: [raw], old: nil, &touched)
      return true
    }
    let id = old.merged.affiliate.value.nodeID
    var raws = old.raws
    guard let position = raws.firstIndex(where: { $0.origin === origin }) else {
      let raw = newRaw(record, of: origin, history: History(from: touched.now), touched.now, beside: old)
      raws.insert(raw, at: raws.firstIndex { rules.walks(origin, before: $0.origin) } ?? raws.count)
      renew(id, raws: raws, old: old, &touched)
      return true
    }
    let previous = raws[position]
    if previous.says(record) {
      if isSnapshot, previous.confirmedAt == record.confirmedAt { return false }
      raws[position] = previous.refreshed(confirmedAt: record.confirmedAt, heard: touched.now)
      nodes[id] = NodeEntry(raws: raws, merged: old.merged, history: old.history)
      return false
    }
    let history = previous.history.changed(at: touched.now)
    raws[position] = newRaw(record, of: origin, history: history, touched.now, beside: old)
    renew(id, raws: raws, old: old, &touched)
    return false
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
    for raw in node?.raws ?? [] where raw.affiliate.value == affiliate { return raw.affiliate }
    var affiliate = affiliate
    if let node {
      affiliate.nodeID = node.merged.affiliate.value.nodeID
      affiliate.share(with: node.merged.affiliate.value)
      for raw in node.raws { affiliate.share(with: raw.affiliate.value) }
    }
    affiliate.shareNames()
    affiliate.operatingSystem = texts.shared(affiliate.operatingSystem)
    return SharedAffiliate(affiliate)
  }

  mutating func removeRecord(of id: NodeIdentity, from name: RecordOrigin, _ touched: inout Touched) {
    guard var known = origins[name], let node = nodes[id],
      node.raws.contains(where: { $0.origin === known.origin })
    else { return }
    known.count -= 1
    origins[name] = known.count == 0 ? nil : known
    dropRecords(of: [id], &touched) { $0 === known.origin }
  }

  /// Drops the records of all origins that are `gone`.
  mutating func removeRecords(_ touched: inout Touched, where gone: (RecordOrigin) -> Bool) {
    let names = origins.keys.filter(gone)
    if names.isEmpty { return }
    dropRecords(of: ids { gone($0.name) }, &touched) { gone($0.name) }
    for name in names { origins[name] = nil }
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
  func ids(of chosen: (Origin) -> Bool) -> [NodeIdentity] {
    nodes.filter { node in node.value.raws.contains { chosen($0.origin) } }.keys.sorted()
  }
}
