public import ClusterModel
import HashTreeCollections

/// What a merge knows. Looking up one thing takes constant time, a list as long as the list is.
extension ClusterMerge {
  /// The local node's identity, where there is local data.
  public var localID: NodeIdentity? { local?.id }
  public var affiliateCount: Int { nodes.count }
  public var memberCount: Int { memberHistories.count }
  public var conflictCount: Int { conflictHistories.count }
  public var rawCount: Int { origins.values.reduce(0) { $0 + $1.nodes.count } }
  /// The number of records that `registry` has here.
  public func rawCount(of registry: String) -> Int {
    origins.reduce(0) { $0 + ($1.key.registry == registry ? $1.value.nodes.count : 0) }
  }

  public func affiliate(_ id: NodeIdentity) -> Versioned<Affiliate>? { nodes[id]?.versioned }

  public func member(_ nodename: String) -> Versioned<Member>? {
    guard let history = memberHistories[nodename], let member = memberValue(nodename) else { return nil }
    return history.of(member)
  }

  /// What an origin says of a node. A record of a registry that is stale as a whole is shown as it was said.
  public func raw(_ id: RawID) -> Versioned<AffiliateRecord>? {
    nodes[id.nodeID]?.raws.first { $0.origin.name == id.origin }?.versioned
  }

  /// All merged affiliates by identity.
  public func affiliates() -> [Versioned<Affiliate>] {
    nodes.values.sorted { $0.merged.affiliate.nodeID < $1.merged.affiliate.nodeID }.map(\.versioned)
  }

  /// All members by nodename.
  public func members() -> [Versioned<Member>] {
    memberHistories.keys.sorted().compactMap { member($0) }
  }

  /// All raw affiliates, ordered by the text of their raw ids.
  public func rawAffiliates() -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    origins.values.sorted { $0.origin.isBelow($1.origin) }.flatMap { known in
      known.nodes.sorted().compactMap { id in
        nodes[id]?.raws.first { $0.origin === known.origin }.map { ($0.id, $0.versioned) }
      }
    }
  }

  /// What `origin`s say of the node, in the order of the walk: fresh ones, then stale ones.
  public func rawAffiliates(of id: NodeIdentity) -> [(id: RawID, record: Versioned<AffiliateRecord>)] {
    guard let node = nodes[id] else { return [] }
    return rules.walk(node.raws).raws.map { ($0.id, $0.versioned) }
  }

  /// The member of that nodename as the nodes are now, whatever its history says.
  func memberValue(_ nodename: String) -> Member? {
    guard let holders = byNodename[nodename] else { return nil }
    switch holders {
    case .one(let id): return nodes[id].flatMap { Member($0.merged.affiliate) }
    case .many(let ids):
      let owner = ids.compactMap { nodes[$0] }.min { left, right in
        left.merged.isNodenameFresh != right.merged.isNodenameFresh
          ? left.merged.isNodenameFresh : left.merged.affiliate.nodeID < right.merged.affiliate.nodeID
      }
      return owner.flatMap { Member($0.merged.affiliate) }
    }
  }
}
