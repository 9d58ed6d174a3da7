import ClusterModel
import Documents
import Platform

/// Reads typed values out of YAML, and collects what is wrong with them.
///
/// Nothing is thrown: one problem must not hide the next.
struct FieldReader {
  let file: String
  /// What the problems are about, `node 'x'`; empty where that isn't known.
  var subject = ""
  private(set) var problems = ProblemList()

  init(file: String) { self.file = file }

  /// Keeps a problem that is told in full already.
  mutating func report(_ problem: YAMLError) { problems.append(problem) }

  mutating func report(_ message: String, at mark: YAMLMark) {
    let message = subject.isEmpty ? message : "\(subject): \(message)"
    problems.append(YAMLError(file: file, mark: mark, message: message))
  }

  /// The values of a mapping by their keys. Keys that aren't `known` are reported.
  ///
  /// - Returns: nil where `node` is no mapping, which is reported as well.
  mutating func fields(of node: YAMLNode, known: [String], what: String) -> [String: YAMLNode]? {
    guard case .mapping(let pairs) = node.content else {
      report("\(what) is a mapping with \(list(known)), not \(node.kind)", at: node.mark)
      return nil
    }
    var fields: [String: YAMLNode] = [:]
    for pair in pairs {
      guard known.contains(pair.key) else {
        let near = nearMiss(of: pair.key, among: known)
        let advice = near.map { "did you mean '\($0)'?" } ?? "\(what) has \(list(known))"
        report("unknown key \(quoted(pair.key)); \(advice)", at: pair.keyMark)
        continue
      }
      fields[pair.key] = pair.value
    }
    return fields
  }

  /// A text of at most `maximum` bytes in one line; empty where there is none. A number is taken as the
  /// text that was written.
  mutating func text(_ node: YAMLNode?, _ name: String, maximum: Int) -> String {
    guard let node, !node.isNull else { return "" }
    guard case .scalar(let scalar) = node.content else {
      report("\(name) is a text, not \(node.kind)", at: node.mark)
      return ""
    }
    guard scalar.text.utf8.count <= maximum else {
      report("\(name) has at most \(maximum) bytes, this one has \(scalar.text.utf8.count)", at: node.mark)
      return ""
    }
    guard !scalar.text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      report("\(name) \(quoted(scalar.text)) has a control character; it is one line of text", at: node.mark)
      return ""
    }
    return scalar.text
  }

  /// What `parse` makes of a text; nil where there is none or it can't be parsed.
  mutating func value<Value>(
    _ node: YAMLNode?, _ name: String, _ parse: (String) throws(ModelError) -> Value
  ) -> Value? {
    guard let node else { return nil }
    let text = text(node, name, maximum: Limits.textBytes)
    guard !text.isEmpty else { return nil }
    do throws(ModelError) {
      return try parse(text)
    } catch {
      report("\(name): \(error.message)", at: node.mark)
      return nil
    }
  }

  /// A list of what `parse` makes of texts; those that can't be parsed are left out.
  mutating func values<Value>(
    _ node: YAMLNode?, _ name: String, _ parse: (String) throws(ModelError) -> Value
  ) -> [Value] {
    guard let node, !node.isNull else { return [] }
    guard case .sequence(let items) = node.content else {
      report("\(name) is a list, not \(node.kind)", at: node.mark)
      return []
    }
    guard items.count <= Limits.listItems else {
      report("\(name) has at most \(Limits.listItems) items, this one has \(items.count)", at: node.mark)
      return []
    }
    var values: [Value] = []
    values.reserveCapacity(items.count)
    for item in items {
      if let value = value(item, name, parse) {
        values.append(value)
      } else if item.isNull || item.isEmptyText {
        report("\(name) has an empty item", at: item.mark)
      }
    }
    return values
  }

  /// A number from 1 to 65535; nil where there is none.
  mutating func port(_ node: YAMLNode?, _ name: String) -> UInt16? {
    guard let node, !node.isNull else { return nil }
    guard case .scalar(let scalar) = node.content else {
      report("\(name) is a number from 1 to 65535, not \(node.kind)", at: node.mark)
      return nil
    }
    guard scalar.isPlain, let port = UInt16(scalar.text), port > 0 else {
      let shown = scalar.isPlain ? quoted(scalar.text) : "the text \(quoted(scalar.text))"
      report("\(name) is a number from 1 to 65535, not \(shown)", at: node.mark)
      return nil
    }
    return port
  }

  private func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension YAMLNode {
  var isEmptyText: Bool {
    guard case .scalar(let scalar) = content else { return false }
    return scalar.text.isEmpty
  }

  /// What this is, for a message.
  var kind: String {
    switch content {
    case .scalar(let scalar): isNull ? "nothing" : quoted(scalar.text)
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The text of a scalar that isn't null.
  var text: String? {
    guard case .scalar(let scalar) = content, !isNull else { return nil }
    return scalar.text
  }
}

/// `text` in quotes for a message: escaped, and cut where it is long.
func quoted(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars.prefix(80) {
    shown += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return text.unicodeScalars.count > 80 ? "'\(shown)…'" : "'\(shown)'"
}
