/// One line of a benchmark's table.
package struct BenchmarkRow {
  let name: String
  let measured: String
  let target: String

  /// - Parameter target: what is to be reached; empty where there is no such figure.
  package init(name: String, measured: String, target: String = "") {
    self.name = name
    self.measured = measured
    self.target = target
  }
}

/// Prints `rows` in columns.
package func printTable(_ rows: [BenchmarkRow]) {
  let rows = [BenchmarkRow(name: "NAME", measured: "MEASURED", target: "TARGET")] + rows
  let nameWidth = rows.map(\.name.count).max() ?? 0
  let measuredWidth = rows.map(\.measured.count).max() ?? 0
  for row in rows {
    let line = padded(row.name, nameWidth) + "   " + padded(row.measured, measuredWidth) + "   " + row.target
    print(line)
  }
}

private func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// How long `work` took.
package func time(_ work: () throws -> Void) rethrows -> Duration {
  try ContinuousClock().measure(work)
}

extension Collection<Duration> {
  /// The middle one; zero of none.
  package var median: Duration { isEmpty ? .zero : sorted()[count / 2] }
}

extension Duration {
  package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
  /// `12.3 us`
  package var inMicroseconds: String { "\((seconds * 1e7).rounded() / 10) us" }
  /// `12.3 ms`
  package var inMilliseconds: String { "\((seconds * 1e4).rounded() / 10) ms" }
}
