/// A place in a text: line and column, both counted from 1, columns in characters.
public struct YAMLMark: Hashable, Sendable {
  /// The line, from 1.
  public let line: Int
  /// The column in characters, from 1.
  public let column: Int

  /// The place at `line` and `column`, both from 1.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

extension YAMLMark: Comparable {
  public static func < (left: YAMLMark, right: YAMLMark) -> Bool {
    left.line != right.line ? left.line < right.line : left.column < right.column
  }
}

/// A part of a YAML document, with the place where it was written.
public struct YAMLNode: Hashable, Sendable {
  /// What a node may be.
  public enum Content: Hashable, Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    /// In the order in which it was written.
    case mapping([YAMLPair])
  }

  /// What the node is.
  public var content: Content
  /// Where it is written.
  public var mark: YAMLMark

  /// A node of `content`, written at `mark`.
  public init(_ content: Content, mark: YAMLMark = YAMLMark(line: 1, column: 1)) {
    self.content = content
    self.mark = mark
  }
}

/// A text, a number, a boolean or nothing: YAML tells them apart only by how they look.
public struct YAMLScalar: Hashable, Sendable {
  /// The text as it was written, without quotes.
  public var text: String
  /// Whether it was written without quotes, so that `true`, `12` and `null` aren't text.
  public var isPlain: Bool

  /// A scalar of `text`.
  public init(_ text: String, isPlain: Bool) {
    self.text = text
    self.isPlain = isPlain
  }
}

/// A key and its value. The key is a scalar.
public struct YAMLPair: Hashable, Sendable {
  /// The key.
  public var key: String
  /// Where the key is written.
  public var keyMark: YAMLMark
  /// What stands behind the key.
  public var value: YAMLNode

  /// `key: value`.
  public init(key: String, keyMark: YAMLMark = YAMLMark(line: 1, column: 1), value: YAMLNode) {
    self.key = key
    self.keyMark = keyMark
    self.value = value
  }
}
