public import ClusterModel
import HashTreeCollections

/// Contradictions that are there now.
extension ClusterMerge {
  /// All conflicts in the order of their keys.
  public func conflicts() -> [Versioned<Conflict>] {
    conflictHistories.keys.sorted().compactMap { conflict($0) }
  }

  /// The conflicts that `id` has a part in, in the order of their keys.
  public func conflicts(of id: NodeIdentity) -> [Versioned<Conflict>] {
    guard let node = nodes[id] else { return [] }
    let affiliate = node.merged.affiliate.value
    var keys = Set(node.merged.disagreements.fields.map { ConflictKey.field($0, of: id) })
    keys.formUnion(affiliate.tellingAddresses.map { .address($0) })
    keys.insert(.nodename(affiliate.nodename))
    if let key = affiliate.kubeSpan?.publicKey { keys.insert(.publicKey(key)) }
    return keys.sorted().compactMap { conflict($0) }
  }

  /// The conflict about `key`, where there is one. Its claims have their age of now, which is no change.
  public func conflict(_ key: ConflictKey) -> Versioned<Conflict>? {
    guard let history = conflictHistories[key], let conflict = conflictValue(key) else { return nil }
    return history.of(conflict)
  }

  /// The conflict as the nodes are now, whatever its history says.
  func conflictValue(_ key: ConflictKey) -> Conflict? {
    let nodes: [NodeIdentity]
    switch key {
    case .field(let field, let id):
      guard let node = self.nodes[id], node.merged.disagreements.contains(field) else { return nil }
      return Conflict(key: key, nodes: [id], claims: claims(on: field, node, rules, local))
    case .address(let address): nodes = byAddress[address]?.sharers ?? []
    case .nodename(let nodename): nodes = byNodename[nodename]?.holders.sharers ?? []
    case .publicKey(let publicKey): nodes = byPublicKey[publicKey]?.sharers ?? []
    }
    return nodes.isEmpty ? nil : Conflict(key: key, nodes: nodes)
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
