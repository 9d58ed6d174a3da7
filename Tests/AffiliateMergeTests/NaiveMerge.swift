import AffiliateMerge
import ClusterModel

/// The merge written down once more, as plainly as can be: everything is found anew at each question.
struct NaiveMerge {
  var raws: [RecordOrigin: [NodeIdentity: AffiliateRecord]] = [:]
  /// What this node says of itself.
  var own: AffiliateRecord?
  var local: Affiliate? { own?.affiliate }
  var stale: Set<String> = []
  var staleOrigins: Set<RecordOrigin> = []
  var policy = MergePolicy()
  /// The origins that had a snapshot.
  var synced: Set<RecordOrigin> = []
  /// When identities came; nil: nobody knows.
  var heard: [NodeIdentity: Timestamp?] = [:]

  /// Of which nodes records with local ids are, as ``matched()`` found it.
  private(set) var matching: NaiveMatching?

  /// The node that a record with a local id founds where it stands alone.
  static func ownNode(_ id: NodeIdentity, of origin: RecordOrigin) -> NodeIdentity {
    NodeIdentity(localID: id, rawPrefix: origin.rawPrefix)
  }

  /// The node that a record is of.
  func node(_ record: AffiliateRecord, of origin: RecordOrigin) -> NodeIdentity {
    let id = record.affiliate.nodeID
    guard record.isLocalID else { return id }
    return matching?.node[.init(origin: origin, id: id)] ?? Self.ownNode(id, of: origin)
  }

  /// The same with records without identities joined to nodes.
  func matched() -> NaiveMerge {
    var merge = self
    merge.matching = NaiveMatching(self)
    return merge
  }

  func isStale(_ record: AffiliateRecord, of origin: RecordOrigin) -> Bool {
    record.isStale || stale.contains(origin.registry) || staleOrigins.contains(origin)
  }

  /// All that is said, this node's own data among it.
  var words: [NaiveMatching.Word] {
    var words = raws.flatMap { origin, records in
      records.values.map { record in
        NaiveMatching.Word(
          origin: origin, id: record.affiliate.nodeID, isLocal: record.isLocalID,
          isStale: isStale(record, of: origin), created: record.createdAt,
          says: NaiveText.values(record.affiliate, record, policy))
      }
    }
    if let local {
      words.append(
        NaiveMatching.Word(
          id: local.nodeID, isLocal: false, isStale: false, says: NaiveText.values(local, own, policy)))
    }
    return words
  }

  mutating func apply(_ event: MergeOperation, at now: Timestamp) {
    let before = synced
    take(event)
    let identities = Set(raws.values.flatMap { $0.values.filter { !$0.isLocalID }.map(\.affiliate.nodeID) })
      .union(local.map { [$0.nodeID] } ?? [])
    for id in identities where heard[id] == nil {
      switch event {
      case .snapshot(_, let origin, _), .upsert(_, let origin):
        heard.updateValue(before.contains(origin) ? now : nil, forKey: id)
      default: heard.updateValue(now, forKey: id)
      }
    }
    heard = heard.filter { identities.contains($0.key) }
  }

  private mutating func take(_ event: MergeOperation) {
    switch event {
    case .snapshot(let records, let origin, _):
      synced.insert(origin)
      raws[origin] = [:]
      for record in records { raws[origin]?[record.affiliate.nodeID] = record }
    case .upsert(let record, let origin): raws[origin, default: [:]][record.affiliate.nodeID] = record
    case .remove(let id, let origin, _): raws[origin]?[id] = nil
    case .originGone(let origin):
      staleOrigins.remove(origin)
      synced.remove(origin)
      raws[origin] = nil
    case .registryGone(let registry):
      stale.remove(registry)
      staleOrigins = staleOrigins.filter { $0.registry != registry }
      synced = synced.filter { $0.registry != registry }
      for origin in raws.keys where origin.registry == registry { raws[origin] = nil }
    case .registryStale(let registry, true): stale.insert(registry)
    case .registryStale(let registry, false): stale.remove(registry)
    case .originStale(let origin, true): staleOrigins.insert(origin)
    case .originStale(let origin, false): staleOrigins.remove(origin)
    case .local(let record): own = record
    case .policy(let new): policy = new
    }
  }

  /// A claim without its age.
  struct Claim: Hashable {
    var origin: RecordOrigin?
    var localID: NodeIdentity?
    var values: [String]
    var isChosen: Bool
    var isStale: Bool
  }

  struct Said {
    var origin: RecordOrigin
    var record: AffiliateRecord
    var isStale: Bool
  }

  var ids: Set<NodeIdentity> {
    Set(raws.flatMap { origin, records in records.values.map { node($0, of: origin) } })
      .union(local.map { [$0.nodeID] } ?? [])
  }

  /// Who speaks of a node, fresh ones first, in the order of the policy.
  func walk(_ id: NodeIdentity) -> [Said] {
    let said = raws.flatMap { origin, records in
      records.values.filter { node($0, of: origin) == id }.map {
        Said(origin: origin, record: $0, isStale: isStale($0, of: origin))
      }
    }
    return said.sorted { left, right in
      if tier(left) != tier(right) { return tier(left) < tier(right) }
      let leftRank = policy.precedence.firstIndex(of: left.origin.registry) ?? policy.precedence.count
      let rightRank = policy.precedence.firstIndex(of: right.origin.registry) ?? policy.precedence.count
      if leftRank != rightRank { return leftRank < rightRank }
      return "\(left.origin.rawPrefix)/\(left.record.affiliate.nodeID)"
        < "\(right.origin.rawPrefix)/\(right.record.affiliate.nodeID)"
    }
  }

  /// How weak what is said is: it gives only what nothing stronger sets.
  private func tier(_ said: Said) -> Int {
    (said.isStale ? 2 : 0) + (policy.precedence.isEmpty && said.record.isLocalID ? 1 : 0)
  }

  /// Whether a node is a member where it has a nodename.
  func isMember(_ id: NodeIdentity) -> Bool {
    if id == local?.nodeID { return true }
    let walk = walk(id)
    return walk.contains { !$0.record.isLocalID }
      || walk.contains { policy.matching[$0.origin.registry]?.alone != .affiliate }
  }

  func affiliate(_ id: NodeIdentity) -> Affiliate? {
    if let local, local.nodeID == id { return local }
    let walk = walk(id)
    if walk.isEmpty { return nil }
    func scalar<Value>(first: Bool = false, _ read: (Affiliate) -> Value?) -> Value? {
      for tier in 0..<4 {
        let set = walk.filter { self.tier($0) == tier }.compactMap { read($0.record.affiliate) }
        if !set.isEmpty { return first || !policy.precedence.isEmpty ? set.first : set.last }
      }
      return nil
    }
    func union<Item: Equatable>(_ read: (Affiliate) -> [Item]?) -> [Item] {
      var items: [Item] = []
      for item in walk.flatMap({ read($0.record.affiliate) ?? [] }) where !items.contains(item) {
        items.append(item)
      }
      return items
    }
    let kubeSpan = KubeSpanAffiliate(
      publicKey: scalar { $0.values(.publicKey).first } ?? "", address: scalar { $0.kubeSpan?.address },
      additionalAddresses: union { $0.kubeSpan?.additionalAddresses },
      excludeAdvertisedNetworks: union { $0.kubeSpan?.excludeAdvertisedNetworks },
      endpoints: union { $0.kubeSpan?.endpoints })
    let hostname = scalar { $0.values(.hostname).first } ?? ""
    let isListed = isMember(id) && walk.allSatisfy(\.record.isLocalID)
    return Affiliate(
      nodeID: id, addresses: union { $0.addresses }, hostname: hostname,
      nodename: scalar { $0.values(.nodename).first } ?? (isListed ? hostname : ""),
      operatingSystem: scalar(first: true) { $0.values(.operatingSystem).first } ?? "",
      machineType: scalar { $0.machineType == .unknown ? nil : $0.machineType } ?? .unknown,
      kubeSpan: kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan,
      controlPlane: scalar { $0.controlPlane })
  }

  /// The node's labels: of each key as of a scalar, of this node its own and then those of what was joined to it.
  func labels(_ id: NodeIdentity) -> [String: String] {
    let isOwn = local?.nodeID == id
    let walk = walk(id).filter { !isOwn || $0.record.isLocalID }
    var labels: [String: String] = [:]
    for tier in (0..<4).reversed() {
      let same = walk.filter { self.tier($0) == tier }
      for said in policy.precedence.isEmpty ? same : same.reversed() {
        for (key, value) in said.record.labels { labels[key] = value }
      }
    }
    for (key, value) in isOwn ? own?.labels ?? NodeLabels() : NodeLabels() { labels[key] = value }
    return labels
  }

  /// What is said of the label `key` of a node.
  func claims(_ key: String, of id: NodeIdentity) -> [Claim] {
    let merged = labels(id)[key]
    var claims: [Claim] = []
    let isOwn = local?.nodeID == id
    if isOwn, let value = own?.labels[key] {
      claims.append(Claim(origin: nil, values: [value], isChosen: value == merged, isStale: false))
    }
    for said in walk(id) {
      guard let value = said.record.labels[key] else { continue }
      claims.append(
        Claim(
          origin: said.origin, localID: said.record.isLocalID ? said.record.affiliate.nodeID : nil,
          values: [value], isChosen: value == merged && (!isOwn || said.record.isLocalID),
          isStale: said.isStale))
    }
    return claims
  }

  /// The keys of the node's labels of which different things are said, but for what this node says of itself.
  private func disputedLabels(_ id: NodeIdentity) -> [String] {
    let isOwn = local?.nodeID == id
    return labels(id).keys.filter { key in
      if isOwn, own?.labels[key] != nil { return false }
      let said = claims(key, of: id).filter { !isOwn || $0.localID != nil }
      return Set(said.map(\.values)).count > 1
    }
  }

  var affiliates: [NodeIdentity: Affiliate] {
    Dictionary(uniqueKeysWithValues: ids.compactMap { id in affiliate(id).map { (id, $0) } })
  }

  /// What decides whose a nodename is, best first in the order of ``NameRule``; the lower the better.
  private func rank(_ affiliate: Affiliate) -> [Int64] {
    let id = affiliate.nodeID
    let says = walk(id).filter { $0.record.affiliate.nodename == affiliate.nodename }
    func strength(_ said: Said) -> Int64 { (said.isStale ? 2 : 0) + (said.record.isLocalID ? 1 : 0) }
    let best = says.map(strength).min() ?? 3
    let strongest = says.filter { strength($0) == best }.map(\.record)
    let unready = strongest.filter { if case .notReady = $0.health { true } else { false } }
    let health: Int64 =
      strongest.contains { $0.health == .ready }
      ? 0 : !strongest.isEmpty && unready.count == strongest.count ? 2 : 1
    let created = strongest.compactMap(\.createdAt).max()
    return [
      id == local?.nodeID ? 0 : 1, best, heard[id].flatMap { $0 }.map { -$0.milliseconds } ?? .max, health,
      created.map { -$0.milliseconds } ?? .max, id.isLocal ? 1 : 0,
    ]
  }

  /// The nodes of each nodename, the member first.
  func named(_ affiliates: [NodeIdentity: Affiliate]) -> [String: [Affiliate]] {
    Dictionary(
      grouping: affiliates.values.filter { !$0.nodename.isEmpty && isMember($0.nodeID) }, by: \.nodename
    ).mapValues {
      nodes in
      nodes.sorted { left, right in
        let ranks = (rank(left), rank(right))
        return ranks.0 == ranks.1
          ? left.nodeID < right.nodeID : ranks.0.lexicographicallyPrecedes(ranks.1)
      }
    }
  }

  func members(_ affiliates: [NodeIdentity: Affiliate]) -> [String: Member] {
    named(affiliates).compactMapValues { $0.first.flatMap { Member($0) } }
  }

  func claims(_ field: AffiliateField, _ merged: Affiliate) -> [Claim] {
    var claims: [Claim] = []
    if let local, local.nodeID == merged.nodeID {
      claims.append(Claim(origin: nil, values: local.values(field), isChosen: true, isStale: false))
    }
    for said in walk(merged.nodeID) {
      let values = said.record.affiliate.values(field)
      let isChosen = values.contains { merged.values(field).contains($0) }
      claims.append(
        Claim(
          origin: said.origin, localID: said.record.isLocalID ? said.record.affiliate.nodeID : nil,
          values: values, isChosen: isChosen, isStale: said.isStale))
    }
    return claims.filter { !$0.values.isEmpty }
  }

  struct NaiveConflict: Hashable {
    var nodes: [NodeIdentity]
    var claims: [Claim] = []
    var owner: NodeIdentity?
    var rule: NameRule?
    var records: [RawID] = []
    var notes: Set<MatchNote> = []
  }

  /// The fresh records of an identity that can't be of one machine, this node's own data among them.
  func clones(_ id: NodeIdentity) -> [RawID] {
    let fresh = words.filter { !$0.isLocal && !$0.isStale && $0.id == id }
    func differ(_ left: NaiveMatching.Word, _ right: NaiveMatching.Word, _ field: MatchField) -> Bool {
      guard let left = left.says[field], let right = right.says[field] else { return false }
      return !left.contains { value in right.contains { NaiveText.areCompatible(field, value, $0) } }
    }
    return fresh.filter { word in
      fresh.contains {
        differ(word, $0, .machineID) || differ(word, $0, .nodename) && differ(word, $0, .address)
      }
    }.map { RawID(origin: $0.origin ?? RecordOrigin(registry: "", prefix: "local"), nodeID: id) }.sorted {
      $0.description < $1.description
    }
  }

  func conflicts(_ affiliates: [NodeIdentity: Affiliate]) -> [ConflictKey: NaiveConflict] {
    var holders: [ConflictKey: Set<NodeIdentity>] = [:]
    var conflicts: [ConflictKey: NaiveConflict] = [:]
    for (id, affiliate) in affiliates {
      let addresses = affiliate.addresses + [affiliate.kubeSpan?.address].compactMap { $0 }
      for address in addresses where !address.isLoopback && !address.isLinkLocal {
        holders[.address(address), default: []].insert(id)
      }
      let clones = clones(id)
      if !clones.isEmpty { conflicts[.identity(id)] = NaiveConflict(nodes: [id], records: clones) }
      for label in disputedLabels(id) {
        conflicts[.label(label, of: id)] = NaiveConflict(nodes: [id], claims: claims(label, of: id))
      }
      for name in isMember(id) ? affiliate.values(.nodename) : [] {
        holders[.nodename(name), default: []].insert(id)
      }
      for key in affiliate.values(.publicKey) { holders[.publicKey(key), default: []].insert(id) }
      for field in AffiliateField.allCases where !field.isList && id != local?.nodeID {
        let claims = claims(field, affiliate)
        if Set(claims.map(\.values)).count > 1 {
          conflicts[.field(field, of: id)] = NaiveConflict(nodes: [id], claims: claims)
        }
      }
    }
    for (key, notes) in matching?.conflicts ?? [:] {
      let nodes = Set(notes.flatMap(\.candidates)).sorted().prefix(8)
      conflicts[.match(RawID(origin: key.origin, nodeID: key.id))] = NaiveConflict(
        nodes: Array(nodes), notes: notes)
    }
    for (key, ids) in holders where ids.count > 1 {
      conflicts[key] = NaiveConflict(nodes: isShared(key, ids.count) ? [] : ids.sorted())
    }
    for (name, nodes) in named(affiliates) where nodes.count > 1 {
      conflicts[.nodename(name)]?.owner = nodes[0].nodeID
      guard !isShared(.nodename(name), nodes.count) else { continue }
      let ranks = (rank(nodes[0]), rank(nodes[1]))
      let index = ranks.0.indices.first { ranks.0[$0] != ranks.1[$0] } ?? ranks.0.count
      conflicts[.nodename(name)]?.rule = NameRule.allCases.filter { $0 != .state }[index]
    }
    return conflicts
  }

  private func isShared(_ key: ConflictKey, _ count: Int) -> Bool {
    if case .address(let address) = key,
      address.isContainerBridge || policy.ignoredAddresses.networks.contains(where: { $0.contains(address) })
    {
      return true
    }
    return count > 8
  }
}

extension NaiveMerge.Claim {
  init(_ claim: FieldClaim) {
    self.init(
      origin: claim.origin, localID: claim.localID, values: claim.values, isChosen: claim.isChosen,
      isStale: claim.isStale)
  }
}

extension NaiveMerge.NaiveConflict {
  init(_ conflict: Conflict) {
    self.init(
      nodes: conflict.nodes, claims: conflict.claims.map(NaiveMerge.Claim.init), owner: conflict.owner,
      rule: conflict.rule, records: conflict.records, notes: Set(conflict.notes))
  }
}
