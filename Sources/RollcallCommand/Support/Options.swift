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

/// How much is logged.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How much is logged: trace, debug, info, notice, warning, error.", valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)))
  var logLevel: LogLevel = LogLevel(level: .info)
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
