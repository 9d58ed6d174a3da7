import AffiliateMerge
import ClusterModel
import ClusterResources
import Rollcall

extension ConflictSummary {
  /// What is shown of `conflict`, with who says so in `snapshot`.
  init(_ conflict: Versioned<Conflict>, in snapshot: ClusterSnapshot) {
    let value = conflict.value
    let holders = snapshot.merge.holders(of: value.key)
    let listed = Array(holders.prefix(Conflict.maximumNodes))
    self.init(
      id: value.key.resourceID, severity: value.isWarning ? .warning : .info, kind: value.key.kind,
      nodes: listed.map { Self.name($0, of: value.key, in: snapshot) }, nodeCount: holders.count,
      since: conflict.created, claims: Self.claims(value, listed, in: snapshot))
  }

  /// A node is called by its nodename, but where that is what the nodes have in common.
  private static func name(
    _ node: NodeIdentity, of key: ConflictKey, in snapshot: ClusterSnapshot
  ) -> String {
    let nodename = snapshot.merge.affiliate(node)?.value.nodename ?? ""
    if case .nodename = key { return node.text }
    return nodename.isEmpty || snapshot.merge.member(nodename)?.value.nodeID != node ? node.text : nodename
  }

  private static func claims(
    _ conflict: Conflict, _ nodes: [NodeIdentity], in snapshot: ClusterSnapshot
  ) -> String {
    guard !conflict.isShared else { return conflict.words }
    if case .field = conflict.key {
      return conflict.claims.map { claim in
        let who = claim.origin?.rawPrefix ?? "this node"
        return "\(claim.values.joined(separator: ",")) (\(who)\(claim.isStale ? ", stale" : ""))"
          + (claim.isChosen ? " shown" : "")
      }.joined(separator: "; ")
    }
    let said = nodes.map { node in
      var who = snapshot.merge.rawAffiliates(of: node).filter { $0.record.value.affiliate.has(conflict.key) }
        .map(\.id.origin.rawPrefix)
      if snapshot.localID == node { who = ["this node"] }
      return "\(name(node, of: conflict.key, in: snapshot)): \(who.joined(separator: ","))"
    }.joined(separator: "; ")
    guard let owner = conflict.owner else { return said }
    return said + "; \(owner) is the member" + (conflict.rule.map { ", as \($0.words)" } ?? "")
  }
}

extension ConflictKey {
  /// What the conflict is called as a resource.
  var resourceID: String {
    switch self {
    case .field(let field, let identity): "field/\(identity)/\(field.rawValue)"
    case .address(let address): "address/\(address)"
    case .nodename(let name): "nodename/\(name)"
    case .publicKey(let key): "publicKey/\(key)"
    }
  }

  /// What it is about, in a word.
  var kind: String {
    switch self {
    case .field(let field, _): field.rawValue
    case .address: "address"
    case .nodename: "nodename"
    case .publicKey: "publicKey"
    }
  }
}
