import Synchronization

/// Counts of durations by upper bound, as Prometheus wants them. Any thread may observe.
package final class Histogram: Sendable {
  /// Upper bounds in seconds, the ones that gRPC's own metrics use.
  package static let callBounds: [Double] = [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  /// Upper bounds in seconds, rising.
  package let bounds: [Double]
  private let nanoseconds: [Int64]
  private let buckets: [Counter]
  private let total = Atomic<Int64>(0)

  package init(bounds: [Double] = Histogram.callBounds) {
    self.bounds = bounds
    nanoseconds = bounds.map { Int64($0 * 1e9) }
    buckets = (0...bounds.count).map { _ in Counter() }
  }

  /// Notes one duration in nanoseconds.
  package func observe(_ duration: Int64) {
    var index = 0
    while index < nanoseconds.count, duration > nanoseconds[index] { index += 1 }
    buckets[index].add()
    total.wrappingAdd(duration, ordering: .relaxed)
  }

  /// Notes one duration; one below zero counts as none.
  package func observe(_ duration: Duration) {
    let (seconds, attoseconds) = max(duration, .zero).components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    observe(isTooLong ? .max / 2 : whole + attoseconds / 1_000_000_000)
  }

  /// Cumulative counts, one a bound and one for all, and the sum in seconds.
  package func read() -> (cumulative: [Int], sum: Double) {
    var sum = 0
    let counts = buckets.map { bucket in
      sum += bucket.value
      return sum
    }
    return (counts, Double(total.load(ordering: .relaxed)) / 1e9)
  }
}
