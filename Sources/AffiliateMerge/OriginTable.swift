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
  /// The origins that had a snapshot, whether they have records or not.
  private var synced: Set<RecordOrigin> = []
  /// The registries that said all they know for the first time: what further origins of theirs bring is new.
  private var syncedRegistries: Set<String> = []

  /// What is known of an origin; nil where it has no records.
  subscript(name: RecordOrigin) -> OriginRecords? { origins[name] }

  /// Takes out what is known of an origin, to be put in again by ``set(_:)``: what nobody else holds is then
  /// changed in place.
  mutating func take(_ name: RecordOrigin) -> OriginRecords {
    origins.removeValue(forKey: name) ?? OriginRecords(name)
  }

  mutating func set(_ known: OriginRecords) {
    origins[known.origin.name] = known.count == 0 ? nil : known
  }

  /// Drops the origins that are `gone`. What comes of them again comes for the first time.
  mutating func remove(where gone: (RecordOrigin) -> Bool) {
    for name in names(where: gone) { origins[name] = nil }
    synced = synced.filter { !gone($0) }
  }

  /// Whether the origin had a snapshot before, or its registry as a whole.
  func isSynced(_ name: RecordOrigin) -> Bool {
    synced.contains(name) || syncedRegistries.contains(name.registry)
  }

  /// The registry has said all that it knows, or is removed.
  mutating func setSynced(_ isSynced: Bool, registry: String) {
    if isSynced { syncedRegistries.insert(registry) } else { syncedRegistries.remove(registry) }
  }

  /// The origin has its first snapshot, or a further one.
  mutating func noteSnapshot(of name: RecordOrigin) { synced.insert(name) }

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
    guard count == snapshotCount else {
      listed = nil
      return
    }
    var records = listed ?? []
    listed = nil  // so that it is changed in place
    difference.apply(to: &records, stored)
    listed = records
  }

  mutating func confirm(at now: Timestamp) { lastSnapshot = now }
}

/// How a snapshot differs from the one before it, found by walking both side by side.
///
/// Registries mostly list in one order, so that the two are in step again a few places after each difference.
/// Where they aren't, more counts as changed than is; that costs time only.
struct SnapshotDifference {
  /// Some records of this snapshot in the place of some of the former one, of which both may be none.
  private struct Edit {
    let place: Range<Int>
    var count: Int
  }

  private var edits: [Edit] = []
  /// Positions in the snapshot of what isn't in the former one at its place.
  private(set) var changed: [Int] = []
  /// Ids that are in the former snapshot, but not in this one at that place.
  private(set) var missing: [NodeIdentity] = []

  /// How far to look for where the two are in step again.
  private static let lookahead = 8

  init(from former: [AffiliateRecord], to records: [AffiliateRecord]) {
    var place = 0
    let (span, formerSpan) = (records.span, former.span)
    for position in records.indices {
      if place < former.count, span[position] == formerSpan[place] {
        place += 1
        continue
      }
      let id = records[position].affiliate.nodeID
      let end = min(place + Self.lookahead, former.count)
      guard let found = (place..<end).first(where: { former[$0].affiliate.nodeID == id }) else {
        edit(place..<place, position)
        continue
      }
      for skipped in place..<found { missing.append(former[skipped].affiliate.nodeID) }
      if records[position] == former[found] {
        edit(place..<found, nil)
      } else {
        edit(place..<found + 1, position)
      }
      place = found + 1
    }
    edit(place..<former.count, nil)
    for skipped in place..<former.count { missing.append(former[skipped].affiliate.nodeID) }
  }

  var isEmpty: Bool { edits.isEmpty }

  private mutating func edit(_ place: Range<Int>, _ position: Int?) {
    if let position { changed.append(position) }
    let count = position == nil ? 0 : 1
    if let last = edits.last, last.place.upperBound == place.lowerBound {
      edits[edits.count - 1] = Edit(
        place: last.place.lowerBound..<place.upperBound, count: last.count + count)
    } else if count > 0 || !place.isEmpty {
      edits.append(Edit(place: place, count: count))
    }
  }

  /// Up to so many edits are made in place, as each moves what comes after it.
  private static let fewEdits = 8

  /// Makes the records of the former snapshot those of this one.
  ///
  /// - Parameter replacements: the records at the positions that are ``changed``.
  func apply(to records: inout [AffiliateRecord], _ replacements: [AffiliateRecord]) {
    if records.isEmpty {
      records = replacements
    } else if edits.count <= Self.fewEdits {
      var end = replacements.count
      for edit in edits.reversed() {
        records.replaceSubrange(edit.place, with: replacements[end - edit.count..<end])
        end -= edit.count
      }
    } else {
      records = rebuilt(from: records, replacements)
    }
  }

  private func rebuilt(
    from former: [AffiliateRecord], _ replacements: [AffiliateRecord]
  ) -> [AffiliateRecord] {
    var records: [AffiliateRecord] = []
    records.reserveCapacity(former.count - missing.count + replacements.count)
    var (place, next) = (0, 0)
    for edit in edits {
      records += former[place..<edit.place.lowerBound]
      records += replacements[next..<next + edit.count]
      place = edit.place.upperBound
      next += edit.count
    }
    return records + former[place...]
  }
}
