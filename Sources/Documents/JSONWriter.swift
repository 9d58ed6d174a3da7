import Platform

extension YAML {
  /// How JSON is laid out.
  public enum JSONLayout: Hashable, Sendable {
    /// On one line without spaces, keys in their own order.
    case compact
    /// Over several lines, each level so many spaces further in; keys in the order of their text.
    case indented(by: Int)
  }

  /// `node` as JSON. Scalars are what the core schema says; what JSON has no number for (`.inf`, `.nan`) is text.
  public static func json(of node: YAMLNode, _ layout: JSONLayout = .compact) -> String {
    var writer = JSONWriter(layout: layout)
    switch layout {
    case .compact: writer.write(node, depth: 0)
    case .indented: writer.write(node.sorted, depth: 0)
    }
    return writer.text
  }
}

extension YAMLNode {
  /// The node with the keys of all mappings in order of their text: alike where only their order differs.
  public var sorted: YAMLNode {
    switch content {
    case .scalar: self
    case .sequence(let items): YAMLNode(.sequence(items.map(\.sorted)), mark: mark)
    case .mapping(let pairs):
      YAMLNode(
        .mapping(
          pairs.map { YAMLPair(key: $0.key, keyMark: $0.keyMark, value: $0.value.sorted) }
            .sorted { $0.key < $1.key }), mark: mark)
    }
  }
}

private struct JSONWriter {
  let layout: YAML.JSONLayout
  var text = ""

  mutating func write(_ node: YAMLNode, depth: Int) {
    switch node.content {
    case .scalar(let scalar): write(scalar)
    case .sequence(let items):
      text += "["
      for (index, item) in items.enumerated() {
        beginElement(index, depth: depth + 1)
        write(item, depth: depth + 1)
      }
      if !items.isEmpty { beginLine(depth: depth) }
      text += "]"
    case .mapping(let pairs):
      text += "{"
      for (index, pair) in pairs.enumerated() {
        beginElement(index, depth: depth + 1)
        text += jsonString(pair.key) + (layout == .compact ? ":" : ": ")
        write(pair.value, depth: depth + 1)
      }
      if !pairs.isEmpty { beginLine(depth: depth) }
      text += "}"
    }
  }

  private mutating func beginElement(_ index: Int, depth: Int) {
    if index > 0 { text += "," }
    beginLine(depth: depth)
  }

  private mutating func beginLine(depth: Int) {
    guard case .indented(let step) = layout else { return }
    text += "\n" + String(repeating: " ", count: step * depth)
  }

  private mutating func write(_ scalar: YAMLScalar) {
    switch scalar.kind {
    case .null: text += "null"
    case .bool: text += scalar.text.lowercased()
    case .integer:
      if scalar.text.hasPrefix("0x") || scalar.text.hasPrefix("0o") {
        text += scalar.integer.map { String($0) } ?? jsonString(scalar.text)
      } else {
        text += Self.number(scalar.text)
      }
    case .number:
      let isNumber = scalar.number?.isFinite == true || !scalar.text.lowercased().contains("n")
      text += isNumber ? Self.number(scalar.text) : jsonString(scalar.text)
    case .text: text += jsonString(scalar.text)
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
}
