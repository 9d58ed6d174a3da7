public import ClusterModel
public import Lifecycle
import Synchronization

/// What is remembered of what is over.
public struct HistoryRetention: Hashable, Sendable {
  /// How long entries of ``ClusterHistory`` are kept.
  public var keep: Duration
  /// The most entries that are kept; the oldest go first.
  public var maximumCount: Int
  /// How long tombstones are kept, and how many.
  public var tombstones: TombstoneRetention

  /// A day and 10,000 entries, where nothing else is given.
  public init(
    keep: Duration = .seconds(86_400), maximumCount: Int = 10_000,
    tombstones: TombstoneRetention = TombstoneRetention()
  ) {
    self.keep = keep
    self.maximumCount = max(1, maximumCount)
    self.tombstones = tombstones
  }
}

/// What happened lately to members, registries and conflicts, oldest first. Bounded, and read at any time.
public final class ClusterHistory: Sendable {
  fileprivate struct State {
    var entries: [HistoryEntry] = []
    /// The index of the first entry that is kept.
    var first = 0
    var next: UInt64 = 1
    /// From when on everything is here.
    var since: Timestamp
    /// Where the entry is to which what a flapping node does is counted, by its number.
    var flapping: [NodeIdentity: UInt64] = [:]
  }

  private let retention: HistoryRetention
  private let state: Mutex<State>

  init(_ retention: HistoryRetention, since: Timestamp) {
    self.retention = retention
    state = Mutex(State(since: since))
  }

  /// Everything that is kept.
  public var entries: [HistoryEntry] { state.withLock { Array($0.entries[$0.first...]) } }

  /// From when on everything that happened is here.
  public var since: Timestamp { state.withLock { $0.since } }

  /// What happened after the entry of that number, for who reads one after the other.
  public func entries(after number: UInt64) -> [HistoryEntry] {
    state.withLock { state in Array(state.entries[state.index(after: number)...]) }
  }

  /// The number of the newest entry; 0 where there never was one.
  public var newestNumber: UInt64 { state.withLock { $0.next - 1 } }

  /// What happened at `time` or later.
  public func entries(since time: Timestamp) -> [HistoryEntry] {
    // Times needn't be in order where the clock stepped.
    entries.filter { $0.time >= time }
  }

  /// Notes what happened.
  ///
  /// - Returns: the entries as they are kept: with their numbers, and what a flapping node does counted in one.
  @discardableResult
  func append(_ new: [HistoryEntry]) -> [HistoryEntry] {
    guard let now = new.last?.time else { return [] }
    return state.withLock { state in
      let kept = new.map { state.take($0) }
      state.forget(beyond: retention, now: now)
      return kept
    }
  }

  /// What was kept before a restart comes before everything.
  func restore(_ old: [HistoryEntry], since: Timestamp?) {
    guard let last = old.last else { return }
    state.withLock { state in
      let current = state.entries[state.first...]
      state.next = max(state.next, last.number + 1)
      state.entries = old
      state.first = 0
      for entry in current { _ = state.take(entry) }
      state.since = min(state.since, since ?? old[0].time)
      state.forget(beyond: retention, now: state.entries.last?.time ?? last.time)
    }
  }
}

extension ClusterHistory.State {
  fileprivate mutating func take(_ entry: HistoryEntry) -> HistoryEntry {
    if let node = entry.nodeID, entry.kind == .member {
      if entry.isFlapping, let number = flapping[node], let index = index(of: number) {
        entries[index].count += 1
        entries[index].to = entry.to
        entries[index].reason = entry.reason
        entries[index].message = entry.message
        entries[index].revision = entry.revision
        return entries[index]
      }
      flapping[node] = entry.isFlapping ? next : nil
    }
    var entry = entry
    entry.number = next
    next += 1
    entries.append(entry)
    return entry
  }

  private func index(of number: UInt64) -> Int? {
    let index = index(after: number - 1)
    return index < entries.count && entries[index].number == number ? index : nil
  }

  /// Where the first entry is that has a higher number.
  fileprivate func index(after number: UInt64) -> Int {
    // Numbers rise one by one, but for a gap where a restart was.
    var (low, high) = (first, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].number <= number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  fileprivate mutating func forget(beyond retention: HistoryRetention, now: Timestamp) {
    let oldest = Timestamp(
      milliseconds: now.milliseconds.subtractingReportingOverflow(
        Int64(clamping: retention.keep.components.seconds) * 1000
      ).partialValue)
    while first < entries.count,
      entries.count - first > retention.maximumCount || entries[first].time < oldest
    {
      since = max(since, entries[first].time)
      if let node = entries[first].nodeID, flapping[node] == entries[first].number { flapping[node] = nil }
      first += 1
    }
    if first >= 256, first * 2 >= entries.count {
      entries.removeFirst(first)
      first = 0
    }
  }
}
