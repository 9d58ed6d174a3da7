import ClusterModel
import HashTreeCollections

/// What comes from registries.
extension ClusterMerge {
  mutating func takeSnapshot(
    _ records: [AffiliateRecord], from name: RecordOrigin, _ touched: inout Touched
  ) {
    var listed = Set<NodeIdentity>(minimumCapacity: records.count)
    for record in records { listed.insert(record.affiliate.nodeID) }
    assert(listed.count == records.count, "a snapshot of \(name) has an id twice")
    var known = origins[name] ?? OriginRecords(origin: Origin(name))
    if known.count == 0 { touched.reserve(listed.count) }
    known.lastSnapshot = touched.now
    for record in listed.count == records.count ? records : Self.lastOfEach(records) {
      put(record, of: &known, isSnapshot: true, &touched)
    }
    if known.count > listed.count {
      let absent = nodes.filter { node in
        node.value.raws.contains { $0.origin === known.origin && !listed.contains($0.id.nodeID) }
      }
      for id in absent.keys.sorted() { dropRecord(of: id, from: &known, &touched) }
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
    if put(record, of: &known, isSnapshot: false, &touched) { origins[name] = known }
  }

  /// Puts `record` in the place of what its origin said of its node before.
  ///
  /// - Returns: whether this is the origin's first word on it.
  @discardableResult
  private mutating func put(
    _ record: AffiliateRecord, of known: inout OriginRecords, isSnapshot: Bool, _ touched: inout Touched
  ) -> Bool {
    var record = record
    let id = record.affiliate.nodeID
    if record.isLocalID {
      // Without identities of its own the origin can't have one under this id.
      if known.count > known.localCount { dropRecord(of: id, from: &known, &touched) }
      record.affiliate.nodeID = known.origin.standalone(id)
    } else if known.localCount > 0 {
      dropRecord(of: known.origin.standalone(id), from: &known, &touched)
    }
    guard put(keyed: record, of: known.origin, isSnapshot: isSnapshot, &touched) else { return false }
    known.count += 1
    if record.isLocalID { known.localCount += 1 }
    return true
  }

  /// Does that for a record that has its node's key for its id.
  private mutating func put(
    keyed record: AffiliateRecord, of origin: Origin, isSnapshot: Bool, _ touched: inout Touched
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
      isStale: record.isStale, details: record.details, heard: now, history: history)
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
    guard var known = origins[name] else { return }
    dropRecord(of: id, from: &known, &touched)
    if known.localCount > 0 { dropRecord(of: known.origin.standalone(id), from: &known, &touched) }
    origins[name] = known.count == 0 ? nil : known
  }

  /// Drops what an origin says of the node of that key, if anything.
  private mutating func dropRecord(
    of key: NodeIdentity, from known: inout OriginRecords, _ touched: inout Touched
  ) {
    let origin = known.origin
    guard let node = nodes[key], let raw = node.raws.first(where: { $0.origin === origin }) else { return }
    known.count -= 1
    if raw.isLocalID { known.localCount -= 1 }
    dropRecords(of: [key], &touched) { $0 === origin }
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
