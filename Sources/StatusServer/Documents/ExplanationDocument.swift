public import AffiliateMerge
public import ClusterModel
public import ClusterResources
import Lifecycle
import Rollcall

extension ClusterDocuments {
  /// Everything that is known of a node, and where it came from; nil where nothing is.
  ///
  /// - Parameter name: which of several tombstones of the node is meant, where it isn't there any more.
  public func explanation(of node: NodeIdentity, name: String? = nil) -> ResourceValue? {
    guard let affiliate = snapshot.merge.affiliate(node), let fields = snapshot.provenance(of: node) else {
      return goneExplanation(of: node, name: name)
    }
    let status = life.status(of: node)
    let conflicts = snapshot.merge.conflicts(of: node)
    let owner = affiliate.value.nodename.isEmpty ? nil : life.status(named: affiliate.value.nodename)?.node
    let contested = Set(conflicts.map(\.value.key))
    return .present([
      ("nodeId", .text(node.text)), ("nodename", .text(affiliate.value.nodename)),
      ("isLocal", .bool(snapshot.localID == node)), ("isMember", .bool(status?.isListed ?? false)),
      ("memberOfThatName", owner.flatMap { $0 == node ? nil : .text($0.text) } ?? .null),
      ("version", .integer(Int64(clamping: affiliate.version))), ("created", .time(affiliate.created)),
      ("updated", .time(affiliate.updated)), ("now", .text(now.wall.milliText)),
      ("member", status.flatMap { member($0, isDetailed: true) }),
      ("sources", .list(life.sources(of: node).map { .source($0) })),
      ("rule", status.map { .text($0.rule) }),
      (
        "fields",
        .list(fields.map { value(of: $0, node, isContested: contested.contains(.field($0.field, of: node))) })
      ),
      (
        "conflicts",
        .list(conflicts.map { conflict($0).value(version: $0.version, updated: $0.updated) })
      ),
      (
        "history",
        .list(life.tombstones(of: node.text).map { tombstone($0) })
      ),
    ])
  }

  private func goneExplanation(of node: NodeIdentity, name: String?) -> ResourceValue? {
    let tombstones = life.tombstones(of: node.text)
    guard let meant = tombstones.first(where: { $0.name == name }) ?? tombstones.last else { return nil }
    return .present([
      ("nodeId", .text(node.text)), ("nodename", .text(meant.name)), ("isLocal", .bool(false)),
      ("isMember", .bool(false)),
      ("memberOfThatName", life.status(named: meant.name).map { .text($0.node.text) } ?? .null),
      ("now", .text(now.wall.milliText)), ("member", tombstone(meant)),
      ("sources", .list(life.sources(of: node).map { .source($0) })), ("fields", []), ("conflicts", []),
      ("history", .list(tombstones.map { tombstone($0) })),
    ])
  }

  private func value(of field: FieldProvenance, _ node: NodeIdentity, isContested: Bool) -> ResourceValue {
    [
      "field": .text(field.field.rawValue), "value": Self.value(field.values, of: field.field),
      "rule": .text(field.rule.rawValue), "because": .text(field.rule.sentence),
      "conflict": .bool(isContested),
      "claims": .list(
        field.claims.map { claim in
          [
            "source": .text(
              claim.origin.map { RawID(origin: $0, nodeID: node).description } ?? "this node"),
            "registry": claim.origin.map { .text($0.registry) } ?? .null,
            "value": Self.value(claim.values, of: field.field), "chosen": .bool(claim.isChosen),
            "stale": .bool(claim.isStale), "at": .time(claim.at),
          ]
        }),
    ]
  }

  private static func value(_ values: [String], of field: AffiliateField) -> ResourceValue {
    field.isList ? .texts(values) : values.first.map { .text($0) } ?? .null
  }
}

extension MergeRule {
  /// The rule as a sentence's end.
  public var sentence: String {
    switch self {
    case .onlyClaim: "only one says it"
    case .agreement: "all that say it say the same"
    case .lastByRawID: "of the raw ids in order, the last one that says it wins"
    case .firstByRawID: "of the raw ids in order, the first one that says it wins"
    case .precedence: "the strongest by merge.precedence wins"
    case .fresh: "a fresh word goes before stale ones"
    case .union: "a list holds all that anybody says"
    case .local: "this node knows itself best"
    }
  }
}

extension NodeStatus {
  /// Why it is in its state, as the rule says it.
  var rule: String {
    switch (state, reason) {
    case (.ready, .local): "this node itself"
    case (.ready, .leased): "somebody fresh has a lease of it"
    case (.ready, .healthy): "somebody fresh who checks it says that it is ready, and nobody has a lease"
    case (.ready, _): "somebody fresh lists it, and nobody says anything of its life"
    case (.notready, _): "somebody fresh who checks it says that it isn't ready"
    case (.stale, _): "all that vouched for it is from before: nobody can say whether it lives"
    case (.missing, .neverSeen): "it is expected, and no lease and no health was seen for that long"
    case (.missing, _): "a lease that ended without a goodbye, and nobody fresh who says that it lives"
    case (.left, .superseded): "another identity has its name and what makes it the same machine"
    case (.left, _): "it said goodbye, or was taken out on purpose"
    }
  }
}
