import ClusterModel

/// A node's records in the order in which they are merged: the fresh ones, then the stale ones, and unless the policy
/// names an order those with the node's identity before those that were joined to it.
struct Walk {
  let raws: [RawEntry]
  /// By position, how weak a record is: it gives only what no stronger one sets. Empty where all are alike.
  let tiers: [Int]
  /// Whether of a scalar the last one that is set wins; else the first.
  let lastWins: Bool

  /// What all of them give together for the node `id`.
  ///
  /// Where one of them says just that, or all say the same, it is that record's own affiliate.
  func merged(_ id: NodeIdentity) -> MergedNode {
    if let first = raws.first?.record.affiliate, first.isNormal,
      raws.indices.dropFirst().allSatisfy({ raws[$0].record.affiliate == first })
    {
      return MergedNode(affiliate: first.named(id))
    }
    let fields = FieldMerge(
      affiliates: raws.indices.map { raws[$0].record.affiliate }, tiers: tiers, lastWins: lastWins)
    return fields.merged(id)
  }
}

extension Walk {
  /// What all of them give together as labels, key by key, as of a scalar; nil where there are none.
  ///
  /// - Parameter own: what goes before all of them, and is never disputed: this node knows itself best.
  func labels(own: NodeLabels = NodeLabels()) -> MergedLabels? {
    var chosen: [String: (value: String, tier: Int)] = [:]
    var disputed: Set<String> = []
    for position in raws.indices {
      let labels = raws[position].record.labels
      if labels.isEmpty { continue }
      // Mostly one registry has labels.
      if chosen.isEmpty, own.isEmpty, raws[(position + 1)...].allSatisfy(\.record.labels.isEmpty) {
        return MergedLabels(labels)
      }
      let tier = tiers.isEmpty ? 0 : tiers[position]
      for (key, value) in labels where own[key] == nil {
        guard let held = chosen[key] else {
          chosen[key] = (value, tier)
          continue
        }
        if held.value == value { continue }
        disputed.insert(key)
        if lastWins, held.tier == tier { chosen[key] = (value, tier) }
      }
    }
    if chosen.isEmpty { return own.isEmpty ? nil : MergedLabels(own) }
    var values = chosen.mapValues(\.value)
    for (key, value) in own { values[key] = value }
    return MergedLabels(NodeLabels(merging: values), disputed: disputed)
  }
}

/// A node's labels: never changed, so that a node without any costs one pointer.
final class MergedLabels: Equatable, Sendable {
  let values: NodeLabels
  /// The keys of which origins say different things.
  let disputed: Set<String>

  init(_ values: NodeLabels, disputed: Set<String> = []) {
    self.values = values
    self.disputed = disputed
  }

  static func == (left: MergedLabels, right: MergedLabels) -> Bool {
    left === right || left.values == right.values && left.disputed == right.disputed
  }
}

/// The merge field by field, for a node of which records say different things.
private struct FieldMerge {
  /// What the records say, in the order of the walk.
  let affiliates: [Affiliate]
  let tiers: [Int]
  let lastWins: Bool

  func merged(_ id: NodeIdentity) -> MergedNode {
    var disagreements: FieldSet = []
    /// What was chosen of a scalar; notes where records say different things.
    func settled(_ field: AffiliateField, _ choice: Choice) -> Affiliate? {
      if choice.isDisputed { disagreements.insert(field) }
      return choice.position.map { affiliates[$0] }
    }
    let affiliate = Affiliate(
      nodeID: id,
      of: [
        settled(.hostname, text(.hostname)), settled(.nodename, text(.nodename)),
        settled(.operatingSystem, text(.operatingSystem, firstWins: true)),
        settled(.publicKey, text(.publicKey)),
        union(.addresses, \.addresses) { Affiliate(nodeID: id, addresses: $0) },
        union(.additionalAddresses, \.additionalAddresses) {
          Affiliate(nodeID: id, kubeSpan: KubeSpanAffiliate(additionalAddresses: $0))
        },
        union(.excludeAdvertisedNetworks, \.excludeAdvertisedNetworks) {
          Affiliate(nodeID: id, kubeSpan: KubeSpanAffiliate(excludeAdvertisedNetworks: $0))
        },
        union(.endpoints, \.endpoints) {
          Affiliate(nodeID: id, kubeSpan: KubeSpanAffiliate(endpoints: $0))
        },
      ],
      machineType: settled(.machineType, scalar { $0.machineType == .unknown ? nil : $0.machineType })?
        .machineType ?? .unknown,
      kubeSpanAddress: settled(.kubeSpanAddress, scalar { $0.kubeSpanAddress })?.kubeSpanAddress,
      controlPlane: settled(.controlPlane, scalar { $0.controlPlane })?.controlPlane)
    return MergedNode(
      affiliate: affiliates.first { $0 == affiliate } ?? affiliate, disagreements: disagreements)
  }

  /// Which of the records counts.
  private struct Choice {
    var position: Int?
    /// Whether two records say different things.
    var isDisputed = false
  }

  private func text(_ part: AffiliatePart, firstWins: Bool = false) -> Choice {
    choice(
      firstWins: firstWins, isSet: { !affiliates[$0].isEmpty(part) },
      isSame: { affiliates[$0].isEqual(part, to: affiliates[$1]) })
  }

  private func scalar<Value: Equatable>(_ read: (Affiliate) -> Value?) -> Choice {
    choice(
      firstWins: false, isSet: { read(affiliates[$0]) != nil },
      isSame: { read(affiliates[$0]) == read(affiliates[$1]) })
  }

  /// The choice among the records in which a scalar is set. What a record says never gives way to a weaker one.
  private func choice(firstWins: Bool, isSet: (Int) -> Bool, isSame: (Int, Int) -> Bool) -> Choice {
    var choice = Choice()
    for position in affiliates.indices where isSet(position) {
      guard let held = choice.position else {
        choice.position = position
        continue
      }
      if isSame(held, position) { continue }
      choice.isDisputed = true
      if lastWins, !firstWins, tiers.isEmpty || tiers[position] == tiers[held] { choice.position = position }
    }
    return choice
  }

  /// An affiliate whose list is all items that records have, each once, in order of first appearance: one of the
  /// records where it has them all, else what `make` makes of them; nil where there are none.
  private func union<Item: Hashable>(
    _ part: AffiliatePart, _ read: (Affiliate) -> [Item], _ make: ([Item]) -> Affiliate
  ) -> Affiliate? {
    guard let first = affiliates.first(where: { !$0.isEmpty(part) }) else { return nil }
    let others = affiliates.indices.filter { position in
      !affiliates[position].isEmpty(part) && !affiliates[position].isEqual(part, to: first)
    }
    if others.isEmpty, first.isNormal { return first }
    var items = read(first).items(notIn: [])
    for position in others { items += read(affiliates[position]).items(notIn: items) }
    return make(items)
  }
}

/// What the merge of a node's records gives.
struct MergedNode: Equatable, Sendable {
  var affiliate: Affiliate
  /// The scalars of which origins say different things.
  var disagreements: FieldSet = []
  /// Whether it is a member where it has a nodename: unless only registries know it whose machines aren't members by
  /// themselves.
  var isMember = true
  /// Whether two fresh records of its identity can't be of one machine.
  var isOnTwoMachines = false
  /// Its labels; nil where it has none.
  var labels: MergedLabels?

  /// Whether both are the same to who reads what was merged, and doesn't ask who disagrees.
  func hasContent(of other: MergedNode) -> Bool {
    affiliate == other.affiliate && isMember == other.isMember && labels?.values == other.labels?.values
  }

  /// Whether there is a conflict about this node alone.
  var isDisputed: Bool {
    !disagreements.isEmpty || isOnTwoMachines || labels.map { !$0.disputed.isEmpty } ?? false
  }
}

extension Affiliate {
  /// The same under the name `id`: a record with a local id calls its node by that alone.
  fileprivate func named(_ id: NodeIdentity) -> Affiliate {
    if nodeID == id { return self }
    var affiliate = self
    affiliate.nodeID = id
    return affiliate
  }
}

/// Lists of few items, as a node's are.
extension Array where Element: Hashable {
  /// Up to this many items, looking at each is quicker than hashing.
  private static var fewItems: Int { 16 }

  /// Its items that aren't in `others`, each once, in order.
  func items(notIn others: [Element]) -> [Element] {
    var found: [Element] = []
    if count + others.count <= Self.fewItems {
      for item in self where !others.contains(item) && !found.contains(item) { found.append(item) }
    } else {
      var seen = Set(others)
      for item in self where seen.insert(item).inserted { found.append(item) }
    }
    return found
  }
}
