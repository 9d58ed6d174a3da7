/// The tombstones in the order in which they end, of nodes that left and of missing ones apart, so that those that
/// are too many are found at once.
struct GraveIndex: Sendable {
  private var left = TimerHeap<TombstoneKey>()
  private var missing = TimerHeap<TombstoneKey>()

  mutating func insert(_ tombstone: Tombstone) {
    let key = TombstoneKey(node: tombstone.node, name: tombstone.name)
    if tombstone.state == .missing {
      missing.set(key, to: tombstone.until.elapsed)
    } else {
      left.set(key, to: tombstone.until.elapsed)
    }
  }

  mutating func remove(_ tombstone: Tombstone) {
    let key = TombstoneKey(node: tombstone.node, name: tombstone.name)
    if tombstone.state == .missing { missing.set(key, to: nil) } else { left.set(key, to: nil) }
  }

  /// Takes out what is beyond `count`: the oldest of nodes that left, then the oldest missing ones.
  mutating func evict(beyond count: Int) -> [TombstoneKey] {
    var evicted: [TombstoneKey] = []
    while left.count + missing.count > count {
      if let key = left.first?.key {
        left.removeFirst()
        evicted.append(key)
      } else if let key = missing.first?.key {
        missing.removeFirst()
        evicted.append(key)
      }
    }
    return evicted
  }
}
