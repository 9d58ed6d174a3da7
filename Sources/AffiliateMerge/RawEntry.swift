import ClusterModel

/// An origin as all its records refer to it: one object while it has records.
final class Origin: Sendable {
  let name: RecordOrigin
  /// What its raw ids start with, the slash included: raw ids of one node are in the order of these.
  let rawStart: String

  init(_ name: RecordOrigin) {
    self.name = name
    rawStart = name.rawPrefix + "/"
  }

  /// The key of the node that only this origin knows, by a local id.
  func standalone(_ localID: NodeIdentity) -> NodeIdentity {
    NodeIdentity(localID: localID, rawPrefix: name.rawPrefix)
  }
}

/// One origin's word on one node. Replaced, never changed, so that snapshots share it.
final class RawEntry: Sendable {
  let origin: Origin
  let affiliate: SharedAffiliate
  let confirmedAt: Timestamp?
  let isStale: Bool
  let details: RecordDetails?
  /// When it was last said by itself; a later snapshot of its origin counts as well.
  let heard: Timestamp
  let history: History

  init(
    origin: Origin, affiliate: SharedAffiliate, confirmedAt: Timestamp?, isStale: Bool,
    details: RecordDetails?,
    heard: Timestamp, history: History
  ) {
    self.origin = origin
    self.affiliate = affiliate
    self.confirmedAt = confirmedAt
    self.isStale = isStale
    self.details = details
    self.heard = heard
    self.history = history
  }

  /// The entry after it was said again without a change.
  func refreshed(confirmedAt: Timestamp?, heard: Timestamp) -> RawEntry {
    RawEntry(
      origin: origin, affiliate: affiliate, confirmedAt: confirmedAt, isStale: isStale, details: details,
      heard: heard, history: history)
  }

  /// Whether the record is of a machine that its registry knows by a local id.
  var isLocalID: Bool { affiliate.value.nodeID.isLocal }

  /// Whether it says the same as `record`, which has the node's key; when it was confirmed is no content.
  func says(_ record: AffiliateRecord) -> Bool {
    isStale == record.isStale && details == record.details && affiliate.value == record.affiliate
  }

  var id: RawID {
    RawID(origin: origin.name, nodeID: affiliate.value.nodeID.localID ?? affiliate.value.nodeID)
  }

  var versioned: Versioned<AffiliateRecord> {
    var value = affiliate.value
    let localID = value.nodeID.localID
    if let localID { value.nodeID = localID }
    return history.of(
      AffiliateRecord(
        value, confirmedAt: confirmedAt, isStale: isStale, isLocalID: localID != nil, details: details))
  }
}
