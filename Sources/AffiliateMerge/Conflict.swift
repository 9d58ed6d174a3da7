public import ClusterModel

/// What a conflict is about.
public enum ConflictKey: Hashable, Sendable {
  /// Origins disagree on a scalar of one node, stale ones included. Never of the local node, which knows
  /// itself best.
  case field(AffiliateField, of: NodeIdentity)
  /// Several nodes have one address, be it their own or their KubeSpan one. Loopback and link-local
  /// addresses tell nothing beyond their machine or link and are left out.
  case address(IPAddress)
  /// Several nodes have one nodename.
  case nodename(String)
  /// Several nodes have one WireGuard public key.
  case publicKey(String)
}

/// A contradiction that a person should know of.
public struct Conflict: Hashable, Sendable {
  public let key: ConflictKey
  /// The nodes concerned, in order. One for a field, at least two for what several nodes have.
  public let nodes: [NodeIdentity]
  /// For a field: what each origin says, in the order of the walk, the winner marked. Else empty.
  public let claims: [FieldClaim]

  public init(key: ConflictKey, nodes: [NodeIdentity], claims: [FieldClaim] = []) {
    self.key = key
    self.nodes = nodes
    self.claims = claims
  }
}
