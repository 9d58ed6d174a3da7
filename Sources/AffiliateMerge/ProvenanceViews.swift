public import ClusterModel
import HashTreeCollections

/// Where merged fields came from: never stored, found anew from the raw affiliates.
extension ClusterMerge {
  /// Where each field of the node that is set came from; nil for an unknown node.
  public func provenance(of id: NodeIdentity) -> [FieldProvenance]? {
    guard let node = nodes[id] else { return nil }
    return AffiliateField.allCases.compactMap { field in
      let values = field.values(in: node.merged.affiliate.value)
      if values.isEmpty { return nil }
      let claims = claims(on: field, node, rules, local)
      return FieldProvenance(field: field, values: values, rule: rule(for: field, id, claims), claims: claims)
    }
  }

  /// What the node's own data and its records say of `field`, in the order of the walk, by the rules and
  /// local data given.
  func claims(
    on field: AffiliateField, _ node: NodeEntry, _ rules: MergeRules, _ local: LocalNode?
  ) -> [FieldClaim] {
    let merged = Set(field.values(in: node.merged.affiliate.value))
    var claims: [FieldClaim] = []
    func note(_ affiliate: Affiliate, _ origin: RecordOrigin?, isStale: Bool, _ at: Timestamp) {
      let values = field.values(in: affiliate)
      if values.isEmpty { return }
      claims.append(
        FieldClaim(
          origin: origin, values: values, isChosen: !merged.isDisjoint(with: values), isStale: isStale,
          at: at))
    }
    if let local, local.id == node.merged.affiliate.value.nodeID {
      note(local.affiliate.value, nil, isStale: false, local.heard)
    }
    for raw in rules.walk(node.raws).raws {
      note(raw.affiliate.value, raw.origin.name, isStale: rules.isStale(raw), lastSaid(raw))
    }
    return claims
  }

  private func lastSaid(_ raw: RawEntry) -> Timestamp {
    if let confirmedAt = raw.confirmedAt { return confirmedAt }
    return origins[raw.origin.name]?.lastSnapshot.map { max($0, raw.heard) } ?? raw.heard
  }

  private func rule(for field: AffiliateField, _ id: NodeIdentity, _ claims: [FieldClaim]) -> MergeRule {
    if id == localID { return .local }
    if claims.count == 1 { return .onlyClaim }
    if Self.agree(claims) { return .agreement }
    if field.isList { return .union }
    let fresh = claims.filter { !$0.isStale }
    if !fresh.isEmpty, Self.agree(fresh) { return .fresh }
    if !policy.precedence.isEmpty { return .precedence }
    return field == .operatingSystem ? .firstByRawID : .lastByRawID
  }

  private static func agree(_ claims: [FieldClaim]) -> Bool {
    claims.allSatisfy { $0.values == claims.first?.values }
  }
}
