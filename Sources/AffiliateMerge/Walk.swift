import ClusterModel

/// A node's raw affiliates in the order in which they are merged: the fresh ones, then the stale ones.
struct Walk {
  let raws: [RawEntry]
  /// How many of ``raws``, at their start, are fresh.
  let freshCount: Int
  /// Whether of a scalar the last one that is set wins; else the first.
  let lastWins: Bool

  /// What all of them give together for the node `id`.
  ///
  /// What one origin says alone, or all the same, shares that origin's buffers.
  func merged(_ id: NodeIdentity) -> MergedNode {
    if let first = raws.first, first.affiliate.isMergedAlready,
      raws.dropFirst().allSatisfy({ $0.affiliate == first.affiliate })
    {
      return MergedNode(
        affiliate: first.affiliate,
        isNodenameFresh: freshCount > 0 && !first.affiliate.value.nodename.isEmpty)
    }
    var affiliate = Affiliate(nodeID: id)
    var disagreements: FieldSet = []
    let nodename = scalar { $0.nodename.isEmpty ? nil : $0.nodename }
    affiliate.nodename = nodename.settled(.nodename, &disagreements) ?? ""
    affiliate.hostname =
      scalar { $0.hostname.isEmpty ? nil : $0.hostname }.settled(.hostname, &disagreements) ?? ""
    affiliate.machineType =
      scalar { $0.machineType == .unknown ? nil : $0.machineType }
      .settled(.machineType, &disagreements) ?? .unknown
    affiliate.operatingSystem =
      scalar(firstWins: true) { $0.operatingSystem.isEmpty ? nil : $0.operatingSystem }
      .settled(.operatingSystem, &disagreements) ?? ""
    affiliate.controlPlane = scalar { $0.controlPlane }.settled(.controlPlane, &disagreements)
    affiliate.addresses = union { $0.addresses }
    affiliate.kubeSpan = mergedKubeSpan(&disagreements)
    let agreeing = raws.first { $0.affiliate.value == affiliate }
    return MergedNode(
      affiliate: agreeing?.affiliate ?? SharedAffiliate(affiliate), disagreements: disagreements,
      isNodenameFresh: nodename.isFresh)
  }

  private func mergedKubeSpan(_ disagreements: inout FieldSet) -> KubeSpanAffiliate? {
    guard raws.contains(where: { $0.affiliate.value.kubeSpan != nil }) else { return nil }
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
    /// Whether two origins say different things.
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
      guard let value = read(raw.affiliate.value) else { continue }
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
      let more = read(raw.affiliate.value)
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
      let whole = read(raw.affiliate.value)
      if whole == items { return whole }
    }
    return items.withUnsafeBufferPointer { Array($0) }  // without the room that appending leaves
  }
}
