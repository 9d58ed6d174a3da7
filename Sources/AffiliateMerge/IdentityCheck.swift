import ClusterModel

/// Finds fresh records of one identity that can't be of one machine: they differ in the machine id, or in the nodename
/// and have no address in common. This node's own data are among them.
struct IdentityCheck {
  private let rules: MergeRules
  private let local: LocalNode?

  /// - Parameter local: this node's own data.
  init(_ rules: MergeRules, _ local: LocalNode?) {
    self.rules = rules
    self.local = local
  }

  /// The records among `raws` that differ so from another one of the node `id`, in the order of their texts.
  func differing(_ raws: [RawEntry], _ id: NodeIdentity) -> [RawID] {
    let own = local?.id == id ? local : nil
    let fresh = raws.filter { !$0.record.isLocalID && !rules.isStale($0) }
    // Mostly all say the same.
    guard fresh.count + (own == nil ? 0 : 1) > 1, mayDiffer(fresh, own) else { return [] }
    var records = fresh.map { (id: $0.id, values: rules.columns.values($0.record.affiliate, $0.record)) }
    if let own {
      records.append((RawID(origin: .own, nodeID: own.id), rules.columns.values(own.affiliate, own.record)))
    }
    return records.filter { record in records.contains { differ(record.values, $0.values) } }.map(\.id)
      .sorted { $0.description < $1.description }
  }

  private func mayDiffer(_ fresh: [RawEntry], _ own: LocalNode?) -> Bool {
    let first = own?.affiliate ?? fresh[0].record.affiliate
    let machine = own?.record.machineID ?? fresh[0].record.machineID
    return fresh.indices.contains {
      !fresh[$0].record.affiliate.isEqual(.nodename, to: first) || fresh[$0].record.machineID != machine
    }
  }

  private func differ(_ left: [MatchValue], _ right: [MatchValue]) -> Bool {
    func differ(_ column: MatchColumn) -> Bool {
      let (left, right) = (left.filter { $0.column == column }, right.filter { $0.column == column })
      if left.isEmpty || right.isEmpty { return false }
      return !left.contains { value in right.contains { value.isCompatible(with: $0) } }
    }
    return differ(MatchColumns.machineID) || differ(MatchColumns.nodename) && differ(MatchColumns.address)
  }
}
