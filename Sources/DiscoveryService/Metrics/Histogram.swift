import Synchronization

/// Counts of durations by upper bound, as Prometheus wants them. Any thread may observe.
final class Histogram: Sendable {
  /// Upper bounds in seconds, the ones that gRPC's own metrics use.
  static let bounds: [Double] = [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  private static let nanoseconds = bounds.map { Int64($0 * 1e9) }

  private let buckets: [Counter]
  private let total = Atomic<Int64>(0)

  init() { buckets = (0...Self.bounds.count).map { _ in Counter() } }

  /// Notes one duration in nanoseconds.
  func observe(_ duration: Int64) {
    var index = 0
    while index < Self.nanoseconds.count, duration > Self.nanoseconds[index] { index += 1 }
    buckets[index].add()
    total.wrappingAdd(duration, ordering: .relaxed)
  }

  /// Cumulative counts, one a bound and one for all, and the sum in seconds.
  func read() -> (cumulative: [Int], sum: Double) {
    var sum = 0
    let counts = buckets.map { bucket in
      sum += bucket.value
      return sum
    }
    return (counts, Double(total.load(ordering: .relaxed)) / 1e9)
  }
}

/// A number that only grows. Any thread may add.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

  var value: Int { count.load(ordering: .relaxed) }
}

/// A number that goes up and down. Any thread may change it.
final class Gauge: Sendable {
  private let level = Atomic<Int>(0)

  func add(_ amount: Int) { level.wrappingAdd(amount, ordering: .relaxed) }

  var value: Int { level.load(ordering: .relaxed) }

  /// Adds `amount` unless that would lead above `limit`; says whether it did.
  func add(_ amount: Int, upTo limit: Int) -> Bool {
    if level.wrappingAdd(amount, ordering: .relaxed).newValue <= limit { return true }
    level.wrappingSubtract(amount, ordering: .relaxed)
    return false
  }
}
