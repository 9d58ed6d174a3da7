public import ClusterModel

/// What a conflict is about.
public enum ConflictKey: Hashable, Sendable {
  /// Origins disagree on a scalar of one node, stale ones included. Never of the local node, which knows
  /// itself best.
  case field(AffiliateField, of: NodeIdentity)
  /// Origins disagree on the label of that key of one node, stale ones included.
  case label(String, of: NodeIdentity)
  /// Several nodes have one address, be it their own or their KubeSpan one. Loopback and link-local
  /// addresses mean nothing beyond their machine or link and are left out. One that container bridges have by
  /// default is merely ``Conflict/isShared``.
  case address(IPAddress)
  /// Several nodes have one nodename.
  case nodename(String)
  /// Several nodes have one WireGuard public key.
  case publicKey(String)
  /// Two fresh records of one identity can't be of one machine: a copied disk.
  case identity(NodeIdentity)
  /// Something tells nodes that a record without an identity may be of, but not which one it is.
  case match(RawID)
}

/// A contradiction that a person should know of.
public struct Conflict: Hashable, Sendable {
  /// What it is about.
  public let key: ConflictKey
  /// The nodes concerned, in order. One for a field, a label and an identity, one to ``maximumNodes`` for a match, two
  /// to ``maximumNodes`` for what several nodes have, and none where it ``isShared``.
  public let nodes: [NodeIdentity]
  /// For a field and a label: what each origin says, in the order of the walk, the winner marked. Else empty.
  public let claims: [FieldClaim]

  /// For a nodename: the node that is the member. Nil for everything else.
  public let owner: NodeIdentity?
  /// For a nodename: why ``owner`` goes before the next one; nil where it ``isShared``.
  public let rule: NameRule?
  /// For an identity: the records that differ, in the order of their texts, this node's own data among them.
  public let records: [RawID]
  /// For a match: why the record stands alone.
  public let notes: [MatchNote]

  /// What more nodes have is no conflict between them but something that is shared: a virtual address, or the same
  /// setting on each machine.
  public static let maximumNodes = 8

  /// The conflict about `key` of these nodes, which are in order.
  public init(
    key: ConflictKey, nodes: [NodeIdentity], claims: [FieldClaim] = [], owner: NodeIdentity? = nil,
    rule: NameRule? = nil, records: [RawID] = [], notes: [MatchNote] = []
  ) {
    self.key = key
    self.nodes = nodes
    self.claims = claims
    self.owner = owner
    self.rule = rule
    self.records = records
    self.notes = notes
  }

  /// Whether more than ``maximumNodes`` nodes have it, or an address that container bridges have by default or that the
  /// policy ignores: that
  /// is told once, and no change of it follows where further nodes get it or lose it. Which nodes have it,
  /// ``ClusterMerge/holders(of:)`` says.
  public var isShared: Bool { nodes.isEmpty }
}

/// Why of several nodes with one nodename one is the member: the first of these points in which it differs from the
/// next one.
public enum NameRule: Int, Hashable, Sendable, CaseIterable {
  /// It is this node, which knows itself best.
  case local
  /// It is up and the other one isn't: what registries say of their lives decides before what their records say.
  case state
  /// The best record that says the name: a fresh one with an identity, a fresh one without, a stale one with an
  /// identity, a stale one without.
  case freshness
  /// Its identity was first heard later: a machine that was set up anew has a new identity. One that came with the
  /// first snapshot of its origin was there nobody knows since when, and counts as the earliest.
  case heardLast
  /// A record that says the name calls it ready; or all of those of the other one call that not ready.
  case health
  /// The registry's object was made later.
  case createdLast
  /// It has an identity, and not only what a registry calls it by.
  case identity
  /// Its identity is lower as text.
  case text
}

extension ConflictKey: Comparable {
  /// Fields by node, labels by node, then addresses, nodenames, public keys, identities, matches.
  public static func < (left: ConflictKey, right: ConflictKey) -> Bool {
    switch (left, right) {
    case (.field(let left, let leftID), .field(let right, let rightID)):
      leftID != rightID ? leftID < rightID : left.position < right.position
    case (.label(let left, let leftID), .label(let right, let rightID)):
      leftID != rightID ? leftID < rightID : left < right
    case (.address(let left), .address(let right)): left < right
    case (.nodename(let left), .nodename(let right)): left < right
    case (.publicKey(let left), .publicKey(let right)): left < right
    case (.identity(let left), .identity(let right)): left < right
    case (.match(let left), .match(let right)): left.description < right.description
    default: left.rank < right.rank
    }
  }

  private var rank: Int {
    switch self {
    case .field: 0
    case .label: 1
    case .address: 2
    case .nodename: 3
    case .publicKey: 4
    case .identity: 5
    case .match: 6
    }
  }
}

extension Conflict {
  /// Whether nothing but the age of claims differs.
  package func hasContent(of other: Conflict) -> Bool {
    nodes == other.nodes && owner == other.owner && rule == other.rule && records == other.records
      && Set(notes.map(\.withoutValues)) == Set(other.notes.map(\.withoutValues))
      && claims.elementsEqual(other.claims) {
        $0.origin == $1.origin && $0.localID == $1.localID && $0.isChosen == $1.isChosen
          && $0.isStale == $1.isStale
          && $0.hasValues(of: $1)
      }
  }
}
