import Exposition
import Synchronization

/// Histograms by the values of labels, of which there are a bounded number.
final class LabelledHistogram: Sendable {
  private let bounds: [Double]
  private let limit: Int
  private let histograms = Mutex<[[String]: Histogram]>([:])

  /// - Parameter limit: the most different values; more count as `other`.
  init(bounds: [Double], limit: Int = 1000) {
    self.bounds = bounds
    self.limit = limit
  }

  func observe(_ values: [String], _ duration: Duration) { self[values].observe(duration) }

  /// The histogram of `values`, which is shown from now on.
  subscript(values: [String]) -> Histogram {
    histograms.withLock { histograms in
      let key = histograms[values] != nil || histograms.count < limit ? values : values.map { _ in "other" }
      if let known = histograms[key] { return known }
      let new = Histogram(bounds: bounds)
      histograms[key] = new
      return new
    }
  }

  /// In the order of the values.
  var all: [(values: [String], histogram: Histogram)] {
    histograms.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }
}
