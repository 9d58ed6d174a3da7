import ArgumentParser
import Logging

/// Which configuration and which state: what all verbs that look at a cluster take.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .long],
    help: ArgumentHelp(
      "The configuration file.",
      discussion: "Without it: $ROLLCALL_CONFIG, ./rollcall.yaml, /etc/rollcall/rollcall.yaml.",
      valueName: "file"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var config: String?

  @Option(
    help: ArgumentHelp("The folder in which the node keeps its identity.", valueName: "folder"),
    completion: .directory)
  var state: String?
}

/// How the log of a long-running verb is written, to the standard error.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How much is logged: trace, debug, info, notice, warning, error.", valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)))
  var logLevel: LogLevel = LogLevel(level: .info)

  @Option(
    help: ArgumentHelp("How a line is written: text for people, json for programs.", valueName: "format"))
  var logFormat = LogFormat.text

  /// Lets every logger of the process write as the options say. Once in a process.
  ///
  /// - Returns: what sets the levels while it runs.
  @discardableResult
  func bootstrap() -> LogLevels {
    let (levels, format) = (LogLevels(logLevel.level), logFormat)
    LoggingSystem.bootstrap { LineLogHandler(label: $0, levels: levels, format: format) }
    return levels
  }
}

/// How a line of the log is written.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
  /// `time level message key=value`.
  case text
  /// A JSON object with `time`, `level`, `message`, and a field for each of the entry's own.
  case json
}

/// A level of the log, as an option.
struct LogLevel: ExpressibleByArgument {
  let level: Logger.Level

  init(level: Logger.Level) { self.level = level }

  init?(argument: String) {
    guard let level = Logger.Level(rawValue: argument.lowercased()) else { return nil }
    self.init(level: level)
  }

  var defaultValueDescription: String { level.rawValue }
  static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }
}
