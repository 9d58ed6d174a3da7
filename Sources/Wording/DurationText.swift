/// Spans of time as people write them: `30s`, `5m`, `1h30m`, `250ms`, `1.5h`.
package enum DurationText {
  private static let units: [(name: String, nanoseconds: Int)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("µs", 1_000), ("ns", 1),
  ]

  /// The longest that is understood, some 100 years: more is a mistake.
  private static let maximum = 36_500 * 86_400_000_000_000

  /// The duration written as `text`: numbers with units from days to nanoseconds, larger ones first;
  /// zero needs no unit.
  ///
  /// - Returns: nil where `text` is something else. Never negative.
  package static func parse(_ text: some StringProtocol) -> Duration? {
    if text == "0" { return .zero }
    var rest = String(text).unicodeScalars[...]
    var total = 0
    var smallest = Int.max
    repeat {
      let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
      rest = rest.dropFirst(number.count)
      let name = String(String.UnicodeScalarView(rest.prefix { $0.properties.isAlphabetic }))
      rest = rest.dropFirst(name.unicodeScalars.count)
      guard let unit = units.first(where: { $0.name == name })?.nanoseconds, unit < smallest,
        let value = nanoseconds(String(String.UnicodeScalarView(number)), unit: unit)
      else { return nil }
      smallest = unit
      total += value
      guard total <= maximum else { return nil }
    } while !rest.isEmpty
    return .nanoseconds(total)
  }

  private static func nanoseconds(_ number: String, unit: Int) -> Int? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let whole = Int(first), whole <= maximum / unit else {
      return nil
    }
    guard parts.count == 2 else { return whole * unit }
    guard (1...9).contains(parts[1].count), let fraction = Int(parts[1]) else { return nil }
    var scale = 1
    for _ in parts[1] { scale *= 10 }
    // Split, so that nothing overflows: days have 14 digits and fractions 9.
    return whole * unit + unit / scale * fraction + unit % scale * fraction / scale
  }

  /// `duration` as ``parse(_:)`` reads it.
  package static func text(of duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    var rest = Int(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000).partialValue
    rest += Int(attoseconds / 1_000_000_000)
    guard rest > 0 else { return "0s" }
    var text = ""
    for unit in units where unit.name != "µs" && unit.name != "d" && rest >= unit.nanoseconds {
      text += "\(rest / unit.nanoseconds)\(unit.name)"
      rest %= unit.nanoseconds
    }
    return text
  }
}
