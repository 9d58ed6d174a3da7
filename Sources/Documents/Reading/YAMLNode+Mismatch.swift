import ClusterModel

extension YAMLNode {
  /// The message for this node where something else must be: what it is, and how to write it where that is
  /// clear.
  ///
  /// - Parameters:
  ///   - name: the key with the mappings that it is in.
  ///   - expected: what must be there: "a list", "true or false".
  ///   - isShown: whether the value may stand in the message; a secret may not.
  package func mismatch(_ name: String, must expected: String, isShown: Bool = true) -> String {
    if isNull { return Self.emptiness(of: name) }
    let start = "\(name) must be \(expected), not "
    guard let scalar, isShown else { return start + kindName }
    switch scalar.kind {
    case .text: return "\(start)the text \(quoted(scalar.text))"
    case .integer, .number: return "\(start)the number \(scalar.text)"
    default: return start + scalar.text
    }
  }

  /// The message for a value that is empty, of a key or of an item: `nodes[2]`.
  static func emptiness(of name: String) -> String {
    let part = name.utf8.last == UInt8(ascii: "]") ? "it" : "the key"
    return "\(name) is empty; write a value, or leave \(part) out"
  }

  /// What to write where `true` or `false` is expected, if that is clear: `; write true`.
  package var booleanAdvice: String {
    switch scalar?.text.lowercased() {
    case "yes", "on", "y", "true", "1": "; write true"
    case "no", "off", "n", "false", "0": "; write false"
    default: ""
    }
  }

  /// What to write where text is expected.
  package func textAdvice(isShown: Bool) -> String {
    guard let scalar, scalar.kind != .null else { return "" }
    return isShown ? "; write it in quotes: '\(scalar.text)'" : "; write it in quotes"
  }

  /// What to write where a number is expected and one stands in quotes.
  package var numberAdvice: String {
    guard let text = string, YAMLScalar(text, isPlain: true).number != nil else { return "" }
    return " in quotes; write \(text)"
  }
}
