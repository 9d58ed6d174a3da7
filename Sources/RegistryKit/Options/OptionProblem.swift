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
    /// What is wrong with the value, a sentence that names it: "'30' has no unit; write 30s".
    case invalid(String)
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
    case .invalid(let what): "\(Self.name(of: path, in: name)): \(what)"
    case .missing(let key): "\(Self.name(of: path, in: name)) needs the key '\(key)'"
    case .unknown(let known):
      unknownKey(path.last?.key ?? "", in: Self.name(of: path.dropLast(), in: name), known: known)
    }
  }

  /// One line for a person who knows which registry's options it is about.
  var message: String {
    let name = Self.name(of: path, in: "")
    switch reason {
    case .wrong(let what): return path.isEmpty ? "the options \(what)" : "option '\(name)' \(what)"
    case .invalid(let what): return "option '\(name)': \(what)"
    case .missing(let key): return "option '\(Self.name(of: path + [.key(key)], in: ""))' is missing"
    case .unknown(let known):
      let owner = Self.name(of: path.dropLast(), in: "")
      return unknownKey(
        path.last?.key ?? "", in: owner.isEmpty ? "this registry" : "option '\(owner)'", known: known)
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
}

extension JSONValue {
  /// The value, for a message that it isn't what must be there.
  var written: WrittenValue {
    switch self {
    case .null: .nothing
    case .bool: .bool(description)
    case .number(let digits): .number(digits)
    case .text(let text): .text(text)
    case .list: .list
    case .object: .mapping
    }
  }
}
