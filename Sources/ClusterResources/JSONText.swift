/// JSON as text, for people and for programs.
public enum JSONText {
  /// `value` on one line without spaces; fields in their own order.
  public static func compact(_ value: ResourceValue) -> String {
    var text = ""
    write(value, indent: nil, depth: 0, into: &text)
    return text
  }

  /// `value` over several lines, each level `indent` spaces further in. Fields are sorted by name, as
  /// `talosctl` prints them.
  public static func pretty(_ value: ResourceValue, indent: Int = 4) -> String {
    var text = ""
    write(value, indent: indent, depth: 0, into: &text)
    return text
  }

  private static func write(_ value: ResourceValue, indent: Int?, depth: Int, into text: inout String) {
    func list<Item>(
      _ items: [Item], _ open: Character, _ close: Character, _ writeItem: (Item, inout String) -> Void
    ) {
      text.append(open)
      for (index, item) in items.enumerated() {
        if index > 0 { text.append(",") }
        if let indent { text += "\n" + String(repeating: " ", count: indent * (depth + 1)) }
        writeItem(item, &text)
      }
      if let indent, !items.isEmpty { text += "\n" + String(repeating: " ", count: indent * depth) }
      text.append(close)
    }

    switch value {
    case .null, .bool, .integer: text += value.scalarText ?? ""
    case .text(let string): text += quoted(string)
    case .time(let time): text += quoted(time.description)
    case .list(let items):
      list(items, "[", "]") { write($0, indent: indent, depth: depth + 1, into: &$1) }
    case .fields(let fields):
      let shown = indent == nil ? fields : fields.sorted { $0.name < $1.name }
      list(shown, "{", "}") {
        $1 += quoted($0.name) + (indent == nil ? ":" : ": ")
        write($0.value, indent: indent, depth: depth + 1, into: &$1)
      }
    }
  }

  /// `text` in double quotes. Control and line-breaking characters are escaped, so that the result stays on
  /// one line wherever it is shown.
  public static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default:
        if scalar.breaksLines {
          for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
          }
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + "\""
  }
}
