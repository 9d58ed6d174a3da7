public import ClusterModel

/// What a record is called where records are matched: its origin's position and a number that is never used again.
struct RecordNumber: Hashable, Sendable {
  private let bits: UInt64
  private static let localBit: UInt64 = 1 << 47

  /// - Parameter origin: less than 65,536.
  init(origin: Int, isLocalID: Bool, serial: UInt64) {
    bits = UInt64(origin) << 48 | (isLocalID ? Self.localBit : 0) | serial
  }

  /// The position of the record's origin.
  var origin: Int { Int(bits >> 48) }
  var isLocalID: Bool { bits & Self.localBit != 0 }
}

/// What a record says, as far as matching is concerned. Replaced, never changed.
final class MatchRecord: Sendable {
  /// The record's id: the node's identity, or a local id.
  let id: NodeIdentity
  /// By column; of several addresses in the order of their texts where the record has a local id.
  let values: [MatchValue]
  /// Whether the record itself is stale.
  let isStale: Bool
  let createdAt: Timestamp?

  init(id: NodeIdentity, values: [MatchValue], isStale: Bool, createdAt: Timestamp?) {
    self.id = id
    self.values = values
    self.isStale = isStale
    self.createdAt = createdAt
  }

  /// Whether matching can't tell both apart.
  func isSame(as other: MatchRecord) -> Bool {
    values == other.values && isStale == other.isStale && createdAt == other.createdAt
  }

  /// The only value of a field that has at most one.
  func value(_ column: MatchColumn) -> MatchValue? { values.first { $0.column == column } }
}

/// The four strengths of evidence, the strongest first.
public enum MatchStrength: Int, Hashable, Sendable, Comparable, CaseIterable {
  case freshIdentity, fresh, staleIdentity, stale

  public static func < (left: MatchStrength, right: MatchStrength) -> Bool { left.rawValue < right.rawValue }

  init(isLocalID: Bool, isStale: Bool) {
    self = isStale ? isLocalID ? .stale : .staleIdentity : isLocalID ? .fresh : .freshIdentity
  }

  /// Whether the record that says it is stale.
  public var isStale: Bool { self >= .staleIdentity }
}

/// Where a record without an identity is, and why there.
final class MatchPlace: Sendable {
  let node: NodeIdentity
  /// The node that it would join by itself; nil where it would stand alone.
  let choice: MatchChoice?
  /// What stood against nodes that it might have joined.
  let notes: [MatchNote]
  /// The nodes that were looked at beside the chosen one: what is said of them decided too.
  let looked: [NodeIdentity]

  init(node: NodeIdentity, choice: MatchChoice?, notes: [MatchNote], looked: [NodeIdentity]) {
    self.node = node
    self.choice = choice
    self.notes = notes
    self.looked = looked
  }

  func isSame(as other: MatchPlace) -> Bool {
    node == other.node && choice == other.choice && notes == other.notes && looked == other.looked
  }

  /// Whether it is where it chose to be: else it stands alone.
  var isJoined: Bool { choice?.node == node }
  /// Why it stands alone although something tells nodes; empty where it doesn't, or nothing does.
  var conflict: [MatchNote] { isJoined ? [] : notes }
}

/// The node that a record's values lead to.
struct MatchChoice: Hashable, Sendable {
  let node: NodeIdentity
  /// The position of the key in the match list.
  let position: Int
  let value: MatchValue
  let strength: MatchStrength
}

/// Why a value of a record didn't tell a node, or a record stands alone although values tell some.
public struct MatchNote: Hashable, Sendable {
  /// What stood against it.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// Several nodes have the value.
    case shared
    /// Another record of the same origin says the value as well, so that it tells none of that origin's apart.
    case twice
    /// The node says something else of a field that goes before this one.
    case contradiction
    /// Values tell different nodes.
    case split
    /// Another record of the same origin claims the node as well, and differs.
    case rival
  }

  public let reason: Reason
  /// What was compared; nil where several fields were.
  public let field: MatchField?
  /// The value that was compared, in the form in which it is; nil where several were.
  public let value: String?
  /// The nodes concerned, in order.
  public let candidates: [NodeIdentity]
  /// For a contradiction: the field of which the node says something else.
  public let against: MatchField?
  /// For what is said twice, and for rivals: the other records, in the order of the texts of their raw ids.
  public let records: [RawID]

  /// A note; `against` is for a contradiction, `records` for what is said twice and for rivals.
  public init(
    _ reason: Reason, _ field: MatchField?, _ value: String?, candidates: [NodeIdentity],
    against: MatchField? = nil, records: [RawID] = []
  ) {
    self.reason = reason
    self.field = field
    self.value = value
    self.candidates = candidates
    self.against = against
    self.records = records
  }

  /// The same without the very values: only another key or other nodes make it another one.
  var withoutValues: MatchNote {
    MatchNote(reason, field, nil, candidates: candidates, against: against)
  }
}

/// How a record without an identity came to be where it is.
public struct RecordPlacement: Hashable, Sendable {
  /// Why a record is of its node.
  public struct Join: Hashable, Sendable {
    /// What tells the node.
    public let field: MatchField
    /// The value, in the form in which it is compared.
    public let value: String
    /// How good the record is that says it too.
    public let strength: MatchStrength
  }

  /// The node.
  public let node: NodeIdentity
  /// By what the record was joined to it; nil where it stands alone, or founds the node.
  public let join: Join?
  /// The records that say the value by which it was joined, in the order of the texts of their raw ids.
  public let witnesses: [RawID]
  /// What stood against nodes that it might have joined, or against joining one at all.
  public let notes: [MatchNote]
}
