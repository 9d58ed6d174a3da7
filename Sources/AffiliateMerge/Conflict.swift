public import ClusterModel

/// What a conflict is about.
public enum ConflictKey: Hashable, Sendable {
  /// Origins disagree on a scalar of one node, stale ones included. Never of the local node, which knows
  /// itself best.
  case field(AffiliateField, of: NodeIdentity)
  /// Several nodes have one address, be it their own or their KubeSpan one. Loopback and link-local
  /// addresses mean nothing beyond their machine or link and are left out.
  case address(IPAddress)
  /// Several nodes have one nodename.
  case nodename(String)
  /// Several nodes have one WireGuard public key.
  case publicKey(String)
}

/// A contradiction that a person should know of.
public struct Conflict: Hashable, Sendable {
  /// What it is about.
  public let key: ConflictKey
  /// The nodes concerned, in order. One for a field, at least two for what several nodes have.
  public let nodes: [NodeIdentity]
  /// For a field: what each origin says, in the order of the walk, the winner marked. Else empty.
  public let claims: [FieldClaim]

  /// The conflict about `key` of these nodes, which are in order.
  public init(key: ConflictKey, nodes: [NodeIdentity], claims: [FieldClaim] = []) {
    self.key = key
    self.nodes = nodes
    self.claims = claims
  }
}

extension ConflictKey: Comparable {
  /// Fields by node, then addresses, nodenames, public keys.
  public static func < (left: ConflictKey, right: ConflictKey) -> Bool {
    switch (left, right) {
    case (.field(let left, let leftID), .field(let right, let rightID)):
      leftID != rightID ? leftID < rightID : left.position < right.position
    case (.address(let left), .address(let right)): left < right
    case (.nodename(let left), .nodename(let right)): left < right
    case (.publicKey(let left), .publicKey(let right)): left < right
    default: left.rank < right.rank
    }
  }

  private var rank: Int {
    switch self {
    case .field: 0
    case .address: 1
    case .nodename: 2
    case .publicKey: 3
    }
  }
}

extension Conflict {
  /// Whether nothing but the age of claims differs.
  package func hasContent(of other: Conflict) -> Bool {
    nodes == other.nodes
      && claims.elementsEqual(other.claims) {
        $0.origin == $1.origin && $0.isChosen == $1.isChosen && $0.isStale == $1.isStale
          && $0.hasValues(of: $1)
      }
  }
}
