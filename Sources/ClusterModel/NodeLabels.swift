/// A node's labels: text by key, in the order of the keys.
public struct NodeLabels: Hashable, Sendable {
  /// The most labels of a node.
  public static let maximumCount = 64
  /// The most bytes of a node's keys and values together.
  public static let maximumLength = 4096

  private var pairs: [Pair] = []

  private struct Pair: Hashable, Sendable {
    let key: String
    let value: String
  }

  /// No labels.
  public init() {}

  /// The labels of `values`.
  ///
  /// - Throws: ``ModelError`` that names the label and what would be right: too many, too long, an empty key,
  ///   or a control character.
  public init(_ values: [String: String]) throws(ModelError) {
    guard values.count <= Self.maximumCount else {
      throw ModelError("a node has at most \(Self.maximumCount) labels, not \(values.count)")
    }
    var length = 0
    for (key, value) in values {
      length += key.utf8.count + value.utf8.count
      guard !key.isEmpty else {
        throw ModelError("a label's key can't be empty (its value is \(quoted(value)))")
      }
      for text in [key, value]
      where text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
        throw ModelError(
          "label \(quoted(key)) has a control character in \(quoted(text)); it is one line of text")
      }
    }
    guard length <= Self.maximumLength else {
      throw ModelError("a node's labels have at most \(Self.maximumLength) bytes, not \(length)")
    }
    pairs = values.sorted { $0.key < $1.key }.map { Pair(key: $0.key, value: $0.value) }
  }

  /// Labels that were checked when they came, each key once. Of several registries they may be more than
  /// ``maximumCount`` together.
  package init(merging values: [String: String]) {
    pairs = values.sorted { $0.key < $1.key }.map { Pair(key: $0.key, value: $0.value) }
  }

  /// Whether there are no labels.
  public var isEmpty: Bool { pairs.isEmpty }
  /// How many labels there are.
  public var count: Int { pairs.count }

  /// The value of `key`; nil where there is no such label.
  public subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }
}

extension NodeLabels: Sequence {
  public typealias Element = (key: String, value: String)

  /// The labels in the order of their keys.
  public func makeIterator() -> AnyIterator<(key: String, value: String)> {
    var rest = pairs[...]
    return AnyIterator { rest.popFirst().map { ($0.key, $0.value) } }
  }
}
