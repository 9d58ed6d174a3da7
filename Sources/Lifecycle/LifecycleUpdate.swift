public import ClusterModel

/// What happened, as far as a member's life depends on it.
public enum LifecycleUpdate: Hashable, Sendable {
  /// All registries that are enabled, in the order of the configuration. The records of those that aren't among
  /// them any more are gone as ``DepartureReason/disabled``.
  case registries([RegistryCondition])
  /// A registry's record of the node `of` is new, changed or confirmed. One that ``AffiliateRecord/isStale`` is
  /// ``StaleReason/unconfirmed``.
  case record(AffiliateRecord, from: RecordSource, of: NodeIdentity)
  /// A registry no longer has the record that it had under the id `record`.
  ///
  /// `reason` is nil for a record that is of another node now, which is no departure. `lastSeen` is when whom the
  /// registry asks last confirmed the record.
  case gone(
    record: NodeIdentity, from: RecordSource, of: NodeIdentity, reason: DepartureReason?, lastSeen: Timestamp?
  )
  /// What the merge makes of a node's records, or this node's own data; the node is the affiliate's.
  ///
  /// `isNewcomer`: the node's identity came later than the first snapshot of the origin that it came with. One
  /// that was there then was there nobody knows since when. `isMember`: whether it is one where it has a nodename.
  case merged(Affiliate, isNewcomer: Bool, isMember: Bool = true)
  /// Which node is this one; nil for a mere observer.
  case local(NodeIdentity?)
  /// Which nodes have something that only one should have; none: nobody disputes it any more.
  case dispute(DisputedValue, [NodeIdentity])
}

/// Where a record is from: a registry, and one of its sources where it has several.
public struct RecordSource: Hashable, Sendable {
  /// The registry's name in the configuration.
  public let registry: String
  /// The source within the registry.
  public let source: RegistrySource

  /// The source of a registry.
  public init(registry: String, source: RegistrySource = .only) {
    self.registry = registry
    self.source = source
  }
}

/// What only one node should have and several do, so that a person has to look.
public enum DisputedValue: Hashable, Sendable, CustomStringConvertible {
  /// An address that is good beyond one machine or link.
  case address(IPAddress)
  /// A WireGuard public key as base64 text.
  case publicKey(String)
  /// One identity has two contents: it is on two machines. Names that one node.
  case identity(NodeIdentity)
  /// Several nodes may be meant by one record, by the text of its raw id. Names those nodes.
  case match(String)
  /// Several machines have one nodename. Found by the lifecycle itself.
  case nodename(String)

  /// Whether it is only a dispute between nodes of different names: one of two that have the same one is either
  /// superseded by the other, or its name is disputed anyhow.
  var isBetweenNames: Bool {
    switch self {
    case .address, .publicKey: true
    case .identity, .match, .nodename: false
    }
  }

  public var description: String {
    switch self {
    case .address(let address): "\(address)"
    case .publicKey(let key): "public key \(key)"
    case .identity(let node): "identity \(node)"
    case .match(let record): "record \(record)"
    case .nodename(let name): "nodename \(name)"
    }
  }
}
