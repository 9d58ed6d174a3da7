import ClusterModel

/// What of a record is compared, by a policy: which fields, and which addresses tell nothing.
struct MatchColumns: Sendable {
  static let machineID: MatchColumn = 0
  static let nodename: MatchColumn = 1
  static let publicKey: MatchColumn = 2
  static let hostname: MatchColumn = 3
  static let address: MatchColumn = 4
  private static let firstLabel: MatchColumn = 5

  /// The keys of labels that any registry asks for; their columns follow the fixed ones.
  private let labels: [String]
  /// By column, whether any registry asks for it.
  private let asked: [Bool]
  /// By column, whether any registry asks for its names' first labels.
  private let short: [Bool]
  /// Whether there is any such column.
  let hasShort: Bool
  private let ignored: IgnoredAddresses

  init(_ policy: MergePolicy) {
    let fields = Set(policy.matching.values.flatMap { $0.keys.map(\.field) })
    labels = fields.compactMap { if case .label(let key) = $0 { key } else { nil } }.sorted()
    asked =
      [.machineID, .nodename, .publicKey, .hostname, .address].map(fields.contains)
      + labels.map { _ in true }
    let keys = Set(policy.matching.values.flatMap(\.keys))
    short = [.machineID, .nodename, .publicKey, .hostname].map { (field: MatchField) in
      keys.contains { $0.field == field && $0.isShort }
    }
    hasShort = short.contains(true)
    ignored = policy.ignoredAddresses
  }

  /// Whether records are matched by it.
  func isAsked(_ column: MatchColumn) -> Bool { asked[Int(column)] }

  func column(_ field: MatchField) -> MatchColumn {
    switch field {
    case .machineID: Self.machineID
    case .nodename: Self.nodename
    case .publicKey: Self.publicKey
    case .hostname: Self.hostname
    case .address: Self.address
    case .label(let key): Self.firstLabel + MatchColumn(labels.firstIndex(of: key) ?? 0)
    }
  }

  /// Whether any registry matches by the first labels of the names in it.
  func isShort(_ column: MatchColumn) -> Bool { hasShort && Int(column) < short.count && short[Int(column)] }

  /// The keys of a match list with their columns.
  func keys(_ keys: [MatchKey]) -> [CompiledKey] {
    keys.map { CompiledKey(field: $0.field, column: column($0.field), isShort: $0.isShort) }
  }

  /// What the affiliate and the record around it, where there is one, say, by column; of a record with a local id
  /// addresses are in the order of their texts.
  func values(_ affiliate: Affiliate, _ record: AffiliateRecord?) -> [MatchValue] {
    var values: [MatchValue] = []
    values.reserveCapacity(8)
    func add(_ column: MatchColumn, _ text: String?) {
      if let text { values.append(MatchValue(column, text)) }
    }
    if let record { add(Self.machineID, MatchText.machineID(record.machineID)) }
    let nodename = affiliate.isEmpty(.nodename) ? nil : MatchName.normalized(affiliate.nodename)
    add(Self.nodename, nodename)
    if asked[Int(Self.publicKey)], !affiliate.isEmpty(.publicKey) {
      add(Self.publicKey, MatchText.publicKey(affiliate.publicKey))
    }
    if asked[Int(Self.hostname)] {
      let hostname = affiliate.isEmpty(.hostname) ? nil : MatchName.normalized(affiliate.hostname)
      add(Self.hostname, hostname ?? nodename)
    }
    let start = values.count
    for address in affiliate.addresses { note(address, &values, after: start) }
    if let address = affiliate.kubeSpanAddress { note(address, &values, after: start) }
    if record?.isLocalID == true, values.count > start + 1 { values[start...].sort { $0.text < $1.text } }
    if let record, !labels.isEmpty, !record.labels.isEmpty {
      for (index, key) in labels.enumerated() {
        if let value = record.labels[key], !value.isEmpty {
          add(Self.firstLabel + MatchColumn(index), value)
        }
      }
    }
    return values
  }

  private func note(_ address: IPAddress, _ values: inout [MatchValue], after start: Int) {
    guard let address = normalized(address) else { return }
    let value = MatchValue(Self.address, address)
    if !values[start...].contains(value) { values.append(value) }
  }

  /// The address in the form in which it is compared; nil where it tells nothing.
  private func normalized(_ address: IPAddress) -> IPAddress? {
    let address = address.unmapped
    if address.isLoopback || address.isLinkLocal || address.isMulticast || address.isUnspecified {
      return nil
    }
    if address.family == .v4, address.bits.low >> 24 == 0 || address.bits.low == 0xFFFF_FFFF { return nil }
    if ignored.defaultBridges, address.isContainerBridge { return nil }
    return ignored.networks.contains { $0.contains(address) } ? nil : address
  }
}

extension IPAddress {
  /// `a.b.c.d` of `::ffff:a.b.c.d`; any other address as it is.
  fileprivate var unmapped: IPAddress {
    guard family == .v6, bits.high == 0, bits.low >> 32 == 0xFFFF else { return self }
    return IPAddress(v4: UInt32(truncatingIfNeeded: bits.low))
  }
}
