import AffiliateMerge
import ClusterModel
import Testing

/// Whether what the merge shows is what follows by the naive one, from all that was said.
struct MergeComparison {
  func expect(_ merge: ClusterMerge, equals unmatched: NaiveMerge) {
    let naive = unmatched.matched()
    for (key, node) in naive.matching?.node ?? [:]
    where naive.policy.matching.values.contains(where: { !$0.keys.isEmpty }) {
      let placement = merge.placement(of: RawID(origin: key.origin, nodeID: key.id))
      let choice = naive.matching?.by[key]
      #expect(placement?.node == node)
      #expect(placement?.join?.value == choice?.value)
      #expect(placement?.join?.strength.rawValue == choice?.level)
      #expect(
        placement?.join?.field
          == choice.flatMap { naive.policy.matching[key.origin.registry]?.keys[$0.position].field })
    }
    let affiliates = naive.affiliates
    let members = naive.members(affiliates)
    let conflicts = naive.conflicts(affiliates)
    #expect(merge.affiliates().map(\.value) == affiliates.values.sorted { $0.nodeID < $1.nodeID })
    for id in affiliates.keys {
      let labels = naive.labels(id)
      let merged = Dictionary(uniqueKeysWithValues: merge.labels(of: id).map { ($0.key, $0.value) })
      #expect(merged == labels)
      let provenance = merge.labelProvenance(of: id) ?? []
      #expect(provenance.map(\.key) == labels.keys.sorted())
      for label in provenance {
        #expect(label.claims.map(NaiveMerge.Claim.init) == naive.claims(label.key, of: id))
        #expect(label.claims.contains { $0.isChosen && $0.values == [label.value] })
      }
    }
    #expect(merge.members().map(\.value) == members.values.sorted())
    #expect(merge.affiliateCount == affiliates.count && merge.memberCount == members.count)
    let reported = merge.conflicts()
    #expect(reported.map(\.value.key) == conflicts.keys.sorted())
    #expect(merge.conflictCount == conflicts.count)
    for conflict in reported { #expect(.init(conflict.value) == conflicts[conflict.value.key]) }
    let raws = naive.raws.flatMap { origin, records in
      records.map { (RawID(origin: origin, nodeID: $0), $1) }
    }.sorted { "\($0.0)" < "\($1.0)" }
    let listed = merge.rawAffiliates()
    #expect(listed.map(\.id) == raws.map(\.0))
    #expect(listed.map(\.record.value) == raws.map(\.1))
    #expect(merge.rawCount == raws.count)
    for (id, affiliate) in affiliates {
      expectProvenance(merge.provenance(of: id) ?? [], explains: affiliate, naive)
      let own = conflicts.filter { key, conflict in
        if case .match(let raw) = key {
          let founded = NaiveMerge.ownNode(raw.nodeID, of: raw.origin)
          return id == founded || conflict.notes.contains { $0.candidates.contains(id) }
        }
        return conflict.nodes.contains(id)
          || conflict.nodes.isEmpty && affiliate.has(key, isMember: naive.isMember(id))
      }
      .keys.sorted()
      #expect(merge.conflicts(of: id).map(\.value.key) == own)
    }
  }

  /// Whether each field's value follows from the claims by the rule that is named.
  private func expectProvenance(
    _ provenance: [FieldProvenance], explains affiliate: Affiliate, _ naive: NaiveMerge
  ) {
    #expect(provenance.map(\.field) == AffiliateField.allCases.filter { !affiliate.values($0).isEmpty })
    for field in provenance {
      #expect(field.values == affiliate.values(field.field))
      #expect(field.claims.map(NaiveMerge.Claim.init) == naive.claims(field.field, affiliate))
      let claims = field.claims.map(\.values)
      let fresh = field.claims.filter { !$0.isStale }.map(\.values)
      let freshest = field.claims.filter { fresh.isEmpty || !$0.isStale }
      let owned = freshest.filter { $0.localID == nil }
      let strongest = (owned.isEmpty || !naive.policy.precedence.isEmpty ? freshest : owned).map(\.values)
      switch field.rule {
      case .hostname: #expect(claims.isEmpty && field.values == [affiliate.hostname])
      case .local: #expect(affiliate.nodeID == naive.local?.nodeID && field.values == claims.first)
      case .onlyClaim: #expect(claims.map(distinct) == [field.values])
      case .agreement: #expect(claims.count > 1 && claims.allSatisfy { distinct($0) == field.values })
      case .union: #expect(field.field.isList && distinct(claims.flatMap { $0 }) == field.values)
      case .fresh: #expect(fresh != claims && fresh.allSatisfy { $0 == field.values })
      case .identity:
        #expect(owned.count < claims.count && naive.policy.precedence.isEmpty)
        #expect(!owned.isEmpty && owned.allSatisfy { $0.values == field.values })
      case .precedence: #expect(!naive.policy.precedence.isEmpty && strongest.first == field.values)
      case .lastByRawID: #expect(naive.policy.precedence.isEmpty && strongest.last == field.values)
      case .firstByRawID: #expect(field.field == .operatingSystem && strongest.first == field.values)
      }
    }
  }

  private func distinct(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}

extension Affiliate {
  /// Whether it has what is merely shared: the conflict names no nodes.
  fileprivate func has(_ key: ConflictKey, isMember: Bool) -> Bool {
    switch key {
    case .field, .label, .identity, .match: false
    case .address(let address): addresses.contains(address) || kubeSpan?.address == address
    case .nodename(let name): isMember && nodename == name
    case .publicKey(let key): kubeSpan?.publicKey == key
    }
  }
}
