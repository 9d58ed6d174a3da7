/// What is wrong with a text, and where: `rollcall.yaml:3:5: …`.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file as the person named it.
  public let file: String
  public let mark: YAMLMark
  public let message: String

  public init(file: String, mark: YAMLMark, message: String) {
    self.file = file
    self.mark = mark
    self.message = message
  }

  public var description: String { "\(file):\(mark.line):\(mark.column): \(message)" }
}
