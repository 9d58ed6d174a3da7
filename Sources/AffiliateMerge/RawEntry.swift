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
  let record: AffiliateRecord
  /// When it was last said by itself; a later snapshot of its origin counts as well.
  let heard: Timestamp
  let history: History

  init(origin: Origin, record: AffiliateRecord, heard: Timestamp, history: History) {
    self.origin = origin
    self.record = record
    self.heard = heard
    self.history = history
  }

  /// The entry after it was said again without a change.
  func refreshed(confirmedAt: Timestamp?, heard: Timestamp) -> RawEntry {
    var record = record
    record.confirmedAt = confirmedAt
    return RawEntry(origin: origin, record: record, heard: heard, history: history)
  }

  var id: RawID { RawID(origin: origin.name, nodeID: record.affiliate.nodeID) }
  var versioned: Versioned<AffiliateRecord> { history.of(record) }
}

extension AffiliateRecord {
  /// Whether it says the same; when it was confirmed is no content.
  func saysTheSame(as other: AffiliateRecord) -> Bool {
    isStale == other.isStale && affiliate == other.affiliate
  }
}
