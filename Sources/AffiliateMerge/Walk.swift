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
  /// Lists of which one origin says all share that origin's buffer, as text does.
  func merged(_ id: NodeIdentity) -> MergedNode {
    var node = MergedNode(affiliate: Affiliate(nodeID: id))
    let hostname = scalar { $0.hostname.isEmpty ? nil : $0.hostname }
    let nodename = scalar { $0.nodename.isEmpty ? nil : $0.nodename }
    let machineType = scalar { $0.machineType == .unknown ? nil : $0.machineType }
    let system = scalar(firstWins: true) { $0.operatingSystem.isEmpty ? nil : $0.operatingSystem }
    let controlPlane = scalar { $0.controlPlane }
    node.affiliate.addresses = union { $0.addresses }
    node.affiliate.hostname = hostname.value ?? ""
    node.affiliate.nodename = nodename.value ?? ""
    node.affiliate.machineType = machineType.value ?? .unknown
    node.affiliate.operatingSystem = system.value ?? ""
    node.affiliate.controlPlane = controlPlane.value
    node.isNodenameFresh = nodename.isFresh
    if hostname.isDisputed { node.disagreements.insert(.hostname) }
    if nodename.isDisputed { node.disagreements.insert(.nodename) }
    if machineType.isDisputed { node.disagreements.insert(.machineType) }
    if system.isDisputed { node.disagreements.insert(.operatingSystem) }
    if controlPlane.isDisputed { node.disagreements.insert(.controlPlane) }
    mergeKubeSpan(into: &node)
    return node
  }

  private func mergeKubeSpan(into node: inout MergedNode) {
    guard raws.contains(where: { $0.record.affiliate.kubeSpan != nil }) else { return }
    let key = scalar { $0.kubeSpan.flatMap { $0.publicKey.isEmpty ? nil : $0.publicKey } }
    let address = scalar { $0.kubeSpan?.address }
    if key.isDisputed { node.disagreements.insert(.publicKey) }
    if address.isDisputed { node.disagreements.insert(.kubeSpanAddress) }
    let kubeSpan = KubeSpanAffiliate(
      publicKey: key.value ?? "", address: address.value,
      additionalAddresses: union { $0.kubeSpan?.additionalAddresses ?? [] },
      excludeAdvertisedNetworks: union { $0.kubeSpan?.excludeAdvertisedNetworks ?? [] },
      endpoints: union { $0.kubeSpan?.endpoints ?? [] })
    if kubeSpan != KubeSpanAffiliate() { node.affiliate.kubeSpan = kubeSpan }
  }
}

extension Walk {
  /// What was chosen of a scalar.
  struct Choice<Value> {
    var value: Value?
    var isFresh = false
    /// Whether two origins say different things.
    var isDisputed = false
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
    return items
  }
}
