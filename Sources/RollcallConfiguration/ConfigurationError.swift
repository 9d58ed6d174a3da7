public import Documents

/// One thing that is wrong in a configuration file: `rollcall.yaml:3:5: …`. Never holds a secret.
public struct ConfigurationError: Error, Hashable, Sendable {
  /// The file as the person named it.
  public let file: String
  /// Where in the file; nil where it is about the file as a whole.
  public let mark: YAMLMark?
  /// One line that names the key, the value and what would be right, without a full stop.
  public let message: String

  /// An error at `mark` of `file`, or about the file as a whole.
  public init(file: String, mark: YAMLMark? = nil, message: String) {
    self.file = file
    self.mark = mark
    self.message = message
  }

  init(_ error: YAMLError) { self.init(file: error.file, mark: error.mark, message: error.message) }
}

extension ConfigurationError: Comparable {
  /// By file, then by place, what concerns the whole file first.
  public static func < (left: ConfigurationError, right: ConfigurationError) -> Bool {
    if left.file != right.file { return left.file < right.file }
    if left.mark != right.mark {
      guard let leftMark = left.mark else { return true }
      guard let rightMark = right.mark else { return false }
      return leftMark < rightMark
    }
    return left.message < right.message
  }
}

extension ConfigurationError: CustomStringConvertible {
  public var description: String {
    guard let mark else { return "\(file): \(message)" }
    return "\(file):\(mark.line):\(mark.column): \(message)"
  }
}

/// Everything that is wrong in a configuration file, in the order of the file.
public struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
  /// Sorted by place; never empty.
  public let errors: [ConfigurationError]

  /// One error, about `file` as a whole.
  public init(file: String, _ message: String) {
    self.init([ConfigurationError(file: file, message: message)])
  }

  init(_ errors: [ConfigurationError]) { self.errors = Set(errors).sorted() }

  /// A line for each error.
  public var description: String { errors.map(\.description).joined(separator: "\n") }
}
