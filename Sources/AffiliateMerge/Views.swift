public import ClusterModel
import HashTreeCollections

/// What a merge knows. Looking up one thing takes constant time, a list as long as the list is.
extension ClusterMerge {
  /// The local node's identity, where there is local data.
  public var localID: NodeIdentity? { local?.id }
  public var affiliateCount: Int { nodes.count }
  public var memberCount: Int { byNodename.count }
  public var conflictCount: Int { conflictHistories.count }
  public var rawCount: Int { origins.values.reduce(0) { $0 + $1.count } }
  /// The number of records that `registry` has here.
  public func rawCount(of registry: String) -> Int {
    origins.reduce(0) { $0 + ($1.key.registry == registry ? $1.value.count : 0) }
  }

  public func affiliate(_ id: NodeIdentity) -> Versioned<Affiliate>? { nodes[id]?.versioned }

  public func member(_ nodename: String) -> Versioned<Member>? {
    guard let history = byNodename[nodename]?.history, let member = memberValue(nodename) else { return nil }
    return history.of(member)
  }

  /// What an origin says of a node. A record of a registry that is stale as a whole is shown as it was said.
  public func raw(_ id: RawID) -> Versioned<AffiliateRecord>? {
    if let raw = nodes[id.nodeID]?.raws.first(where: { $0.origin.name == id.origin }) { return raw.versioned }
    guard let known = origins[id.origin], known.localCount > 0 else { return nil }
    return nodes[known.origin.standalone(id.nodeID)]?.raws.first { $0.origin === known.origin }?.versioned
  }

  /// All merged affiliates by identity.
  public func affiliates() -> [Versioned<Affiliate>] {
    sortedNodes.map(\.versioned)
  }

  private var sortedNodes: [NodeEntry] {
    nodes.values.sorted { $0.merged.affiliate.value.nodeID < $1.merged.affiliate.value.nodeID }
  }

  /// All members by nodename.
  public func members() -> [Versioned<Member>] {
    byNodename.keys.sorted().compactMap { member($0) }
  }

  /// All raw affiliates, ordered by the text of their raw ids.
  public func rawAffiliates() -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    var byOrigin: [RecordOrigin: [RawEntry]] = [:]
    for node in sortedNodes {
      for raw in node.raws { byOrigin[raw.origin.name, default: []].append(raw) }
    }
    let inOrder = origins.values.map(\.origin).sorted { $0.isBelow($1) }
    return inOrder.flatMap { origin in
      let listed = byOrigin[origin.name, default: []].map { (id: $0.id, record: $0.versioned) }
      // Nodes are in the order of their names, of which local ids are the end.
      let isInOrder = origins[origin.name]?.localCount == 0
      return isInOrder ? listed : listed.sorted { $0.id.nodeID < $1.id.nodeID }
    }
  }

  /// What origins say of the node, in the order of the walk: fresh ones, then stale ones.
  public func rawAffiliates(of id: NodeIdentity) -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    guard let node = nodes[id] else { return [] }
    return rules.walk(node.raws).raws.map { ($0.id, $0.versioned) }
  }

  /// The member of that nodename as the nodes are now, whatever its history says.
  func memberValue(_ nodename: String) -> Member? { byNodename[nodename]?.holders.member { nodes[$0] } }
}

extension Holders {
  /// The member that they are to whom one nodename belongs.
  func member(_ entry: (NodeIdentity) -> NodeEntry?) -> Member? {
    switch self {
    case .one(let id): return entry(id).flatMap { Member($0.merged.affiliate.value) }
    case .many(let ids):
      let owner = ids.compactMap(entry).min { left, right in
        let (leftID, rightID) = (left.merged.affiliate.value.nodeID, right.merged.affiliate.value.nodeID)
        if left.merged.isNodenameFresh != right.merged.isNodenameFresh { return left.merged.isNodenameFresh }
        if leftID.isLocal != rightID.isLocal { return rightID.isLocal }
        return leftID < rightID
      }
      return owner.flatMap { Member($0.merged.affiliate.value) }
    }
  }
}
