import ClusterModel
import DiscoveryProtocol

/// Nodes of which it isn't known whether the service has them.
extension AffiliateBook {
  /// Those of `nodeIDs` that were called gone and may not be, each with the deletion that said so last.
  func deletions(of nodeIDs: Set<NodeIdentity>) -> [NodeIdentity: UInt64] {
    unconfirmed.filter { nodeIDs.contains($0.key) }
  }

  /// Takes what the service has, asked because of the deletions in `asked`. Only their nodes are judged by it, and
  /// of them only those of which nothing was heard since: a later deletion isn't answered by an earlier list.
  mutating func confirm(_ asked: [NodeIdentity: UInt64], with affiliates: [WireAffiliate]) -> [Change] {
    let open = Set(asked.filter { unconfirmed[$0.key] == $0.value }.keys)
    for nodeID in open { unconfirmed[nodeID] = nil }
    var changes: [Change] = []
    var there: Set<NodeIdentity> = []
    for affiliate in affiliates where !affiliate.data.isEmpty {
      guard let nodeID = try? NodeIdentity(affiliate.id), open.contains(nodeID) else { continue }
      there.insert(nodeID)
      if let record = take(affiliate) { changes.append(.upsert(record)) }
    }
    for nodeID in open.subtracting(there).sorted() where entries.removeValue(forKey: nodeID) != nil {
      changes.append(.remove(nodeID))
    }
    return changes
  }

  /// The service, asked because of the deletions in `asked`, didn't answer at `now`. Their nodes may well be alive:
  /// those of which nothing was heard since are held as stale, until it answers or the grace ends.
  mutating func doubt(_ asked: [NodeIdentity: UInt64], at now: Duration) -> [Change] {
    var changes: [Change] = []
    for nodeID in asked.keys.sorted() where unconfirmed[nodeID] != nil {
      guard let entry = entries[nodeID], entry.heldUntil == nil else { continue }
      let held = entry.held(until: now + missingGrace, isDoubted: true)
      entries[nodeID] = held
      changes.append(.upsert(held.record))
    }
    return changes
  }

  /// The service isn't asked any more because of the deletions in `asked`: the grace decides.
  mutating func leaveUnconfirmed(_ asked: [NodeIdentity: UInt64]) {
    for (nodeID, number) in asked where unconfirmed[nodeID] == number { unconfirmed[nodeID] = nil }
  }

  /// When the next held node is dropped.
  var nextDrop: Duration? { entries.values.lazy.compactMap(\.heldUntil).min() }

  /// Drops the nodes whose grace has ended.
  mutating func drop(at now: Duration) -> [Change] {
    let ended = entries.filter { $0.value.heldUntil.map { $0 <= now } ?? false }.keys.sorted()
    for nodeID in ended { entries[nodeID] = nil }
    return ended.map { .remove($0) }
  }
}
