public import AffiliateMerge
public import ClusterModel
public import ClusterResources
import Lifecycle
import Rollcall

extension ClusterDocuments {
  /// Everything that is known of a node, and where it came from; nil where nothing is.
  ///
  /// - Parameters:
  ///   - name: which of several tombstones of the node is meant, where it isn't there any more.
  ///   - others: which nodes might be meant as well.
  public func explanation(
    of node: NodeIdentity, name: String? = nil, others: [NodeFinder.Match] = []
  ) -> ResourceValue? {
    guard let affiliate = snapshot.merge.affiliate(node), let fields = snapshot.provenance(of: node) else {
      return goneExplanation(of: node, name: name)
    }
    let status = life.status(of: node)
    let conflicts = snapshot.merge.conflicts(of: node)
    let claim = snapshot.merge.conflict(.nodename(affiliate.value.nodename))?.value
    let owner = affiliate.value.nodename.isEmpty ? nil : life.status(named: affiliate.value.nodename)?.node
    let contested = Set(conflicts.map(\.value.key))
    var shownConflicts = conflicts.map { conflict($0).value(version: $0.version, updated: $0.updated) }
    for dispute in meshConflicts(of: node) {
      shownConflicts.append(dispute.value(version: 1, updated: dispute.summary.since))
    }
    return .present([
      ("nodeId", .text(node.text)), ("nodename", .text(affiliate.value.nodename)),
      ("isLocal", .bool(snapshot.localID == node)), ("isMember", .bool(status?.isListed ?? false)),
      ("memberOfThatName", owner.flatMap { $0 == node ? nil : .text($0.text) } ?? .null),
      ("memberBecause", owner.flatMap { $0 == node ? nil : claim?.rule.map { .text($0.sentence) } }),
      ("others", others.isEmpty ? nil : .list(others.prefix(Self.maximumOthers).map(value(of:)))),
      ("otherCount", others.isEmpty ? nil : .integer(Int64(others.count))),
      ("version", .integer(Int64(clamping: affiliate.version))), ("created", .time(affiliate.created)),
      ("updated", .time(affiliate.updated)), ("now", .text(now.wall.milliText)),
      ("member", status.flatMap { member($0, isDetailed: true) }),
      ("sources", .list(life.sources(of: node).map { .source($0) })),
      ("rule", status.map { .text($0.rule) }), ("records", records(of: node)),
      (
        "fields",
        .list(fields.map { value(of: $0, node, isContested: contested.contains(.field($0.field, of: node))) })
      ),
      ("labels", labels(of: node, contested)),
      ("conflicts", .list(shownConflicts)),
      ("kubespan", meshExplanation(of: affiliate.value)),
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

  /// The most others that are named.
  private static var maximumOthers: Int { 10 }

  private func value(of other: NodeFinder.Match) -> ResourceValue {
    let nodename = snapshot.merge.affiliate(other.node)?.value.nodename ?? ""
    return .present([
      ("id", nodename.isEmpty ? nil : .text(nodename)), ("nodeId", .text(other.node.text)),
      ("why", .text(other.way.rawValue)),
    ])
  }

  /// How the records without an identity came to be this node's; nil where it has none.
  private func records(of node: NodeIdentity) -> ResourceValue? {
    let records = snapshot.merge.rawAffiliates(of: node).filter(\.record.value.isLocalID)
    if records.isEmpty { return nil }
    return .list(
      records.map { id, record in
        let placement = snapshot.merge.placement(of: id)
        return .present([
          ("id", .text(id.description)), ("joined", .bool(placement?.join != nil)),
          ("by", placement?.join.map { .text($0.words) }),
          ("placement", .text(sentence(placement, of: record.value, id))),
          (
            "notes",
            placement.flatMap { placement in
              placement.notes.isEmpty
                ? nil : .texts(words(of: placement.notes, about: id, naming: displayName))
            }
          ),
        ])
      })
  }

  private func sentence(
    _ placement: RecordPlacement?, of record: AffiliateRecord, _ id: RawID
  ) -> String {
    let registry = id.origin.registry
    let keys = snapshot.merge.policy.matching[registry]?.keys ?? []
    guard let placement, !keys.isEmpty else {
      return "stands alone: nothing is in the match list of \(registry)"
    }
    let notes = words(of: placement.notes, about: id, naming: displayName)
    if let join = placement.join {
      let witness = placement.witnesses.first.map { ", said by \($0)" } ?? ""
      return (["joined by \(join.words)\(witness)"] + notes.map { "told nothing: \($0)" })
        .joined(separator: "; ")
    }
    guard let last = placement.notes.last else {
      let said = [
        record.affiliate.nodename.isEmpty ? nil : "nodename \(record.affiliate.nodename)",
        record.affiliate.nodename.isEmpty && !record.affiliate.hostname.isEmpty
          ? "hostname \(record.affiliate.hostname)" : nil,
        record.affiliate.addresses.first.map { "address \($0)" },
      ].compactMap { $0 }
      return said.isEmpty
        ? "stands alone" : "stands alone: nobody else says \(said.joined(separator: " or "))"
    }
    return "stands alone: \(notes.joined(separator: "; ")); \(last.advice)"
  }

  /// What stood against a record, with what it and the nodes say.
  func words(of notes: [MatchNote], about record: RawID, naming name: (NodeIdentity) -> String) -> [String] {
    notes.map { note in
      note.words(naming: name) { field, node in
        node.map { snapshot.merge.matchText(of: field, node: $0) }
          ?? snapshot.merge.matchText(of: field, record: record)
      }
    }
  }

  /// What a node is called in a sentence.
  func displayName(_ node: NodeIdentity) -> String {
    let nodename = snapshot.merge.affiliate(node)?.value.nodename ?? ""
    let short = ShortID.text(node.text)
    return nodename.isEmpty || nodename == node.text ? short : "\(short) (\(nodename))"
  }

  /// Where each label came from; nil where the node has none.
  private func labels(of node: NodeIdentity, _ contested: Set<ConflictKey>) -> ResourceValue? {
    let labels = snapshot.merge.labelProvenance(of: node) ?? []
    if labels.isEmpty { return nil }
    return .list(
      labels.map { label in
        provenance(
          "label \(label.key)", .text(label.value), label.rule, label.claims, node,
          isContested: contested.contains(.label(label.key, of: node))
        ) { $0.first.map { .text($0) } ?? .null }
      })
  }

  private func value(of field: FieldProvenance, _ node: NodeIdentity, isContested: Bool) -> ResourceValue {
    provenance(
      field.field.rawValue, Self.value(field.values, of: field.field), field.rule, field.claims, node,
      isContested: isContested
    ) { Self.value($0, of: field.field) }
  }

  private func provenance(
    _ name: String, _ value: ResourceValue, _ rule: MergeRule, _ claims: [FieldClaim], _ node: NodeIdentity,
    isContested: Bool, _ written: ([String]) -> ResourceValue
  ) -> ResourceValue {
    [
      "field": .text(name), "value": value, "rule": .text(rule.rawValue), "because": .text(rule.sentence),
      "conflict": .bool(isContested),
      "claims": .list(
        claims.map { claim in
          [
            "source": .text(
              claim.origin.map { RawID(origin: $0, nodeID: claim.localID ?? node).description } ?? "this node"
            ),
            "registry": claim.origin.map { .text($0.registry) } ?? .null, "value": written(claim.values),
            "chosen": .bool(claim.isChosen), "stale": .bool(claim.isStale), "at": .time(claim.at),
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
    case .identity: "a record of the node's identity goes before those that were joined to it"
    case .fresh: "a fresh word goes before stale ones"
    case .union: "a list holds all that anybody says"
    case .hostname: "nobody says a nodename: the hostname is its name"
    case .local: "this node knows itself best"
    }
  }
}

extension NameRule {
  /// The rule as the end of a sentence that begins with "is the member, as".
  public var sentence: String {
    switch self {
    case .local: "it is this node"
    case .state: "it is up and the other one isn't"
    case .freshness: "a stronger record says so: fresh before stale, with an identity before without"
    case .heardLast: "its identity was heard last"
    case .health: "it is ready, as far as registries say"
    case .createdLast: "it was made last"
    case .identity: "it has an identity"
    case .text: "its identity is the lowest: nothing else tells them apart"
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
