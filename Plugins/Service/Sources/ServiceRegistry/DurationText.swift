/// Durations as a person writes them: `30m`, `1h30m`, `1.5s`, `500ms`.
enum DurationText {
  /// The duration that `text` writes, or nil where it is none.
  static func parse(_ text: String) -> Duration? {
    var total = Duration.zero
    var rest = text[...]
    guard !rest.isEmpty, text.utf8.count <= 32 else { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let value = Double(number), value.isFinite, value < 1e9 else { return nil }
      switch unit {
      case "h": total += .seconds(value * 3600)
      case "m": total += .seconds(value * 60)
      case "s": total += .seconds(value)
      case "ms": total += .milliseconds(value)
      default: return nil
      }
    }
    return total
  }
}

extension Duration {
  /// The duration in seconds.
  var inSeconds: Double { self / .seconds(1) }
}
