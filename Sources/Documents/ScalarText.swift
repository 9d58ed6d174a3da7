import ClusterModel

/// A scalar as it is written in a block: plain where that reads as the same to this module and to readers of
/// YAML 1.1, else in quotes.
struct ScalarText {
  let text: String

  init(_ scalar: YAMLScalar) {
    if scalar.kind != .text {
      text = scalar.text
    } else if scalar.isPlain, Self.isPlainSafe(scalar.text) {
      text = scalar.text
    } else {
      text = Self.written(scalar.text)
    }
  }

  init(key: String) { text = Self.written(key) }

  private static func written(_ text: String) -> String {
    isPlainSafe(text) && !looksLikeOther(text) ? text : quoted(text)
  }

  /// Whether `text` reads as itself without quotes, and in one line.
  private static func isPlainSafe(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    guard let first = scalars.first, let last = scalars.last, scalars.allSatisfy(isPrintable) else {
      return false
    }
    if first == " " || last == " " || last == ":" { return false }
    if ",[]{}#&*!|>'\"%@`".unicodeScalars.contains(first) { return false }
    if "-?:".unicodeScalars.contains(first), scalars.count == 1 || scalars[1] == " " { return false }
    if text.utf8.starts(with: "---".utf8) || text.utf8.starts(with: "...".utf8) { return false }
    for (left, right) in zip(scalars, scalars.dropFirst())
    where left == ":" && right == " " || left == " " && right == "#" { return false }
    return true
  }

  /// Whether YAML takes `scalar` unescaped, and a terminal does nothing but show it.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.breaksLines { return false }
    return switch scalar.value {
    case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF:
      true
    default: false
    }
  }

  /// Whether a reader of any version of YAML could take `text` for something else than text.
  private static func looksLikeOther(_ text: String) -> Bool {
    if YAMLScalar.plainKind(text) != .text { return true }
    switch text.lowercased() {
    case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "<<", "=": return true
    default: break
    }
    let bytes = Array(text.utf8)
    guard let first = bytes.first, (0x30...0x39).contains(first) || "+-.".utf8.contains(first) else {
      return false
    }
    // Numbers with underscores, of base 2, 8, 16 or 60, and times.
    let isTime =
      bytes.count >= 8 && bytes.prefix(4).allSatisfy { (0x30...0x39).contains($0) } && bytes[4] == 0x2D
    let compact = String(text.filter { $0 != "_" })
    let unsigned = compact.first == "+" || compact.first == "-" ? compact.dropFirst() : compact[...]
    let isBased = ["0b", "0o", "0x"].contains { unsigned.lowercased().hasPrefix($0) }
    return isTime || isBased || isSexagesimal(unsigned) || YAMLScalar.plainKind(compact) != .text
  }

  /// Whether YAML 1.1 takes `text` for a number of base 60: `12:30`, `1:59:59.5`. An address with a port isn't
  /// one: its dots come first.
  private static func isSexagesimal(_ text: Substring) -> Bool {
    var parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count > 1, let last = parts.popLast() else { return false }
    parts.append(last.prefix { $0 != "." })
    let fraction = last.drop { $0 != "." }.dropFirst()
    return fraction.allSatisfy(isDigit) && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
      && parts.dropFirst().allSatisfy { $0.count <= 2 && ($0.count == 1 || $0 < "6") }
  }

  private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

  private static func quoted(_ text: String) -> String {
    // Single quotes hold anything printable; they are kept for what no reader could take for a number.
    if isSingleQuotable(text) {
      var result = "'"
      for scalar in text.unicodeScalars {
        result.unicodeScalars.append(contentsOf: scalar == "'" ? ["'", "'"] : [scalar])
      }
      return result + "'"
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let width = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
        result += (width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U")
        result += String(repeating: "0", count: width - digits.count) + digits
      }
    }
    return result + "\""
  }

  private static func isSingleQuotable(_ text: String) -> Bool {
    !text.isEmpty && !looksLikeOther(text) && text.unicodeScalars.allSatisfy(isPrintable)
  }
}
