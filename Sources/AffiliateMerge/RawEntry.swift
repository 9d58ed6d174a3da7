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
}

/// One origin's word on one node. Replaced, never changed, so that snapshots share it.
final class RawEntry: Sendable {
  let origin: Origin
  let affiliate: SharedAffiliate
  let confirmedAt: Timestamp?
  let isStale: Bool
  /// When it was last said by itself; a later snapshot of its origin counts as well.
  let heard: Timestamp
  let history: History

  init(
    origin: Origin, affiliate: SharedAffiliate, confirmedAt: Timestamp?, isStale: Bool, heard: Timestamp,
    history: History
  ) {
    self.origin = origin
    self.affiliate = affiliate
    self.confirmedAt = confirmedAt
    self.isStale = isStale
    self.heard = heard
    self.history = history
  }

  /// The entry after it was said again without a change.
  func refreshed(confirmedAt: Timestamp?, heard: Timestamp) -> RawEntry {
    RawEntry(
      origin: origin, affiliate: affiliate, confirmedAt: confirmedAt, isStale: isStale, heard: heard,
      history: history)
  }

  /// Whether `record` says the same; when it was confirmed is no content.
  func says(_ record: AffiliateRecord) -> Bool {
    isStale == record.isStale && affiliate.value == record.affiliate
  }

  var id: RawID { RawID(origin: origin.name, nodeID: affiliate.value.nodeID) }
  var versioned: Versioned<AffiliateRecord> {
    history.of(AffiliateRecord(affiliate.value, confirmedAt: confirmedAt, isStale: isStale))
  }
}
