/// The newest changes of a table, each with the revision that it made: bounded, and the same for all readers.
struct ChangeJournal: Sendable {
  private struct Entry: Sendable {
    let revision: UInt64
    let events: [ClusterEvent]
    let weight: Int
  }

  private let limit: Int
  private var entries: [Entry] = []
  /// The index of the first entry that is kept.
  private var first = 0
  private var weight = 0
  /// The revision after which every change is here.
  private var floor: UInt64 = 0

  /// A journal of at most `limit` changes.
  init(limit: Int) { self.limit = limit }

  /// Notes what led to `revision`, and forgets the oldest where that is too much.
  mutating func append(_ events: [ClusterEvent], revision: UInt64) {
    // A revision without an event needs no entry, and would be one that weighs nothing.
    guard !events.isEmpty else { return }
    let weight = events.reduce(0) { $0 + Self.weight(of: $1) }
    guard weight <= limit else {
      entries = []
      first = 0
      self.weight = 0
      floor = revision
      return
    }
    entries.append(Entry(revision: revision, events: events, weight: weight))
    self.weight += weight
    while self.weight > limit {
      self.weight -= entries[first].weight
      floor = entries[first].revision
      first += 1
    }
    if first >= 64, first * 2 >= entries.count {
      entries.removeFirst(first)
      first = 0
    }
  }

  /// What happened after `revision`, in order; nil where that isn't all here any more.
  func events(since revision: UInt64) -> [ClusterEvent]? {
    guard revision >= floor else { return nil }
    // From the end: readers mostly miss little.
    var start = entries.endIndex
    while start > first, entries[start - 1].revision > revision { start -= 1 }
    return entries[start...].flatMap(\.events)
  }

  private static func weight(of event: ClusterEvent) -> Int {
    switch event {
    case .changes(let changes): changes.count
    case .life(let changes): changes.statuses.count + changes.tombstones.count
    case .history(let entries): entries.count
    case .snapshot, .registry, .registryRemoved: 1
    }
  }
}
