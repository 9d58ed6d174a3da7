import ClusterModel
import Platform

/// One thing that is wrong with options. Never holds a secret.
package struct OptionProblem: Error, Hashable, Sendable {
  /// A step from a value to one in it.
  package enum Step: Hashable, Sendable {
    case key(String)
    case index(Int)

    /// The key, where it is one.
    package var key: String? { if case .key(let key) = self { key } else { nil } }
  }

  package enum Reason: Hashable, Sendable {
    /// What is wrong with the value, to be read after its name: "must be text, not a list".
    case wrong(String)
    /// An object lacks this key.
    case missing(String)
    /// An object has a key, the last one of ``OptionProblem/path``, that isn't one of these.
    case unknown(known: [String])
  }

  /// The way to the value that is wrong.
  package var path: [Step]
  package var reason: Reason

  package init(path: [Step] = [], _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// One line that names the value and what would be right.
  ///
  /// - Parameter name: what the whole of the options is called: `cluster.discovery.registries.racks`.
  package func message(of name: String) -> String {
    switch reason {
    case .wrong(let what): "\(Self.name(of: path, in: name)) \(what)"
    case .missing(let key): "\(Self.name(of: path, in: name)) needs the key '\(key)'"
    case .unknown(let known): Self.unknownKey(path.last, in: Self.name(of: path.dropLast(), in: name), known)
    }
  }

  /// One line for a person who knows which registry's options it is about.
  var message: String {
    let name = Self.name(of: path, in: "")
    switch reason {
    case .wrong(let what): return path.isEmpty ? "the options \(what)" : "option '\(name)' \(what)"
    case .missing(let key): return "option '\(Self.name(of: path + [.key(key)], in: ""))' is missing"
    case .unknown(let known):
      let owner = Self.name(of: path.dropLast(), in: "")
      return Self.unknownKey(path.last, in: owner.isEmpty ? "this registry" : "option '\(owner)'", known)
    }
  }

  /// The name of what `path` leads to, `racks.hosts[1].port`.
  ///
  /// - Parameter name: what the whole of the options is called; may be empty.
  package static func name(of path: some Collection<Step>, in name: String) -> String {
    path.reduce(into: name) { text, step in
      switch step {
      case .key(let key): text += text.isEmpty ? key : ".\(key)"
      case .index(let index): text += "[\(index)]"
      }
    }
  }

  private static func unknownKey(_ step: Step?, in owner: String, _ known: [String]) -> String {
    let key = step?.key ?? ""
    let advice =
      didYouMean(key, among: known)
      ?? (known.isEmpty ? "\(owner) has no keys" : "\(owner) knows \(known.joined(separator: ", "))")
    return "\(unknownKey(key)); \(advice)"
  }

  /// `unknown key 'paht'`, without the key where that may be a secret that slipped: it doesn't look like one.
  package static func unknownKey(_ key: String) -> String {
    let isName = (1...40).contains(key.utf8.count) && key.utf8.allSatisfy { isNameByte($0) || $0 == 0x2E }
    return isName ? "unknown key \(quoted(key))" : "unknown key (not shown, as it may be a secret)"
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

extension JSONValue {
  /// What the value is, for a message: "a list", "a mapping", "text", "a number", "true or false", "nothing".
  package var kindName: String {
    switch self {
    case .null: "nothing"
    case .bool: "true or false"
    case .number: "a number"
    case .text: "text"
    case .list: "a list"
    case .object: "a mapping"
    }
  }

  /// "must be `expected`, not the text 'x'": what is said of a value that isn't what it must be.
  ///
  /// - Parameters:
  ///   - expected: what it must be: "a list", "true or false".
  ///   - isShown: whether the value may stand in the message.
  package func mismatch(must expected: String, isShown: Bool = true) -> String {
    if self == .null { return "is empty; write a value, or leave the key out" }
    let start = "must be \(expected), not "
    guard isShown else { return start + kindName }
    switch self {
    case .text(let text): return "\(start)the text \(quoted(text))"
    case .number(let digits): return "\(start)the number \(digits.prefix(40))"
    case .bool, .null: return start + description
    case .list, .object: return start + kindName
    }
  }

  /// How to write the value where `true` or `false` is expected, if that is clear: `; write true`.
  package var booleanAdvice: String {
    switch plainText.lowercased() {
    case "yes", "on", "y", "true", "1": "; write true"
    case "no", "off", "n", "false", "0": "; write false"
    default: ""
    }
  }

  /// How to write the value where a duration is expected and it has no unit: `; write 30s`.
  var durationAdvice: String {
    guard let seconds = Int(plainText), seconds >= 0 else { return "" }
    return "; write \(seconds)s"
  }

  /// How to write the value where text is expected: `; write it in quotes: '8080'`.
  package func textAdvice(isShown: Bool) -> String {
    switch self {
    case .null, .list, .object: ""
    default: isShown ? "; write it in quotes: '\(plainText)'" : "; write it in quotes"
    }
  }
}
