import ClusterModel
import HashTreeCollections

/// An origin as all its records refer to it: one object while it has records.
final class Origin: Sendable {
  let name: RecordOrigin
  /// What its raw ids start with, the slash included: raw ids of one node are in the order of these.
  private let rawStart: String

  init(_ name: RecordOrigin) {
    self.name = name
    rawStart = name.rawPrefix + "/"
  }

  /// What the node of a record is called: by the record's id, or where that is a local one by the raw id.
  func node(of id: NodeIdentity, isLocalID: Bool) -> NodeIdentity {
    isLocalID ? NodeIdentity(localID: id, rawPrefix: name.rawPrefix) : id
  }
}

extension Origin: Comparable {
  static func == (left: Origin, right: Origin) -> Bool { left === right }

  /// The order of raw ids as text; names decide where two origins have the same raw ids.
  static func < (left: Origin, right: Origin) -> Bool {
    if left.rawStart != right.rawStart { return left.rawStart < right.rawStart }
    if left.name.registry != right.name.registry { return left.name.registry < right.name.registry }
    return left.name.source < right.name.source
  }
}

/// The origins that have records, and how many. Which ones, the nodes know.
struct OriginTable: Sendable {
  private var origins: TreeDictionary<RecordOrigin, OriginRecords> = [:]

  /// What is known of an origin; nil where it has no records.
  subscript(name: RecordOrigin) -> OriginRecords? { origins[name] }

  mutating func set(_ known: OriginRecords) {
    origins[known.origin.name] = known.count == 0 ? nil : known
  }

  mutating func remove(_ names: [RecordOrigin]) {
    for name in names { origins[name] = nil }
  }

  func names(where isIncluded: (RecordOrigin) -> Bool) -> [RecordOrigin] { origins.keys.filter(isIncluded) }

  /// All origins in the order of their raw ids.
  func sorted() -> [OriginRecords] { origins.values.sorted { $0.origin < $1.origin } }

  func count(where isIncluded: (RecordOrigin) -> Bool) -> Int {
    origins.reduce(0) { $0 + (isIncluded($1.key) ? $1.value.count : 0) }
  }
}

/// An origin that has records.
struct OriginRecords: Sendable {
  let origin: Origin
  private(set) var count = 0
  /// How many of them have a local id.
  private(set) var localCount = 0
  /// When it last reported all that it has, which confirms each record of it.
  private(set) var lastSnapshot: Timestamp?
  /// Its records in the order of its last snapshot, as long as it has exactly these; else nil. A snapshot is
  /// compared with it place by place, which is several times as quick as to look up each node.
  private var listed: [AffiliateRecord]?

  init(_ name: RecordOrigin) { origin = Origin(name) }

  var identityCount: Int { count - localCount }

  /// Forgets the order of the last snapshot: some record is another one since.
  ///
  /// - Returns: whether there was one.
  mutating func forgetOrder() -> Bool {
    defer { listed = nil }
    return listed != nil
  }

  mutating func added(isLocalID: Bool) {
    count += 1
    if isLocalID { localCount += 1 }
  }

  mutating func removed(isLocalID: Bool) {
    count -= 1
    if isLocalID { localCount -= 1 }
  }

  /// The nodes that it has records of; nil where only the nodes themselves know.
  var nodes: [NodeIdentity]? {
    listed?.map { origin.node(of: $0.affiliate.nodeID, isLocalID: $0.isLocalID) }
  }

  /// How the snapshot `records` differs from the last one; all of it where that isn't known.
  func difference(to records: [AffiliateRecord]) -> SnapshotDifference {
    SnapshotDifference(from: listed ?? [], to: records)
  }

  var hasOrder: Bool { listed != nil }

  /// Takes over the order of a snapshot that was taken in.
  ///
  /// - Parameter stored: the records at the positions that `difference` has as changed, as they are kept now.
  mutating func list(_ difference: SnapshotDifference, stored: [AffiliateRecord], count snapshotCount: Int) {
    // Of an id that was in it twice one record is kept, and its order is no snapshot's.
    listed = count == snapshotCount ? difference.applied(to: listed ?? [], stored) : nil
  }

  mutating func confirm(at now: Timestamp) { lastSnapshot = now }
}

/// How a snapshot differs from the one before it, found by walking both side by side.
///
/// Registries mostly list in one order, so that the two are in step again a few places after each difference.
/// Where they aren't, more counts as changed than is; that costs time only.
struct SnapshotDifference {
  private enum Step {
    /// Records of the former snapshot that are the same in this one.
    case kept(Range<Int>)
    /// So many records of this one.
    case changed(Int)
  }

  private var steps: [Step] = []
  /// Positions in the snapshot of what isn't in the former one at its place.
  private(set) var changed: [Int] = []
  /// Ids that are in the former snapshot, but not in this one at that place.
  private(set) var missing: [NodeIdentity] = []

  /// How far to look for where the two are in step again.
  private static let lookahead = 8

  init(from former: [AffiliateRecord], to records: [AffiliateRecord]) {
    var place = 0
    var keptFrom = 0
    for (position, record) in records.enumerated() {
      if place < former.count, record == former[place] {
        place += 1
        continue
      }
      keep(keptFrom..<place)
      keptFrom = place
      let id = record.affiliate.nodeID
      let end = min(place + Self.lookahead, former.count)
      guard let found = (place..<end).first(where: { former[$0].affiliate.nodeID == id }) else {
        change(position)
        continue
      }
      missing += former[place..<found].map(\.affiliate.nodeID)
      place = found + 1
      if record == former[found] {
        keptFrom = found
      } else {
        change(position)
        keptFrom = place
      }
    }
    keep(keptFrom..<place)
    missing += former[place...].map(\.affiliate.nodeID)
  }

  var isEmpty: Bool { changed.isEmpty && missing.isEmpty }

  private mutating func keep(_ range: Range<Int>) {
    if !range.isEmpty { steps.append(.kept(range)) }
  }

  private mutating func change(_ position: Int) {
    changed.append(position)
    if case .changed(let count) = steps.last {
      steps[steps.count - 1] = .changed(count + 1)
    } else {
      steps.append(.changed(1))
    }
  }

  /// The records of this snapshot, those of the former one where they are the same.
  ///
  /// - Parameter replacements: the records at the positions that are ``changed``.
  func applied(to former: [AffiliateRecord], _ replacements: [AffiliateRecord]) -> [AffiliateRecord] {
    if changed.count == replacements.count, steps.count == 1, case .changed = steps[0] { return replacements }
    var records: [AffiliateRecord] = []
    records.reserveCapacity(former.count - missing.count + replacements.count)
    var next = 0
    for step in steps {
      switch step {
      case .kept(let range): records += former[range]
      case .changed(let count):
        records += replacements[next..<next + count]
        next += count
      }
    }
    return records
  }
}
