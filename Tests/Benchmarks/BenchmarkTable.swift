/// One line of a benchmark's table.
struct BenchmarkRow {
  let name: String
  let measured: String
  /// What is to be reached; empty where there is no such figure.
  var target = ""
}

/// Prints `rows` in columns.
func printTable(_ rows: [BenchmarkRow]) {
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
func time(_ work: () throws -> Void) rethrows -> Duration {
  try ContinuousClock().measure(work)
}

extension Collection<Duration> {
  /// The middle one; zero of none.
  var median: Duration { isEmpty ? .zero : sorted()[count / 2] }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
  /// `12.3 us`
  var inMicroseconds: String { "\((seconds * 1e7).rounded() / 10) us" }
  /// `12.3 ms`
  var inMilliseconds: String { "\((seconds * 1e4).rounded() / 10) ms" }
}
