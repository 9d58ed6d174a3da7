public import AffiliateMerge
import ClusterModel
public import ClusterResources
import Lifecycle
import Rollcall

extension ClusterDocuments {
  /// A conflict, and who says what.
  public func conflict(_ conflict: Versioned<Conflict>) -> ConflictDocument {
    let value = conflict.value
    let holders = snapshot.merge.holders(of: value.key)
    let listed = Array(holders.prefix(Conflict.maximumNodes))
    let claims = claims(value, listed)
    return ConflictDocument(
      summary: ConflictSummary(
        id: value.key.documentID, severity: snapshot.isWarning(value) ? .warning : .info,
        kind: value.key.kindText,
        nodes: listed.map { name($0, of: value.key) }.sorted(), nodeCount: holders.count,
        since: conflict.created, claims: sentence(value, claims)),
      claims: claims)
  }

  /// A node is called by its nodename, but where that is what the nodes have in common.
  private func name(_ node: NodeIdentity, of key: ConflictKey) -> String {
    if case .nodename = key { return node.text }
    let nodename = snapshot.merge.affiliate(node)?.value.nodename ?? ""
    return nodename.isEmpty || life.status(named: nodename)?.node != node ? node.text : nodename
  }

  private func claims(_ conflict: Conflict, _ nodes: [NodeIdentity]) -> [ConflictDocument.Claim] {
    if let node = conflict.key.disagreeing {
      var claims: [ConflictDocument.Claim] = []
      for claim in conflict.claims {
        let source = claim.origin?.label ?? "this node"
        // Those that say the same thing are one claim.
        let same = claims.firstIndex {
          $0.values == claim.values && $0.isChosen == claim.isChosen && $0.isStale == claim.isStale
        }
        if let same {
          claims[same].sources.append(source)
        } else {
          claims.append(
            ConflictDocument.Claim(
              node: name(node, of: conflict.key), nodeID: node.text, sources: [source],
              values: claim.values, isChosen: claim.isChosen, isStale: claim.isStale))
        }
      }
      return claims.sorted { $0.isChosen && !$1.isChosen }
    }
    if case .identity(let node) = conflict.key {
      return [
        ConflictDocument.Claim(
          node: name(node, of: conflict.key), nodeID: node.text,
          sources: conflict.records.map(\.origin.rawPrefix))
      ]
    }
    return nodes.map { node in
      var sources = snapshot.merge.rawAffiliates(of: node)
        .filter { $0.record.value.affiliate.has(conflict.key) }.map(\.id.origin.label)
      if snapshot.localID == node { sources = ["this node"] }
      return ConflictDocument.Claim(
        node: name(node, of: conflict.key), nodeID: node.text, sources: sources,
        isChosen: conflict.owner == node)
    }.sorted { $0.node < $1.node }
  }

  private func sentence(_ conflict: Conflict, _ claims: [ConflictDocument.Claim]) -> String {
    switch conflict.key {
    case .field, .label:
      return claims.map { claim in
        "\(claim.values.joined(separator: ",")) (\(claim.sources.joined(separator: ", "))"
          + (claim.isStale ? ", stale)" : ")") + (claim.isChosen ? " shown" : "")
      }.joined(separator: "; ")
    case .nodename(let name):
      guard !conflict.isShared else { break }
      let others = conflict.nodes.filter { $0 != life.status(named: name)?.node }
      let holder = life.status(named: name).map { "\(ShortID.text($0.node.text)) shown" }
      let rest = others.map { node in
        ShortID.text(node.text)
          + (life.status(of: node)?.reason == .superseded ? " superseded" : " claims it")
      }
      return ([holder].compactMap { $0 } + rest).joined(separator: "; ")
    case .identity:
      return "on two machines: \(conflict.records.map(\.description).joined(separator: ", ")) differ; "
        + "remove node-identity.yaml from the copy and restart it"
    case .match(let record):
      let reasons = words(of: conflict.notes, about: record) { name($0, of: conflict.key) }
        .joined(separator: "; ")
      return "\(record) stands alone: \(reasons); \(conflict.notes.last?.advice ?? "")"
    case .address, .publicKey: break
    }
    guard !conflict.isShared else {
      return
        "shared by more than \(Conflict.maximumNodes) nodes, or an address that container bridges have by default or "
        + "merge.match.ignoreAddresses has"
    }
    return claims.map { "\(ShortID.text($0.node)): \($0.sources.joined(separator: ","))" }.joined(
      separator: "; ")
  }
}

extension RecordOrigin {
  /// The registry as the configuration calls it, and its source where it has several.
  fileprivate var label: String { source.isEmpty ? registry : "\(registry):\(source)" }
}

extension ConflictKey {
  /// The one node of which registries say different things.
  fileprivate var disagreeing: NodeIdentity? {
    switch self {
    case .field(_, let node), .label(_, let node): node
    case .address, .nodename, .publicKey, .identity, .match: nil
    }
  }

  /// What the conflict is called as a resource.
  public var documentID: String {
    switch self {
    case .field(let field, let identity): "field/\(identity)/\(field.rawValue)"
    case .label(let label, let identity): "label/\(identity)/\(label)"
    case .address(let address): "address/\(address)"
    case .nodename(let name): "nodename/\(name)"
    case .publicKey(let key): "publicKey/\(key)"
    case .identity(let id): "identity/\(id)"
    case .match(let record): "match/\(record)"
    }
  }

  /// What it is about, in a word.
  var kindText: String {
    switch self {
    case .field(let field, _): field.rawValue
    case .label(let label, _): "label \(label)"
    case .address: "address"
    case .nodename: "nodename"
    case .publicKey: "publicKey"
    case .identity: "identity"
    case .match: "match"
    }
  }
}
