import ClusterModel

/// The time in which the service isn't heard. Nothing is dropped in it: nobody says that anything is gone.
extension AffiliateBook {
  /// From `now` on the service isn't heard, if it was before.
  mutating func fellSilent(at now: Duration) {
    if hasSynced, unheardSince == nil { unheardSince = now }
  }

  /// When the service's last word gets stale; nil: it is heard, or nothing of it is fresh.
  var nextStale: Duration? {
    guard let unheardSince, entries.values.contains(where: { !$0.record.isStale }) else { return nil }
    return unheardSince + missingGrace
  }

  /// Marks all as stale when the service hasn't been heard for the grace time: the next snapshot makes it fresh again.
  mutating func age(at now: Duration) -> [Change] {
    guard let nextStale, nextStale <= now else { return [] }
    let fresh = entries.filter { !$0.value.record.isStale }.keys.sorted()
    return fresh.compactMap { nodeID in
      entries[nodeID]?.record.isStale = true
      return entries[nodeID].map { .upsert($0.record) }
    }
  }
}
