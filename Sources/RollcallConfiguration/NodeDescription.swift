import Documents

/// The message for a value that isn't what it must be: what it is, and how to write it where that is clear.
///
/// - Parameters:
///   - path: the key with the sections that it is in.
///   - expected: what the value must be: "a list", "true or false".
///   - isShown: whether the value may stand in the message.
func mismatch(_ path: String, must expected: String, not node: YAMLNode, isShown: Bool = true) -> String {
  if node.isNull { return "\(path) is empty; write a value, or leave the key out" }
  let start = "\(path) must be \(expected), not "
  guard let scalar = node.scalar, isShown else { return start + node.kindName }
  switch scalar.kind {
  case .text: return "\(start)the text \(quoted(scalar.text))"
  case .integer, .number: return "\(start)the number \(scalar.text)"
  default: return start + scalar.text
  }
}

/// What to write for `node` where `true` or `false` is expected, if that is clear: `; write true`.
func booleanAdvice(for node: YAMLNode) -> String {
  switch node.scalar?.text.lowercased() {
  case "yes", "on", "y", "true", "1": "; write true"
  case "no", "off", "n", "false", "0": "; write false"
  default: ""
  }
}

/// What to write for `node` where text is expected.
func textAdvice(for node: YAMLNode, isShown: Bool) -> String {
  guard let scalar = node.scalar, scalar.kind != .null else { return "" }
  return isShown ? "; write it in quotes: '\(scalar.text)'" : "; write it in quotes"
}
