public import ClusterModel

/// One thing that happened: to a member, a registry, a conflict, or this process.
public struct HistoryEntry: Hashable, Sendable {
  /// What it happened to.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case member, registry, conflict, daemon
  }

  /// Rises from entry to entry, over restarts too.
  public internal(set) var number: UInt64 = 0
  /// The table's revision that it came with.
  public var revision: UInt64
  /// When it happened.
  public var time: Timestamp
  /// What it happened to.
  public var kind: Kind
  /// What that is called: a nodename, a registry, `address/10.0.0.1`.
  public var id: String
  /// The node's identity; nil where it is about no node.
  public var nodeID: NodeIdentity?
  /// How it was; nil where it is new.
  public var from: String?
  /// How it is.
  public var to: String
  /// Why, in a word; empty where there is nothing to say.
  public var reason: String
  /// The registry that caused it; nil where none did.
  public var registry: String?
  /// Why, in a sentence; empty where there is nothing to say.
  public var message: String
  /// How many transitions of a node that flaps are told in this one entry.
  public internal(set) var count = 1
  /// Whether the node flapped then: what it does next is counted here.
  public internal(set) var isFlapping = false

  /// One thing that happened.
  public init(
    revision: UInt64, time: Timestamp, kind: Kind, id: String, nodeID: NodeIdentity? = nil,
    from: String? = nil, to: String, reason: String = "", registry: String? = nil, message: String = ""
  ) {
    self.revision = revision
    self.time = time
    self.kind = kind
    self.id = id
    self.nodeID = nodeID
    self.from = from
    self.to = to
    self.reason = reason
    self.registry = registry
    self.message = message
  }

  /// The same entry as it was written before: for who reads it from a file.
  public init(_ entry: HistoryEntry, number: UInt64, count: Int, isFlapping: Bool = false) {
    self = entry
    self.number = number
    self.count = count
    self.isFlapping = isFlapping
  }
}
