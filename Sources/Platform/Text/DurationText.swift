package import ClusterModel

/// Spans of time as people write them, everywhere alike: `30s`, `5m`, `1h30m`, `250ms`, `1.5s`, `1d12h`, `0`.
///
/// Numbers with units, larger units first, each at most once: d, h, m, s, ms, us (or µs), ns. A number may have
/// a fraction of up to nine digits. Only zero needs no unit.
package enum DurationText {
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("µs", 1_000), ("ns", 1),
  ]

  /// The longest that is understood, some 100 years: more is a mistake.
  package static let longest = Duration.seconds(36_500 * 86_400)

  private static let longestNanoseconds: Int64 = 36_500 * 86_400 * 1_000_000_000

  // MARK: Reading

  /// The duration written as `text`, from zero to ``longest``.
  ///
  /// - Throws: what is wrong, with the text and what would be right.
  package static func parse(_ text: some StringProtocol) throws(ModelError) -> Duration {
    if text == "0" { return .zero }
    var rest = String(text).unicodeScalars[...]
    var total: Int64 = 0
    var last: (name: String, nanoseconds: Int64)?
    repeat {
      let number = rest.prefix { isDigit($0) || $0 == "." }
      rest = rest[number.endIndex...]
      let letters = rest.prefix { $0.properties.isAlphabetic }
      rest = rest[letters.endIndex...]
      guard !number.isEmpty else { throw wrong(text) }
      let name = String(letters)
      guard let unit = units.first(where: { $0.name == name }) else {
        throw wrongUnit(name, after: String(number), in: text)
      }
      if let last, unit.nanoseconds >= last.nanoseconds {
        throw ModelError(
          unit.nanoseconds == last.nanoseconds
            ? "\(quoted(text)) has the unit \(unit.name) twice"
            : "\(quoted(text)) has \(unit.name) after \(last.name); write larger units first")
      }
      last = unit
      guard let value = try nanoseconds(number, unit: unit.nanoseconds, of: text),
        value <= longestNanoseconds - total
      else {
        throw ModelError("\(quoted(text)) is too long; a duration has at most \(Self.text(of: longest))")
      }
      total += value
    } while !rest.isEmpty
    return .nanoseconds(total)
  }

  /// The duration written as `text`, which has to be within `range`.
  package static func parse(
    _ text: some StringProtocol, in range: ClosedRange<Duration>
  ) throws(ModelError) -> Duration {
    let duration = try parse(text)
    guard range.contains(duration) else {
      throw ModelError(
        "\(quoted(text)) is out of range; it may be from \(Self.text(of: range.lowerBound)) to "
          + Self.text(of: range.upperBound))
    }
    return duration
  }

  /// The duration written as `text`, which has to be at least what `range` begins with.
  package static func parse(
    _ text: some StringProtocol, in range: PartialRangeFrom<Duration>
  ) throws(ModelError) -> Duration {
    let duration = try parse(text)
    guard range.contains(duration) else {
      throw ModelError(
        "\(quoted(text)) is out of range; it may be \(Self.text(of: range.lowerBound)) or more")
    }
    return duration
  }

  /// The nanoseconds of `number` units; nil where they are more than can be counted.
  private static func nanoseconds(
    _ number: Substring.UnicodeScalarView, unit: Int64, of text: some StringProtocol
  ) throws(ModelError) -> Int64? {
    let parts = String(number).split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, !whole.isEmpty else { throw wrong(text) }
    guard let whole = Int64(whole), whole <= longestNanoseconds / unit else { return nil }
    guard parts.count == 2 else { return whole * unit }
    guard (1...9).contains(parts[1].utf8.count), let fraction = Int64(parts[1]) else { throw wrong(text) }
    let scale = parts[1].utf8.reduce(Int64(1)) { scale, _ in scale * 10 }
    // Split, so that nothing overflows: days have 14 digits and fractions 9.
    return whole * unit + unit / scale * fraction + unit % scale * fraction / scale
  }

  private static func wrongUnit(
    _ name: String, after number: String, in text: some StringProtocol
  ) -> ModelError {
    if number == text { return ModelError("\(quoted(text)) has no unit; write \(text)s") }
    if name.isEmpty { return wrong(text) }
    return ModelError(
      "\(quoted(text)) has the unknown unit \(quoted(name)); the units are d, h, m, s, ms, us and ns")
  }

  private static func wrong(_ text: some StringProtocol) -> ModelError {
    if text.isEmpty { return ModelError("a duration is empty; write one such as 30s, 5m or 1h30m") }
    if text.utf8.first == UInt8(ascii: "-") {
      return ModelError("\(quoted(text)) is negative; a duration is zero or more")
    }
    if text.utf8.contains(UInt8(ascii: " ")) {
      return ModelError("\(quoted(text)) has a space; write it without, as in 1h30m")
    }
    return ModelError("\(quoted(text)) isn't a duration such as 30s, 5m or 1h30m")
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  // MARK: Writing

  /// `duration` as ``parse(_:)`` reads it, exact to a nanosecond, larger units first and none that is zero:
  /// `1d12h`, `1h30m`, `1m0.5s`. Less than nothing has a minus sign before it.
  package static func text(of duration: Duration) -> String {
    if duration < .zero { return "-" + text(of: .zero - duration) }
    var (seconds, attoseconds) = duration.components
    let rest = attoseconds / 1_000_000_000
    var text = ""
    for (name, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] as [(String, Int64)] where seconds >= size {
      text += "\(seconds / size)\(name)"
      seconds %= size
    }
    if seconds > 0 { return text + decimal(seconds, rest, digits: 9) + "s" }
    switch rest {
    case 0: return text.isEmpty ? "0s" : text
    case 1_000_000...: return text + decimal(rest / 1_000_000, rest % 1_000_000, digits: 6) + "ms"
    case 1_000...: return text + decimal(rest / 1_000, rest % 1_000, digits: 3) + "us"
    default: return text + "\(rest)ns"
    }
  }

  private static func decimal(_ whole: Int64, _ fraction: Int64, digits: Int) -> String {
    guard fraction > 0 else { return "\(whole)" }
    var shown = String(fraction)
    shown = String(repeating: "0", count: digits - shown.utf8.count) + shown
    while shown.utf8.last == UInt8(ascii: "0") { shown.removeLast() }
    return "\(whole).\(shown)"
  }
}
