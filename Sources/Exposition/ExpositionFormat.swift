/// What a page of metrics is written in.
package enum ExpositionFormat: Hashable, Sendable, CaseIterable {
  /// Prometheus' text format 0.0.4.
  case prometheus
  /// OpenMetrics 1.0.0.
  case openMetrics

  /// The format that whoever sends `accept`, an HTTP `Accept` header (RFC 9110 12.5.1), likes best; Prometheus' own
  /// for who sends none or asks for something else.
  package init(accept: String?) {
    var best: (format: ExpositionFormat, weight: Double) = (.prometheus, 0)
    for range in (accept ?? "").split(separator: ",").prefix(32) {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
      let weight =
        parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      let format: ExpositionFormat
      switch parts.first {
      case "application/openmetrics-text":
        let version = parts.dropFirst().first { $0.hasPrefix("version=") }
        guard version == nil || version == "version=1.0.0" || version == "version=0.0.1" else { continue }
        format = .openMetrics
      case "text/plain", "text/*", "*/*": format = .prometheus
      default: continue
      }
      if weight > best.weight { best = (format, min(weight, 1)) }
    }
    self = best.format
  }

  /// The page's `Content-Type`.
  package var contentType: String {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }
}
