/// Writes metrics in Prometheus' text format 0.0.4.
struct PrometheusText {
  private(set) var text = ""

  /// Starts a metric: its help and type lines.
  mutating func start(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  /// One line of the metric that was started.
  mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: String) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  /// A metric of one line.
  mutating func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
    start(name, type, help)
    sample(name, [], "\(value)")
  }

  /// The lines of a histogram that was started.
  mutating func histogram(_ name: String, _ labels: [(String, String)] = [], _ histogram: Histogram) {
    let (cumulative, sum) = histogram.read()
    for (bound, count) in zip(Histogram.bounds, cumulative) {
      sample("\(name)_bucket", labels + [("le", Self.number(bound))], "\(count)")
    }
    let all = cumulative.last ?? 0
    sample("\(name)_bucket", labels + [("le", "+Inf")], "\(all)")
    sample("\(name)_sum", labels, "\(sum)")
    sample("\(name)_count", labels, "\(all)")
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }

  private static func escaped(_ value: String) -> String {
    var result = ""
    for character in value.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
