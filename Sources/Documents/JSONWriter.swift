extension YAML {
  /// `node` as compact JSON. Scalars are what the core schema says; what JSON has no number for (`.inf`,
  /// `.nan`) is text.
  public static func json(of node: YAMLNode) -> String {
    var writer = JSONWriter()
    writer.write(node)
    return writer.text
  }
}

private struct JSONWriter {
  var text = ""

  mutating func write(_ node: YAMLNode) {
    switch node.content {
    case .scalar(let scalar): write(scalar)
    case .sequence(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        write(item)
      }
      text += "]"
    case .mapping(let pairs):
      text += "{"
      for (index, pair) in pairs.enumerated() {
        if index > 0 { text += "," }
        write(quoting: pair.key)
        text += ":"
        write(pair.value)
      }
      text += "}"
    }
  }

  private mutating func write(_ scalar: YAMLScalar) {
    switch scalar.kind {
    case .null: text += "null"
    case .bool: text += scalar.text.lowercased()
    case .integer:
      if scalar.text.hasPrefix("0x") || scalar.text.hasPrefix("0o") {
        if let value = scalar.integer { text += String(value) } else { write(quoting: scalar.text) }
      } else {
        text += Self.number(scalar.text)
      }
    case .number:
      if scalar.number?.isFinite == true || !scalar.text.lowercased().contains("n") {
        text += Self.number(scalar.text)
      } else {
        write(quoting: scalar.text)
      }
    case .text: write(quoting: scalar.text)
    }
  }

  /// A decimal number as JSON writes it: no plus, no leading zeros, digits on both sides of the point. The
  /// digits themselves stay, so that nothing is rounded.
  private static func number(_ text: String) -> String {
    var rest = text[...]
    let isNegative = rest.hasPrefix("-")
    if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
    let whole = rest.prefix { $0.isWholeNumber }
    rest = rest.dropFirst(whole.count)
    let significant = whole.drop { $0 == "0" }
    var result = (isNegative ? "-" : "") + (significant.isEmpty ? "0" : String(significant))
    if rest.first == "." {
      let fraction = rest.dropFirst().prefix { $0.isWholeNumber }
      rest = rest.dropFirst(1 + fraction.count)
      result += "." + (fraction.isEmpty ? "0" : String(fraction))
    }
    return result + rest
  }

  private mutating func write(quoting string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}":
        text += scalar.value < 16 ? "\\u000" : "\\u00"
        text += String(scalar.value, radix: 16)
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
