/// What is wrong with a text, and where: `rollcall.yaml:3:5: …`.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file as the person named it.
  public let file: String
  /// Where in the file.
  public let mark: YAMLMark
  /// One line that says what is wrong and what would be right.
  public let message: String
  /// The item that it is about, `items[3]`, where that says more than a line; the mark is then its place among the
  /// others.
  package let item: String?

  /// An error at `mark` of `file`.
  public init(file: String, mark: YAMLMark, message: String) {
    self.file = file
    self.mark = mark
    self.message = message
    item = nil
  }

  /// An error about `item`, the one at `index` among its like.
  package init(file: String, item: String, index: Int, message: String) {
    self.file = file
    mark = YAMLMark(line: index + 1, column: 1)
    self.message = message
    self.item = item
  }

  public var description: String {
    item.map { "\(file): \($0): \(message)" } ?? "\(file):\(mark.line):\(mark.column): \(message)"
  }
}
