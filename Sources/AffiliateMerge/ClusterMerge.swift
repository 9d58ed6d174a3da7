public import ClusterModel

/// The merge of what all registries say, keyed by node identity. A pure value: it neither waits nor logs
/// nor reads a clock, and a copy of it, made in constant time, is a snapshot.
public struct ClusterMerge: Sendable {
  public private(set) var policy: MergePolicy

  public init(policy: MergePolicy = MergePolicy()) { self.policy = policy }

  /// Takes in `event`, which happened `now`, and tells what really changed by it.
  public mutating func apply(_ event: MergeEvent, at now: Timestamp) -> [MergeDirective] { [] }

  /// The local node's identity, where there is local data.
  public var localID: NodeIdentity? { nil }
  public var affiliateCount: Int { 0 }
  public var memberCount: Int { 0 }
  public var rawCount: Int { 0 }
  /// The number of records that `registry` has here.
  public func rawCount(of registry: String) -> Int { 0 }

  public func affiliate(_ id: NodeIdentity) -> Versioned<Affiliate>? { nil }
  public func member(_ nodename: String) -> Versioned<Member>? { nil }
  public func raw(_ id: RawID) -> Versioned<AffiliateRecord>? { nil }

  /// All merged affiliates by identity.
  public func affiliates() -> [Versioned<Affiliate>] { [] }
  /// All members by nodename.
  public func members() -> [Versioned<Member>] { [] }
  /// All raw affiliates, ordered by the text of their raw ids.
  public func rawAffiliates() -> [(id: RawID, record: Versioned<AffiliateRecord>)] { [] }
  /// All conflicts, in a fixed order.
  public func conflicts() -> [Versioned<Conflict>] { [] }
  /// The conflicts that `id` has a part in.
  public func conflicts(of id: NodeIdentity) -> [Versioned<Conflict>] { [] }
  /// Where each field of the node that is set came from; nil for an unknown node.
  public func provenance(of id: NodeIdentity) -> [FieldProvenance]? { nil }
}
