/// Writes a page of metrics.
package struct ExpositionText {
  /// What a family is.
  package enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  private let format: ExpositionFormat
  private var lines = ""

  package init(_ format: ExpositionFormat = .prometheus) { self.format = format }

  /// The page.
  package var text: String { format == .openMetrics ? lines + "# EOF\n" : lines }

  /// Starts a family: its help and type lines. A counter's name ends in `_total`.
  package mutating func start(_ name: String, _ kind: Kind, _ help: String) {
    let total = "_total"
    // OpenMetrics calls a counter's family without what its samples end in.
    let isCut = format == .openMetrics && kind == .counter && name.hasSuffix(total)
    let family = isCut ? name.dropLast(total.count) : name[...]
    lines +=
      "# HELP \(family) \(Self.escaped(help, quotes: format == .openMetrics))\n# TYPE \(family) \(kind.rawValue)\n"
  }

  /// One line of the family that was started.
  package mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: String) {
    lines += name
    if !labels.isEmpty {
      lines += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    lines += " \(value)\n"
  }

  package mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Int) {
    sample(name, labels, "\(value)")
  }

  /// A family of one line.
  package mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
    start(name, kind, help)
    sample(name, [], value)
  }

  /// The lines of a histogram that was started.
  package mutating func histogram(
    _ name: String, _ labels: [(String, String)] = [], _ histogram: Histogram
  ) {
    let (cumulative, sum) = histogram.read()
    for (bound, count) in zip(histogram.bounds, cumulative) {
      sample("\(name)_bucket", labels + [("le", number(bound))], count)
    }
    let all = cumulative.last ?? 0
    sample("\(name)_bucket", labels + [("le", "+Inf")], all)
    sample("\(name)_sum", labels, "\(sum)")
    sample("\(name)_count", labels, all)
  }

  private func number(_ value: Double) -> String {
    value == value.rounded() && format == .prometheus ? "\(Int(value))" : "\(value)"
  }

  private static func escaped(_ value: String, quotes: Bool = true) -> String {
    var result = ""
    for character in value.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\"" where quotes: result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
