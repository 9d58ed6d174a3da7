package import ClusterModel

/// The good nodes of one list, by the raw prefix that they came under, then by node: what is kept from one reading of
/// it to the next. A pure value.
package struct InventoryRecords: Hashable, Sendable {
  /// By origin; the list's own nodes are those of "".
  package private(set) var byOrigin: [String: [NodeIdentity: AffiliateRecord]] = [:]

  /// None.
  package init() {}

  /// The number of nodes.
  package var count: Int { byOrigin.values.reduce(0) { $0 + $1.count } }

  /// The records with which `inventory` follows these: those that didn't change keep when they were confirmed. Where
  /// the list doesn't say which nodes there are, or a mistake hides some, those that aren't in it stay.
  ///
  /// - Parameters:
  ///   - localNodeID: whose identity is left out; a record under a local id isn't known to be of that node.
  ///   - confirmedAt: when whoever made the list confirmed what is new in it.
  package func following(
    _ inventory: Inventory, without localNodeID: NodeIdentity?, confirmedAt: Timestamp?
  ) -> InventoryRecords {
    var records = InventoryRecords()
    for (key, record) in inventory.nodes where record.isLocalID || key.nodeID != localNodeID {
      let known = byOrigin[key.origin]?[key.nodeID]
      var record = record
      // A record that says itself when it was confirmed knows better.
      if record.confirmedAt == nil {
        record.confirmedAt =
          known.flatMap { $0.hasContent(of: record) ? $0.confirmedAt : nil } ?? confirmedAt
      }
      records.byOrigin[key.origin, default: [:]][key.nodeID] = record
    }
    if inventory.hidesNodes || !inventory.listsNodes {
      for (origin, known) in byOrigin {
        records.byOrigin[origin, default: [:]].merge(known) { new, _ in new }
      }
    }
    return records
  }

  /// The same, all fresh or all as the last that is known.
  package func with(isStale: Bool) -> InventoryRecords {
    var records = self
    records.byOrigin = byOrigin.mapValues { nodes in
      nodes.mapValues { record in
        var record = record
        record.isStale = isStale
        return record
      }
    }
    return records
  }
}
