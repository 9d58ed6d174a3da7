public import ClusterModel
public import KubeSpan

/// How a mesh is, as programs and the command are shown it.
public struct MeshDocument: Sendable {
  private let report: MeshReport

  /// The document of `report`.
  public init(_ report: MeshReport) { self.report = report }

  /// The document, without what every document of the API begins with.
  public var fields: [(name: String, value: ResourceValue?)] {
    [
      ("enabled", .bool(true)), ("moment", .time(report.moment)),
      (
        "identity",
        report.identity.map { identity in
          [
            "address": .text(identity.address.description), "subnet": .text(identity.subnet.description),
            "publicKey": .text(identity.publicKey),
          ]
        } ?? .null
      ),
      (
        "device",
        report.device.map { device in
          [
            "interface": .text(device.interface), "kind": device.isKernel ? "kernel" : "userspace",
            "listenPort": .integer(Int64(device.listenPort)), "mtu": .integer(Int64(device.mtu)),
          ]
        } ?? .null
      ),
      ("harvesting", .bool(report.isHarvesting)), ("problem", Self.value(of: report.problem)),
      ("warnings", .texts(report.warnings)), ("passes", .integer(Int64(clamping: report.passCount))),
      ("counts", counts), ("peers", .list(report.specs.map(peer))), ("omitted", omitted),
      (
        "disputes",
        .list(
          report.disputes.map { dispute in
            [
              "kind": .text(dispute.conflict.kind), "since": .time(dispute.since),
              "nodes": .texts(dispute.conflict.nodes.map(report.label(of:))),
              "message": .text(dispute.conflict.sentence(naming: report.label(of:))),
            ]
          })
      ),
    ]
  }

  /// How many peers there are of each kind.
  public var counts: ResourceValue {
    func count(_ state: PeerState) -> ResourceValue {
      .integer(Int64(report.statuses.count { $0.state == state }))
    }
    return [
      "peers": .integer(Int64(report.specs.count)), "up": count(.up), "down": count(.down),
      "unknown": count(.unknown), "overdue": .integer(Int64(report.overdue.count)),
      "kept": .integer(Int64(report.kept.count)), "omitted": .integer(Int64(report.omissions.count)),
      "disputes": .integer(Int64(report.disputes.count)),
    ]
  }

  private static func value(of problem: MeshReport.Problem?) -> ResourceValue {
    problem.map { ["message": .text($0.message), "since": .time($0.since)] } ?? .null
  }

  // MARK: Peers

  private func peer(_ spec: PeerSpec) -> ResourceValue {
    let status = report.statuses.first { $0.nodeID == spec.nodeID }
    let isUp = status?.state == .up
    let kept = report.kept.contains(spec.nodeID)
    return .present([
      ("nodeId", .text(spec.nodeID.text)), ("label", .text(spec.label)),
      ("publicKey", .text(spec.publicKey)), ("address", .text(spec.address.description)),
      ("allowedIPs", .texts(spec.allowedIPs)),
      ("endpoints", .list(spec.endpoints.map { endpoint($0, status) })),
      ("state", .text((status?.state ?? .unknown).rawValue)),
      ("endpoint", .text(status?.endpoint?.description ?? "")),
      ("since", (isUp ? status?.upSince : status?.trouble?.since).map { .time($0) } ?? .null),
      ("receiveBytes", .integer(Int64(clamping: status?.receivedBytes ?? 0))),
      ("transmitBytes", .integer(Int64(clamping: status?.sentBytes ?? 0))),
      (
        "handshakeAgeSeconds",
        status?.handshakeAge.map { .integer(max(0, $0.components.seconds)) } ?? .null
      ),
      ("lastHandshakeTime", .preciseTime(PreciseTime(status?.lastHandshake))),
      ("lastUsedEndpoint", .text(status?.lastUsedEndpoint?.description ?? "")),
      ("lastEndpointChange", .preciseTime(PreciseTime(status?.lastEndpointChange))),
      ("endpointChanges", .integer(Int64(status?.endpointChanges ?? 0))),
      ("trouble", status?.trouble.map { .text($0.code) }), ("kept", .bool(kept)),
      ("overdue", .bool(report.overdue.contains(spec.nodeID))), ("why", .texts(reasons(spec, status, kept))),
    ])
  }

  private func endpoint(_ endpoint: IPEndpoint, _ status: PeerStatus?) -> ResourceValue {
    .present([
      ("endpoint", .text(endpoint.description)),
      ("refused", status?.refused[endpoint].map { .text($0.words) }),
    ])
  }

  /// Why the peer isn't up, and what else a person should know of it; nothing where all is well.
  private func reasons(_ spec: PeerSpec, _ status: PeerStatus?, _ isKept: Bool) -> [String] {
    var reasons: [String] = []
    if let trouble = status?.trouble {
      reasons.append(trouble.sentence(endpoints: spec.endpoints, refused: status?.refused ?? [:]))
    }
    for dispute in report.disputes {
      switch dispute.conflict {
      case .overlap(spec.nodeID, let holder, let prefixes):
        reasons.append("\(Self.list(prefixes)) goes to \(report.label(of: holder)), which has it too")
      case .emptied(spec.nodeID): reasons.append("others have all of its addresses")
      case .sameAddress(let address, let nodes) where nodes.contains(spec.nodeID):
        let others = nodes.filter { $0 != spec.nodeID }.map(report.label(of:))
        reasons.append("its address \(address) is also that of \(Self.list(others))")
      default: break
      }
    }
    if isKept { reasons.append("kept from before, as no registry can be asked") }
    return reasons
  }

  private var omitted: ResourceValue {
    .list(
      report.omissions.sorted { $0.key < $1.key }.map { node, omission in
        [
          "nodeId": .text(node.text), "reason": .text(omission.code),
          "message": .text(omission.sentence(naming: report.label(of:))),
        ]
      })
  }

  fileprivate static func list(_ items: [some CustomStringConvertible]) -> String {
    items.map(\.description).joined(separator: ", ")
  }
}

// MARK: Words

extension PeerOmission {
  /// One word for programs.
  public var code: String {
    switch self {
    case .noAddress: "no-address"
    case .invalidKey: "invalid-key"
    case .sameKey: "same-key"
    }
  }

  /// Why the node is no peer, as a sentence.
  ///
  /// - Parameter name: what other nodes are called.
  public func sentence(naming name: (NodeIdentity) -> String) -> String {
    switch self {
    case .noAddress: "it says no KubeSpan address"
    case .invalidKey: "its public key isn't one"
    case .sameKey(let node): "\(name(node)) has the same public key"
    }
  }
}

extension PeerConflict {
  /// What it is, in a word.
  public var kind: String {
    switch self {
    case .overlap: "overlap"
    case .sameAddress: "kubespanAddress"
    case .samePublicKey: "publicKey"
    case .emptied: "emptied"
    }
  }

  /// The nodes that it is about, in order.
  public var nodes: [NodeIdentity] {
    switch self {
    case .overlap(let node, let holder, _): [node, holder].sorted()
    case .sameAddress(_, let nodes), .samePublicKey(_, let nodes): nodes
    case .emptied(let node): [node]
    }
  }

  /// One line for a person.
  ///
  /// - Parameter name: what nodes are called.
  public func sentence(naming name: (NodeIdentity) -> String) -> String {
    switch self {
    case .overlap(let node, let holder, let prefixes):
      "\(name(node)) and \(name(holder)) both have \(MeshDocument.list(prefixes)), which \(name(holder)) keeps"
    case .sameAddress(let address, let nodes):
      "\(MeshDocument.list(nodes.map(name))) have one KubeSpan address, \(address): machines with one hardware address?"
    case .samePublicKey(let key, let nodes):
      "\(MeshDocument.list(nodes.map(name))) have one public key, \(key): a copied disk?"
    case .emptied(let node):
      "\(name(node)) has no allowed IPs left: other nodes hold all of its addresses"
    }
  }
}

extension EndpointRanking.Refusal {
  /// Why it isn't tried, in words.
  public var words: String {
    switch self {
    case .filtered: "filters.peerEndpoints doesn't let it pass"
    case .insideTunnel: "it lies within the tunnel"
    case .ownAddress: "it is this node's own address"
    case .unusable: "nothing can be sent there"
    }
  }
}

extension PeerTracker.Trouble {
  /// One word for programs.
  public var code: String {
    switch self {
    case .noEndpoints: "no-endpoint"
    case .noAnswer: "no-answer"
    case .clockBehind: "clock-behind"
    }
  }

  /// Since when it is so, where that is known.
  public var since: Timestamp? {
    if case .noAnswer(_, let since) = self { since } else { nil }
  }

  /// Why the peer isn't up, as a sentence.
  ///
  /// - Parameters:
  ///   - endpoints: those that the peer lists.
  ///   - refused: those of them that aren't tried, and why.
  public func sentence(endpoints: [IPEndpoint], refused: [IPEndpoint: EndpointRanking.Refusal]) -> String {
    switch self {
    case .noEndpoints:
      if endpoints.isEmpty { return "it lists no endpoint: it has to dial" }
      let listed = endpoints.map { "\($0) (\(refused[$0]?.words ?? "not tried yet"))" }
      return "none of its endpoints is tried: \(listed.joined(separator: ", "))"
    case .noAnswer(let tried, let since):
      return "no answer from \(MeshDocument.list(tried)) since \(since)"
    case .clockBehind(let latest):
      return
        "this node's clock is behind its last handshake, \(latest): nothing answers until it is past that"
    }
  }
}
