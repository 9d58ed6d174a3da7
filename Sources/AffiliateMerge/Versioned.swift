public import ClusterModel

/// A value with the history that a person sees of it.
public struct Versioned<Value: Hashable & Sendable>: Hashable, Sendable {
  public let value: Value
  /// 1 when it appeared, one more at each real change of its content, never for a refresh.
  public let version: UInt64
  /// When it appeared.
  public let created: Timestamp
  /// When its content last changed.
  public let updated: Timestamp

  public init(value: Value, version: UInt64, created: Timestamp, updated: Timestamp) {
    self.value = value
    self.version = version
    self.created = created
    self.updated = updated
  }
}

/// One thing that came, changed or went: at least one of ``old`` and ``new`` is there.
public struct Change<Key: Hashable & Sendable, Value: Hashable & Sendable>: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case created, updated, removed }

  public let key: Key
  /// What it was; nil where it is new.
  public let old: Versioned<Value>?
  /// What it is; nil where it is gone.
  public let new: Versioned<Value>?

  public init(key: Key, old: Versioned<Value>?, new: Versioned<Value>?) {
    self.key = key
    self.old = old
    self.new = new
  }

  public var kind: Kind { old == nil ? .created : new == nil ? .removed : .updated }
}

/// What an update of the merge really changed.
public enum ClusterChange: Hashable, Sendable {
  /// One origin's record of one node.
  ///
  /// The reason is why the registry no longer has a record that was removed; nil where the update gave none,
  /// and for what was created or updated.
  case raw(Change<RawID, AffiliateRecord>, reason: RemovalReason? = nil)
  /// A merged affiliate.
  case affiliate(Change<NodeIdentity, Affiliate>)
  /// A member, by nodename.
  case member(Change<String, Member>)
  /// A conflict.
  case conflict(Change<ConflictKey, Conflict>)
}
