/// Why a plugin can't be used: one line with the file, the reason and what would be right.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  /// What kind of refusal it is. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The code as text, for programs.
    public let description: String

    /// No file, or no plugin of that name.
    public static let notFound = Code(description: "not-found")
    /// The file isn't a whole shared library for this machine.
    public static let notALibrary = Code(description: "not-a-library")
    /// A shared library, but without the entry function.
    public static let notAPlugin = Code(description: "not-a-plugin")
    /// Others may write to the file or its folder.
    public static let unsafePermissions = Code(description: "unsafe-permissions")
    /// The system's loader refused it.
    public static let loadFailed = Code(description: "load-failed")
    /// It was made for another version of the boundary.
    public static let wrongVersion = Code(description: "wrong-version")
    /// It breaks a rule of the boundary.
    public static let malformed = Code(description: "malformed")
    /// Two files of one folder have the same plugin name.
    public static let duplicate = Code(description: "duplicate")
    /// A folder that is searched earlier has a plugin of the same name.
    public static let shadowed = Code(description: "shadowed")
    /// Loading took too long.
    public static let deadlineExceeded = Code(description: "deadline-exceeded")
  }

  /// What kind of refusal it is.
  public let code: Code
  /// The file that it is about; nil where none was found.
  public let file: String?
  /// The reason and what would be right, without the file.
  public let reason: String

  /// What led to it, where that is another error.
  public let cause: (any Error)?

  /// An error about `file`, or about no file in particular.
  public init(_ code: Code, file: String? = nil, _ reason: String, cause: (any Error)? = nil) {
    self.code = code
    self.file = file
    self.reason = reason
    self.cause = cause
  }

  public var description: String { file.map { "\($0): \(reason)" } ?? reason }
}

/// Two are equal that say the same, whatever led to them.
extension PluginError: Hashable {
  public static func == (left: PluginError, right: PluginError) -> Bool {
    left.code == right.code && left.file == right.file && left.reason == right.reason
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(file)
    hasher.combine(reason)
  }
}
