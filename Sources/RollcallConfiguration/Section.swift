import ClusterModel
import Documents
import Platform

/// A section of the file: reads its keys, and tells what is wrong with them.
struct Section {
  /// The keys to it: `cluster.discovery`; empty for the whole file.
  let path: String
  let node: YAMLNode?
  let diagnostics: Diagnostics

  /// The section `node`, which may be left empty or out.
  ///
  /// - Parameter keys: the keys that it may have; nil: any.
  init(_ node: YAMLNode?, path: String, keys: [String]?, diagnostics: Diagnostics) {
    self.path = path
    self.diagnostics = diagnostics
    guard let node, !node.isNull else {
      self.node = nil
      return
    }
    guard let pairs = node.pairs else {
      // The text isn't shown: 'secret:…' without a space after the colon is text as well.
      let name = path.isEmpty ? "the file" : path
      diagnostics.error(node.mark, mismatch(name, must: "a mapping", not: node, isShown: false))
      self.node = nil
      return
    }
    self.node = node
    guard let keys else { return }
    for pair in pairs where !keys.contains(pair.key) {
      diagnostics.error(pair.keyMark, unknownKey(pair.key, in: path, known: keys))
    }
  }

  func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  func pair(_ key: String) -> YAMLPair? { node?.pairs?.first { $0.key == key } }

  func section(_ key: String, keys: [String]?) -> Section {
    Section(node?[key], path: path(to: key), keys: keys, diagnostics: diagnostics)
  }

  func bool(_ key: String) -> Bool? {
    guard let value = node?[key] else { return nil }
    if value.bool == nil {
      diagnostics.error(
        value.mark,
        mismatch(path(to: key), must: "true or false", not: value) + booleanAdvice(for: value))
    }
    return value.bool
  }

  func text(_ key: String, isSecret: Bool = false) -> String? {
    node?[key].flatMap { text($0, path: path(to: key), isSecret: isSecret) }
  }

  private func text(_ value: YAMLNode, path: String, isSecret: Bool = false) -> String? {
    if value.string == nil {
      diagnostics.error(
        value.mark,
        mismatch(path, must: "text", not: value, isShown: !isSecret)
          + textAdvice(for: value, isShown: !isSecret))
    } else if value.string?.isEmpty == true {
      diagnostics.error(value.mark, "\(path) is empty; write a value, or leave the key out")
      return nil
    }
    return value.string
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = node?[key] else { return nil }
    guard let number = value.int, range.contains(number) else {
      diagnostics.error(
        value.mark,
        mismatch(
          path(to: key), must: "a whole number from \(range.lowerBound) to \(range.upperBound)", not: value))
      return nil
    }
    return number
  }

  func duration(_ key: String) -> Duration? {
    guard let value = node?[key] else { return nil }
    guard let duration = value.string.flatMap({ try? DurationText.parse($0) }) else {
      diagnostics.error(
        value.mark, mismatch(path(to: key), must: "a duration such as 30s, 5m or 1h30m", not: value))
      return nil
    }
    return duration
  }

  /// The value of `key`, text that `convert` takes.
  func value<Value>(_ key: String, _ convert: (String) throws(ModelError) -> Value) -> Value? {
    node?[key].flatMap { converted($0, path: path(to: key), convert) }
  }

  /// The items of the list `key`, each text that `convert` takes; wrong ones are told of and left out.
  func list<Value>(
    _ key: String, of things: String, _ convert: (String) throws(ModelError) -> Value
  ) -> [(value: Value, mark: YAMLMark)]? {
    guard let value = node?[key] else { return nil }
    guard let items = value.items else {
      diagnostics.error(value.mark, mismatch(path(to: key), must: "a list of \(things)", not: value))
      return nil
    }
    return items.enumerated().compactMap { index, item in
      converted(item, path: "\(path(to: key))[\(index)]", convert).map { ($0, item.mark) }
    }
  }

  private func converted<Value>(
    _ value: YAMLNode, path: String, _ convert: (String) throws(ModelError) -> Value
  ) -> Value? {
    guard let text = text(value, path: path) else { return nil }
    do {
      return try convert(text)
    } catch {
      diagnostics.error(value.mark, "\(path): \(error)")
      return nil
    }
  }
}
