import AffiliateMerge
import ClusterModel
import ClusterResources
import KubeSpan
import Rollcall

/// What contradicts itself within the mesh, as conflicts among the others.
enum MeshDisputes {
  /// What their ids begin with.
  static let prefix = "kubespan/"

  /// Whether a conflict of that id is one of the mesh.
  static func isID(_ id: String) -> Bool { id.hasPrefix(prefix) }

  fileprivate static func id(of conflict: PeerConflict) -> String {
    switch conflict {
    case .overlap(let node, let holder, _): "\(prefix)overlap/\(node)/\(holder)"
    case .sameAddress(let address, _): "\(prefix)address/\(address)"
    case .samePublicKey(let key, _): "\(prefix)publicKey/\(key)"
    case .emptied(let node): "\(prefix)emptied/\(node)"
    }
  }
}

extension ClusterDocuments {
  // MARK: Conflicts

  /// What contradicts itself within the mesh and isn't a conflict of the merge already.
  var meshConflicts: [ConflictDocument] {
    (mesh?.disputes ?? []).filter { !isKnown($0.conflict) }.map(document)
  }

  /// Those that `node` has a part in.
  func meshConflicts(of node: NodeIdentity) -> [ConflictDocument] {
    (mesh?.disputes ?? []).filter { $0.conflict.nodes.contains(node) && !isKnown($0.conflict) }.map(document)
  }

  /// Whether the merge has a conflict of the same key or of the same addresses.
  private func isKnown(_ conflict: PeerConflict) -> Bool {
    func isConflict(_ key: ConflictKey) -> Bool {
      snapshot.merge.conflict(key).map { !$0.value.isShared } ?? false
    }
    switch conflict {
    case .samePublicKey(let key, _): return isConflict(.publicKey(key))
    case .sameAddress(let address, _): return isConflict(.address(address))
    case .overlap(let node, let holder, let prefixes):
      let known = snapshot.merge.conflicts(of: node).compactMap { conflict -> IPPrefix? in
        guard case .address(let address) = conflict.value.key, conflict.value.nodes.contains(holder) else {
          return nil
        }
        return IPPrefix(host: address)
      }
      return PrefixSet(prefixes).subtracting(PrefixSet(known)).isEmpty
    case .emptied: return false
    }
  }

  private func document(_ dispute: MeshReport.Dispute) -> ConflictDocument {
    let conflict = dispute.conflict
    let claims = conflict.nodes.map { node in
      var values: [String] = []
      var isChosen = false
      if case .overlap(_, let holder, let prefixes) = conflict {
        values = prefixes.map(\.description)
        isChosen = node == holder
      }
      return ConflictDocument.Claim(
        node: peerName(node), nodeID: node.text, sources: sources(of: node, conflict), values: values,
        isChosen: isChosen)
    }
    let said = claims.map { "\(ShortID.text($0.node)): \($0.sources.joined(separator: ","))" }
    return ConflictDocument(
      summary: ConflictSummary(
        id: MeshDisputes.id(of: conflict), severity: .warning, kind: conflict.kind,
        nodes: claims.map(\.node).sorted(), nodeCount: claims.count, since: dispute.since,
        claims: "\(conflict.sentence { ShortID.text(peerName($0)) }) (\(said.joined(separator: "; ")))"),
      claims: claims)
  }

  /// The registries that say of `node` what the conflict is about.
  private func sources(of node: NodeIdentity, _ conflict: PeerConflict) -> [String] {
    if snapshot.localID == node { return ["this node"] }
    let records = snapshot.merge.rawAffiliates(of: node).filter { _, record in
      let affiliate = record.value.affiliate
      switch conflict {
      case .samePublicKey(let key, _): return affiliate.kubeSpan?.publicKey == key
      case .sameAddress(let address, _): return affiliate.kubeSpan?.address == address
      case .overlap(_, _, let prefixes):
        let said = affiliate.addresses.map(IPPrefix.init(host:))
        let set = PrefixSet(said + (affiliate.kubeSpan?.additionalAddresses ?? []))
        return !set.intersection(PrefixSet(prefixes)).isEmpty
      case .emptied: return affiliate.kubeSpan != nil
      }
    }
    return records.map { id, _ in
      id.origin.source.isEmpty ? id.origin.registry : "\(id.origin.registry):\(id.origin.source)"
    }
  }

  /// A node is called by its nodename where it is the member of that name.
  private func peerName(_ node: NodeIdentity) -> String {
    let nodename = snapshot.merge.affiliate(node)?.value.nodename ?? ""
    return nodename.isEmpty || life.status(named: nodename)?.node != node ? node.text : nodename
  }

  // MARK: Explaining

  /// What the mesh has of `affiliate`, and what becomes of packets to each of its addresses; nil where there is no mesh.
  func meshExplanation(of affiliate: Affiliate) -> ResourceValue? {
    guard let mesh else { return nil }
    let node = affiliate.nodeID
    let isLocal = snapshot.localID == node
    let isPeer = mesh.specs.contains { $0.nodeID == node }
    let peers = MeshDocument(mesh).fields.first { $0.name == "peers" }?.value?.items ?? []
    let peer = peers.first { $0["nodeId"]?.text == node.text }
    let message: String? =
      if isLocal {
        "this node"
      } else if let omission = mesh.omissions[node] {
        "no peer: " + omission.sentence(naming: peerName)
      } else if !isPeer {
        "no peer: it says no public key"
      } else {
        nil
      }
    return .present([
      ("peer", .bool(isPeer)), ("message", message.map { .text($0) }), ("state", peer?["state"]),
      ("since", peer?["since"]), ("endpoint", peer?["endpoint"]), ("why", peer?["why"]),
      ("addresses", isPeer ? .list(fates(of: affiliate, mesh)) : nil),
    ])
  }

  private func fates(of affiliate: Affiliate, _ mesh: MeshReport) -> [ResourceValue] {
    var addresses = affiliate.addresses
    if let own = affiliate.kubeSpan?.address, !addresses.contains(own) { addresses.append(own) }
    let networks = (affiliate.kubeSpan?.additionalAddresses ?? []).map { ($0.description, $0.address) }
    return (addresses.map { ($0.description, $0) } + networks).map { text, address in
      let fate = mesh.fate(of: address, of: affiliate, localID: snapshot.localID)
      return .present([
        ("address", .text(text)), ("fate", .text(fate.code)),
        ("by", fate.cause(naming: peerName).map { .text($0) }),
      ])
    }
  }
}

extension PeerPlan.Fate {
  /// One word for programs.
  fileprivate var code: String {
    switch self {
    case .reachable: "reachable"
    case .excluded: "excluded"
    case .held: "held"
    case .omitted: "omitted"
    case .noPeer: "no-peer"
    case .notAdvertised: "not-advertised"
    }
  }

  /// What or who is the cause, where there is one.
  fileprivate func cause(naming name: (NodeIdentity) -> String) -> String? {
    switch self {
    case .excluded(let network): network.description
    case .held(let node): name(node)
    case .omitted(let omission): omission.sentence(naming: name)
    case .reachable, .noPeer, .notAdvertised: nil
    }
  }
}
