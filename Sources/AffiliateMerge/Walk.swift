import ClusterModel

/// A node's records in the order in which they are merged: the fresh ones, then the stale ones.
struct Walk {
  let raws: [RawEntry]
  /// How many of ``raws``, at their start, are fresh.
  let freshCount: Int
  /// Whether of a scalar the last one that is set wins; else the first.
  let lastWins: Bool

  /// What all of them give together for the node `id`.
  ///
  /// Where one of them says just that, or all say the same, it is that record's own affiliate.
  func merged(_ id: NodeIdentity) -> MergedNode {
    if let first = raws.first?.record.affiliate, first.isMergedAlready,
      raws.dropFirst().allSatisfy({ $0.record.affiliate == first })
    {
      return MergedNode(
        affiliate: first.named(id), isNodenameFresh: freshCount > 0 && !first.nodename.isEmpty)
    }
    var disagreements: FieldSet = []
    let nodename = scalar { $0.nodename.isEmpty ? nil : $0.nodename }
    let affiliate = Affiliate(
      nodeID: id, addresses: union { $0.addresses },
      hostname: scalar { $0.hostname.isEmpty ? nil : $0.hostname }.settled(.hostname, &disagreements) ?? "",
      nodename: nodename.settled(.nodename, &disagreements) ?? "",
      operatingSystem: scalar(firstWins: true) { $0.operatingSystem.isEmpty ? nil : $0.operatingSystem }
        .settled(.operatingSystem, &disagreements) ?? "",
      machineType: scalar { $0.machineType == .unknown ? nil : $0.machineType }
        .settled(.machineType, &disagreements) ?? .unknown,
      kubeSpan: mergedKubeSpan(&disagreements),
      controlPlane: scalar { $0.controlPlane }.settled(.controlPlane, &disagreements))
    let agreeing = raws.first { $0.record.affiliate == affiliate }
    return MergedNode(
      affiliate: agreeing?.record.affiliate ?? affiliate, disagreements: disagreements,
      isNodenameFresh: nodename.isFresh)
  }

  private func mergedKubeSpan(_ disagreements: inout FieldSet) -> KubeSpanAffiliate? {
    guard raws.contains(where: { $0.record.affiliate.kubeSpan != nil }) else { return nil }
    let key = scalar { $0.kubeSpan.flatMap { $0.publicKey.isEmpty ? nil : $0.publicKey } }
    let kubeSpan = KubeSpanAffiliate(
      publicKey: key.settled(.publicKey, &disagreements) ?? "",
      address: scalar { $0.kubeSpan?.address }.settled(.kubeSpanAddress, &disagreements),
      additionalAddresses: union { $0.kubeSpan?.additionalAddresses ?? [] },
      excludeAdvertisedNetworks: union { $0.kubeSpan?.excludeAdvertisedNetworks ?? [] },
      endpoints: union { $0.kubeSpan?.endpoints ?? [] })
    return kubeSpan.isEmpty ? nil : kubeSpan
  }
}

extension Walk {
  /// What was chosen of a scalar.
  struct Choice<Value> {
    var value: Value?
    var isFresh = false
    /// Whether two records say different things.
    var isDisputed = false

    /// The value; notes the dispute over `field`, where there is one.
    func settled(_ field: AffiliateField, _ disagreements: inout FieldSet) -> Value? {
      if isDisputed { disagreements.insert(field) }
      return value
    }
  }

  /// The choice among what `read` finds set. What a fresh record says never gives way to a stale one.
  private func scalar<Value: Equatable>(
    firstWins: Bool = false, _ read: (Affiliate) -> Value?
  ) -> Choice<Value> {
    var choice = Choice<Value>()
    for (position, raw) in raws.enumerated() {
      guard let value = read(raw.record.affiliate) else { continue }
      let isFresh = position < freshCount
      if let held = choice.value {
        guard held != value else { continue }
        choice.isDisputed = true
        guard lastWins, !firstWins, isFresh == choice.isFresh else { continue }
      }
      choice.value = value
      choice.isFresh = isFresh
    }
    return choice
  }

  /// All items that `read` finds, each once, in order of first appearance.
  private func union<Item: Hashable>(_ read: (Affiliate) -> [Item]) -> [Item] {
    var items: [Item] = []
    var isOwn = false
    for raw in raws {
      let more = read(raw.record.affiliate)
      if more.isEmpty || more == items { continue }
      if items.isEmpty, more.isDistinct {
        items = more
        continue
      }
      let missing = more.items(notIn: items)
      if missing.isEmpty { continue }
      items += missing
      isOwn = true
    }
    guard isOwn else { return items }
    for raw in raws {
      let whole = read(raw.record.affiliate)
      if whole == items { return whole }
    }
    return items.withUnsafeBufferPointer { Array($0) }  // without the room that appending leaves
  }
}

/// What the merge of a node's records gives.
struct MergedNode: Equatable, Sendable {
  var affiliate: Affiliate
  /// The scalars of which origins say different things.
  var disagreements: FieldSet = []
  /// Whether a fresh record, or the node itself, says the nodename.
  var isNodenameFresh = true
}

extension Affiliate {
  /// The same under the name `id`: a record with a local id calls its node by that alone.
  fileprivate func named(_ id: NodeIdentity) -> Affiliate {
    if nodeID == id { return self }
    var affiliate = self
    affiliate.nodeID = id
    return affiliate
  }

  /// Whether the merge of it alone is the same: each list item once, and no KubeSpan without content.
  fileprivate var isMergedAlready: Bool {
    guard addresses.isDistinct else { return false }
    guard let kubeSpan else { return true }
    return !kubeSpan.isEmpty && kubeSpan.endpoints.isDistinct && kubeSpan.additionalAddresses.isDistinct
      && kubeSpan.excludeAdvertisedNetworks.isDistinct
  }
}

extension KubeSpanAffiliate {
  fileprivate var isEmpty: Bool {
    publicKey.isEmpty && address == nil && additionalAddresses.isEmpty && excludeAdvertisedNetworks.isEmpty
      && endpoints.isEmpty
  }
}

/// Lists of few items, as a node's are.
extension Array where Element: Hashable {
  /// Up to this many items, looking at each is quicker than hashing.
  private static var fewItems: Int { 16 }

  /// Whether no item is in it twice.
  var isDistinct: Bool {
    guard count <= Self.fewItems else { return Set(self).count == count }
    for index in indices.dropFirst() where self[..<index].contains(self[index]) { return false }
    return true
  }

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
