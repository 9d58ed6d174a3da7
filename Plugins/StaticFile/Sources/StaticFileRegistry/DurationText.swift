/// Durations as they are written in configuration: numbers with units, `1h30m`, `1.5s`, `50ms`.
enum DurationText {
  private static let units: [(name: [UInt8], nanoseconds: Int64)] = [
    (Array("h".utf8), 3_600_000_000_000), (Array("ms".utf8), 1_000_000), (Array("m".utf8), 60_000_000_000),
    (Array("s".utf8), 1_000_000_000),
  ]

  /// The duration that `text` writes; nil where it writes none, or one of more than about 290 years.
  static func parse(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    var rest = Array(text.utf8)[...]
    var total: Int64 = 0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
      }
      rest = rest.dropFirst(digits.count)
      guard let unit = units.first(where: { rest.starts(with: $0.name) }),
        let number = Double(String(decoding: digits, as: UTF8.self)),
        let nanoseconds = Int64(exactly: (number * Double(unit.nanoseconds)).rounded())
      else { return nil }
      rest = rest.dropFirst(unit.name.count)
      let (sum, overflow) = total.addingReportingOverflow(nanoseconds)
      guard !overflow else { return nil }
      total = sum
    }
    return .nanoseconds(total)
  }
}
