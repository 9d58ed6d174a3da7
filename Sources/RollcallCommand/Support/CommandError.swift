/// What ends the command, told to the person line by line.
struct CommandError: Error, CustomStringConvertible {
  static let failure: Int32 = 1
  static let usage: Int32 = 2
  /// What is shown is only a part: a registry that is enabled isn't in it.
  static let partial: Int32 = 3
  /// What was waited for didn't come in time.
  static let late: Int32 = 4
  /// What was compared differs, and who asked wants to know by the exit code.
  static let different: Int32 = 5

  let lines: [String]
  let exitCode: Int32

  /// A failure: `message` names the thing, the value and what would be right.
  init(_ message: String) { self.init(lines: [message]) }

  init(lines: [String], exitCode: Int32 = CommandError.failure) {
    self.lines = lines
    self.exitCode = exitCode
  }

  /// A mistake on the command line.
  static func usage(_ message: String) -> CommandError {
    CommandError(lines: [message], exitCode: usage)
  }

  var description: String { lines.joined(separator: "; ") }
}

/// Who reads what is printed went away: `rollcall get members | head -1`.
struct OutputClosed: Error {}
