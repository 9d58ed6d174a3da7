import ClusterModel
import HashTreeCollections

/// What a record is called within its origin.
struct RecordKey: Hashable, Sendable {
  /// The origin's position.
  let origin: Int
  let id: NodeIdentity
  let isLocalID: Bool
}

/// A record, and where it is, for one that has a local id; nil where that isn't settled yet.
struct MatchEntry: Sendable {
  let record: MatchRecord
  let place: MatchPlace?
}

/// An origin whose records are matched, or are matched with.
struct MatchOrigin: Sendable {
  var origin: Origin
  /// What its records are matched by.
  let keys: [CompiledKey]
  /// Its place in the order in which records without identities are matched: who comes later sees those before.
  var layer = 0
  /// Whether it is stale as a whole.
  var isStale = false
  /// How many records it has.
  var count = 0

  init(_ origin: Origin, _ keys: [CompiledKey]) {
    self.origin = origin
    self.keys = keys
  }

  /// By the order of `precedence`, then the one that has more to match by, then by raw prefix.
  func isMatched(before other: MatchOrigin, _ ranks: [String: Int]) -> Bool {
    let (rank, otherRank) = (ranks[origin.name.registry] ?? .max, ranks[other.origin.name.registry] ?? .max)
    if rank != otherRank { return rank < otherRank }
    if keys.count != other.keys.count { return keys.count > other.keys.count }
    let (prefix, otherPrefix) = (origin.name.rawPrefix, other.origin.name.rawPrefix)
    if prefix != otherPrefix { return prefix < otherPrefix }
    return origin < other.origin
  }
}

extension RecordOrigin {
  /// This node itself. No registry has an empty name.
  static let own = RecordOrigin(registry: "", prefix: "local")
}

/// A key of a match list, with the column that it asks for.
struct CompiledKey: Sendable {
  let field: MatchField
  let column: MatchColumn
  let isShort: Bool
  var isSingle: Bool { field.isSingle }
}

/// The records that are on a node, and those with local ids that would be by themselves: two that are rivals aren't.
struct NodeRecords: Sendable {
  private(set) var records: [RecordNumber] = []
  private(set) var choosers: [RecordNumber] = []
  /// The records with local ids that looked at the node before they chose another one, or none.
  private(set) var lookers: [RecordNumber] = []

  func adding(_ number: RecordNumber) -> NodeRecords {
    var new = self
    new.records.append(number)
    return new
  }

  func adding(chooser number: RecordNumber) -> NodeRecords {
    var new = self
    new.choosers.append(number)
    return new
  }

  func adding(looker number: RecordNumber) -> NodeRecords {
    var new = self
    new.lookers.append(number)
    return new
  }

  func removing(looker number: RecordNumber) -> NodeRecords? {
    var new = self
    new.lookers.removeAll { $0 == number }
    return new.isEmpty ? nil : new
  }

  func removing(_ number: RecordNumber) -> NodeRecords? {
    var new = self
    new.records.removeAll { $0 == number }
    return new.isEmpty ? nil : new
  }

  func removing(chooser number: RecordNumber) -> NodeRecords? {
    var new = self
    new.choosers.removeAll { $0 == number }
    return new.isEmpty ? nil : new
  }

  private var isEmpty: Bool { records.isEmpty && choosers.isEmpty && lookers.isEmpty }
}

/// Which values may have become common, or ceased to be, with what they were before.
struct Flips: Sendable {
  private(set) var values: [MatchValue: Bool] = [:]
  private(set) var firstLabels: [MatchValue: Bool] = [:]

  mutating func note(_ value: MatchValue, _ before: Claims?, _ after: Claims?) {
    Self.note(value, before, after, &values)
  }

  mutating func note(firstLabel label: MatchValue, _ before: Claims?, _ after: Claims?) {
    Self.note(label, before, after, &firstLabels)
  }

  /// What few say was never common, and isn't.
  private static func note(
    _ value: MatchValue, _ before: Claims?, _ after: Claims?, _ noted: inout [MatchValue: Bool]
  ) {
    let isMany = { (claims: Claims?) in if case .many = claims { true } else { false } }
    if isMany(before) || isMany(after), noted[value] == nil { noted[value] = before?.isCommon ?? false }
  }
}

/// The records that stand alone although something tells nodes, by these nodes.
struct MatchConflictIndex: Sendable {
  private var byCandidate: TreeDictionary<NodeIdentity, TreeSet<RawID>> = [:]

  func records(about node: NodeIdentity) -> [RawID] { byCandidate[node].map(Array.init) ?? [] }

  mutating func set(_ record: RawID, to new: [MatchNote], insteadOf old: [MatchNote]) {
    for node in Set(old.flatMap(\.candidates)) {
      byCandidate[node]?.remove(record)
      if byCandidate[node]?.isEmpty == true { byCandidate[node] = nil }
    }
    for node in Set(new.flatMap(\.candidates)) { byCandidate[node, default: []].insert(record) }
  }
}

/// What settling led to.
struct MatchOutcome: Sendable {
  /// A record without an identity that is of another node than before; `from` is nil for one that is new.
  struct Move: Sendable {
    let record: NodeIdentity
    let origin: Origin
    let from: NodeIdentity?
    let to: NodeIdentity
  }

  /// A record that stands alone for other reasons than before, or did.
  struct ConflictChange: Sendable {
    let record: RawID
    /// Empty where it didn't, or was known to nobody else.
    let old: [MatchNote]
  }

  /// Where records are now, and why; nil for those that are gone. In order: a record may be in it twice.
  var places: [(record: RawID, place: MatchPlace?)] = []
  var moves: [Move] = []
  var conflicts: [ConflictChange] = []
}
