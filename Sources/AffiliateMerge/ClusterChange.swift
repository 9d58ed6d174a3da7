public import ClusterModel

/// What an update of the merge really changed.
public enum ClusterChange: Hashable, Sendable {
  /// One origin's record, and the node that it is of, or was where it was removed.
  ///
  /// The reason is why the registry no longer has a record that was removed; nil where the update gave none,
  /// and for what was created or updated.
  case raw(Change<RawID, AffiliateRecord>, of: NodeIdentity, reason: RemovalReason? = nil)
  /// A record without an identity is of another node than before, be it another record or not.
  case moved(RecordMove)
  /// A merged affiliate.
  case affiliate(Change<NodeIdentity, Affiliate>)
  /// A member, by nodename.
  case member(Change<String, Member>)
  /// A conflict.
  case conflict(Change<ConflictKey, Conflict>)
}

/// A record without an identity that is of another node than before.
public struct RecordMove: Hashable, Sendable {
  /// What the record is called.
  public let id: RawID
  /// What it says now.
  public let record: AffiliateRecord
  /// The node that it was of.
  public let from: NodeIdentity
  /// The node that it is of.
  public let to: NodeIdentity

  /// A record that is of the node `to`, and was of `from`.
  public init(id: RawID, record: AffiliateRecord, from: NodeIdentity, to: NodeIdentity) {
    self.id = id
    self.record = record
    self.from = from
    self.to = to
  }
}

/// One thing that came, changed or went: at least one of ``old`` and ``new`` is there.
public struct Change<Key: Hashable & Sendable, Value: Hashable & Sendable>: Hashable, Sendable {
  /// What happened to the thing.
  public enum Kind: Hashable, Sendable { case created, updated, removed }

  /// What the thing is called.
  public let key: Key
  /// What it was; nil where it is new.
  public let old: Versioned<Value>?
  /// What it is; nil where it is gone.
  public let new: Versioned<Value>?

  /// A change of the thing called `key`; at least one of `old` and `new` is there.
  public init(key: Key, old: Versioned<Value>?, new: Versioned<Value>?) {
    self.key = key
    self.old = old
    self.new = new
  }

  /// What happened, by which of ``old`` and ``new`` are there.
  public var kind: Kind { old == nil ? .created : new == nil ? .removed : .updated }
}

/// A value with the history that a person sees of it.
public struct Versioned<Value: Hashable & Sendable>: Hashable, Sendable {
  /// The thing itself.
  public let value: Value
  /// 1 when it appeared, one more at each real change of its content, never for a refresh.
  public let version: UInt64
  /// When it appeared.
  public let created: Timestamp
  /// When its content last changed.
  public let updated: Timestamp

  /// The value with its history.
  public init(value: Value, version: UInt64, created: Timestamp, updated: Timestamp) {
    self.value = value
    self.version = version
    self.created = created
    self.updated = updated
  }
}

/// A thing's version and times without the thing: what is kept beside a value that others hold already.
struct History: Hashable, Sendable {
  private let version: UInt64
  private let created: Timestamp
  private let updated: Timestamp

  /// The history of what appears `now`.
  init(from now: Timestamp) { self.init(version: 1, created: now, updated: now) }

  init(version: UInt64, created: Timestamp, updated: Timestamp) {
    self.version = version
    self.created = created
    self.updated = updated
  }

  /// The history after a real change.
  func changed(at now: Timestamp) -> History {
    History(version: version + 1, created: created, updated: now)
  }

  func of<Value>(_ value: Value) -> Versioned<Value> {
    Versioned(value: value, version: version, created: created, updated: updated)
  }
}

extension Change {
  /// The change from `old` to `new`, of which `history` is the history before; nil where neither is there.
  ///
  /// - Returns: the change, and the history after it.
  static func of(
    _ key: Key, from old: Value?, _ history: History?, to new: Value?, at now: Timestamp
  ) -> (change: Change, history: History?) {
    let history = old == nil ? nil : history
    let next = new == nil ? nil : history?.changed(at: now) ?? History(from: now)
    let change = Change(
      key: key, old: old.flatMap { history?.of($0) }, new: new.flatMap { next?.of($0) })
    return (change, next)
  }
}
