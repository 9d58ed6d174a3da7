import AffiliateMerge
import ClusterModel
import Testing

@Suite("Properties of the merge")
struct PropertyTests {
  @Test(
    "after 10,000 random events it equals a naive rebuild, and its changes add up to it", arguments: [8, 60])
  func equalsRebuild(nodes: Int) throws {
    // With many nodes some of what they have is shared by more than a conflict names.
    var events = try RandomEvents(seed: 2026, nodes: nodes)
    var merge = ClusterMerge()
    var naive = NaiveMerge()
    var replica = Replica()
    var copies: [(merge: ClusterMerge, naive: NaiveMerge)] = []
    for round in 0..<10_000 {
      let event = events.event(known: naive.raws)
      naive.apply(event, at: at(Int64(round)))
      replica.apply(try merge.apply(event, at: at(Int64(round))), of: event, at: at(Int64(round)))
      if round % 20 == 0 { expect(merge, equals: naive) }
      if round % 100 == 0 { replica.expectSame(as: merge) }
      if round % 1000 == 0 { copies.append((merge, naive)) }
    }
    expect(merge, equals: naive)
    replica.expectSame(as: merge)
    for copy in copies { expect(copy.merge, equals: copy.naive) }
  }

  @Test("any order of arrival gives the same", arguments: 1...20)
  func anyOrder(seed: UInt64) throws {
    var events = try RandomEvents(seed: seed)
    var truth = NaiveMerge()
    var last: [MergeOperation] = [.policy(events.policy()), .local(events.record().affiliate)]
    for _ in 0..<30 { last.append(.upsert(events.record(), from: events.origin())) }
    if events.number(2) == 0 { last.append(.registryStale("service", true)) }
    // Of what is said twice by one origin of one node only one is kept: their order does matter.
    last.forEach { truth.apply($0, at: at(0)) }
    last.removeAll { if case .upsert = $0 { true } else { false } }
    for (origin, records) in truth.raws {
      if events.number(2) == 0 {
        last.append(.snapshot(Array(records.values), from: origin))
      } else {
        last += records.values.map { .upsert($0, from: origin) }
      }
    }
    for _ in 0..<5 {
      var merge = ClusterMerge()
      // What was before and has gone leaves no trace.
      for origin in truth.raws.keys {
        for _ in 0..<3 { _ = try merge.apply(.upsert(events.record(), from: origin), at: at(0)) }
      }
      for origin in events.shuffled(Array(truth.raws.keys)) {
        _ = try merge.apply(.originGone(origin), at: at(1))
      }
      for event in events.shuffled(last) { _ = try merge.apply(event, at: at(2)) }
      expect(merge, equals: truth)
    }
  }

  private func expect(_ merge: ClusterMerge, equals naive: NaiveMerge) {
    let affiliates = naive.affiliates
    let members = naive.members(affiliates)
    let conflicts = naive.conflicts(affiliates)
    #expect(merge.affiliates().map(\.value) == affiliates.values.sorted { $0.nodeID < $1.nodeID })
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
      let own = conflicts.filter {
        $0.value.nodes.contains(id) || $0.value.nodes.isEmpty && affiliate.has($0.key)
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
      let strongest = fresh.isEmpty ? claims : fresh
      switch field.rule {
      case .local: #expect(affiliate.nodeID == naive.local?.nodeID && field.values == claims.first)
      case .onlyClaim: #expect(claims.map(distinct) == [field.values])
      case .agreement: #expect(claims.count > 1 && claims.allSatisfy { distinct($0) == field.values })
      case .union: #expect(field.field.isList && distinct(claims.flatMap { $0 }) == field.values)
      case .fresh: #expect(fresh != claims && fresh.allSatisfy { $0 == field.values })
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
  fileprivate func has(_ key: ConflictKey) -> Bool {
    switch key {
    case .field: false
    case .address(let address): addresses.contains(address) || kubeSpan?.address == address
    case .nodename(let name): nodename == name
    case .publicKey(let key): kubeSpan?.publicKey == key
    }
  }
}
