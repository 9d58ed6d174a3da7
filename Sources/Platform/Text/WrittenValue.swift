import ClusterModel

/// What somebody wrote, in YAML or JSON, where something else may have to be: for messages that name the value
/// and say what would be right.
package enum WrittenValue: Hashable, Sendable {
  case nothing
  /// `true` or `false`, as it is written; numbers and texts likewise.
  case bool(String)
  case number(String)
  case text(String)
  case list
  case mapping

  /// What the value is: "a list", "a mapping", "text", "a number", "true or false", "nothing".
  package var kindName: String {
    switch self {
    case .nothing: "nothing"
    case .bool: "true or false"
    case .number: "a number"
    case .text: "text"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The text of a scalar.
  private var scalarText: String? {
    switch self {
    case .bool(let text), .number(let text), .text(let text): text
    case .nothing, .list, .mapping: nil
    }
  }

  /// "must be `expected`, not the text 'x'": what is said of a value, after its name, that isn't what it must be.
  ///
  /// - Parameters:
  ///   - expected: what it must be: "a list", "true or false".
  ///   - isShown: whether the value may stand in the message; a secret may not.
  package func mismatch(must expected: String, isShown: Bool = true) -> String {
    if self == .nothing { return "is empty; write a value, or leave the key out" }
    let start = "must be \(expected), not "
    guard isShown else { return start + kindName }
    switch self {
    case .text(let text): return "\(start)the text \(quoted(text))"
    case .number(let digits): return "\(start)the number \(digits.prefix(40))"
    case .bool(let text): return start + text
    case .nothing, .list, .mapping: return start + kindName
    }
  }

  /// What to write where `true` or `false` is expected, if that is clear: `; write true`.
  package var booleanAdvice: String {
    switch scalarText?.lowercased() {
    case "yes", "on", "y", "true", "1": "; write true"
    case "no", "off", "n", "false", "0": "; write false"
    default: ""
    }
  }

  /// What to write where text is expected: `; write it in quotes: '8080'`.
  package func textAdvice(isShown: Bool) -> String {
    guard let scalarText else { return "" }
    return isShown ? "; write it in quotes: '\(scalarText)'" : "; write it in quotes"
  }

  /// What to write where a number is expected and one stands in quotes: ` in quotes; write 3`.
  package var numberAdvice: String {
    guard case .text(let text) = self, let first = text.utf8.first,
      first == UInt8(ascii: "-") || (0x30...0x39).contains(first), Double(text)?.isFinite == true
    else { return "" }
    return " in quotes; write \(text)"
  }
}

/// The message for a key that nobody knows: what was meant, where it belongs, or which keys there are.
///
/// - Parameters:
///   - owner: how people call the mapping that it is in.
///   - known: the keys that the mapping may have.
///   - place: where keys of that name belong: the keys to that mapping, empty for the top of the file.
package func unknownKey(_ key: String, in owner: String, known: [String], place: String? = nil) -> String {
  // What doesn't look like a key may be a secret that slipped.
  let isName = (1...40).contains(key.utf8.count) && key.utf8.allSatisfy(isNameByte)
  let start = isName ? "unknown key \(quoted(key))" : "unknown key (not shown, as it may be a secret)"
  if let advice = didYouMean(key, among: known) { return "\(start); \(advice)" }
  if let place { return "\(start); it belongs \(place.isEmpty ? "at the top of the file" : "in \(place)")" }
  return known.isEmpty
    ? "\(start); \(owner) has no keys" : "\(start); \(owner) knows \(known.joined(separator: ", "))"
}

private func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
  default: false
  }
}
