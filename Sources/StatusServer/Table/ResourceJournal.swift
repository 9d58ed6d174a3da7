/// The newest change of each key in the order in which they were made: what a later one replaced is taken out.
struct ResourceJournal: Sendable {
  private struct Entry: Sendable {
    let sequence: UInt64
    let revision: UInt64
    /// Nil where it was replaced or forgotten.
    var row: ResourceRow?
  }

  private var entries: [Entry] = []
  private var clearedCount = 0
  /// The place that the next change has.
  private(set) var next: UInt64 = 1

  /// Notes the newest change, whose place is ``next``.
  mutating func append(_ row: ResourceRow) {
    entries.append(Entry(sequence: next, revision: row.revision, row: row))
    next += 1
  }

  /// Takes out the change at that place.
  mutating func clear(_ sequence: UInt64) {
    let index = firstIndex { $0.sequence >= sequence }
    guard index < entries.count, entries[index].sequence == sequence, entries[index].row != nil else {
      return
    }
    entries[index].row = nil
    clearedCount += 1
    // Half of it is worth the walk.
    if clearedCount > 64, clearedCount * 2 > entries.count {
      entries.removeAll { $0.row == nil }
      clearedCount = 0
    }
  }

  /// The place up to which who has seen `revision` has seen everything.
  func sequence(afterRevision revision: UInt64) -> UInt64 {
    let index = firstIndex { $0.revision > revision }
    return index < entries.count ? entries[index].sequence - 1 : next - 1
  }

  /// Calls `body` with each change after that place, in order, until it returns false.
  ///
  /// - Returns: whether it came to the end.
  func walk(after sequence: UInt64, _ body: (ResourceRow) -> Bool) -> Bool {
    for entry in entries[firstIndex { $0.sequence > sequence }...] {
      guard let row = entry.row else { continue }
      if !body(row) { return false }
    }
    return true
  }

  /// The first entry for which `isBehind` holds, as it then does for all behind it; their count where for none.
  private func firstIndex(_ isBehind: (Entry) -> Bool) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(entries[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
