/// A timing wheel: brings an item up at its tick, at a cost that doesn't grow with the number of items.
///
/// A ring of buckets, one a tick. An item whose time moved on is not taken out: it comes up at its old
/// tick and its owner schedules it again, so that a refresh, by far the most frequent event, costs nothing here.
/// What lies further ahead than the ring comes up early and is scheduled again in the same way.
struct ExpiryWheel<Item> {
  private var buckets: [[(tick: Int64, item: Item)]]
  /// The last tick that was brought up.
  private(set) var tick: Int64

  /// A wheel that has at least `span` ticks and starts after `tick`.
  init(span: Int, tick: Int64) {
    buckets = Array(repeating: [], count: max(2, span))
    self.tick = tick
  }

  /// Has `item` come up at `due`, or at the next tick where that is over; returns the tick chosen.
  mutating func schedule(_ item: Item, at due: Int64) -> Int64 {
    let chosen = min(max(due, tick + 1), tick + Int64(buckets.count) - 1)
    buckets[bucket(chosen)].append((chosen, item))
    return chosen
  }

  /// The next tick, `last` at the latest, that brings something up; nil where nothing comes up by then.
  func next(by last: Int64) -> Int64? {
    let last = min(last, tick + Int64(buckets.count) - 1)
    guard last > tick else { return nil }
    return (tick + 1...last).first { !buckets[bucket($0)].isEmpty }
  }

  /// Moves on to `now` and returns what came up with the tick it was scheduled for, earliest first.
  ///
  /// A clock that went back changes nothing; one that leapt ahead costs one round of the ring.
  mutating func advance(to now: Int64) -> [(tick: Int64, item: Item)] {
    guard now > tick else { return [] }
    var due: [(tick: Int64, item: Item)] = []
    let steps = min(now - tick, Int64(buckets.count))
    for step in 1...steps {
      let index = bucket(tick + step)
      guard !buckets[index].isEmpty else { continue }
      due.append(contentsOf: buckets[index])
      buckets[index] = []
    }
    tick = now
    return due
  }

  private func bucket(_ tick: Int64) -> Int {
    let size = Int64(buckets.count)
    let remainder = tick % size
    return Int(remainder < 0 ? remainder + size : remainder)
  }
}
