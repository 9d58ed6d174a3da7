/// What is wrong with a text, and where: `rollcall.yaml:3:5: …`.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file as the person named it.
  public let file: String
  /// Where in the file.
  public let mark: YAMLMark
  /// One line that says what is wrong and what would be right.
  public let message: String

  /// An error at `mark` of `file`.
  public init(file: String, mark: YAMLMark, message: String) {
    self.file = file
    self.mark = mark
    self.message = message
  }

  public var description: String { "\(file):\(mark.line):\(mark.column): \(message)" }
}
