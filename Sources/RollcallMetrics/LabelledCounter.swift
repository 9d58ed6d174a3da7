import Synchronization

/// Counts by the values of labels. What others name can't make it grow without bound: beyond it they count as `other`.
final class LabelledCounter: Sendable {
  private let limit: Int
  private let counts = Mutex<[[String]: Int]>([:])

  /// - Parameter limit: the most different values.
  init(limit: Int = 1000) { self.limit = limit }

  func add(_ values: [String], _ amount: Int = 1) {
    counts.withLock { counts in
      let key = counts[values] != nil || counts.count < limit ? values : values.map { _ in "other" }
      counts[key, default: 0] += amount
    }
  }

  /// In the order of the values.
  var all: [(values: [String], count: Int)] {
    counts.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }
}
