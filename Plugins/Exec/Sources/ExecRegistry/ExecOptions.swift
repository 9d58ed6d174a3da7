public import Inventories
import Logging
import Platform
public import RegistryKit
import RegistryProtocol

/// What a person writes in the registry's section.
public struct ExecOptions: RegistryOptions {
  /// The program and its arguments.
  public var command: [String] = []
  /// Whether it runs for good.
  public var stream = false
  /// In what form a program prints that is run once each time.
  public var format = InventoryFormat.auto
  /// How long to wait between two runs of a program that is run once each time.
  public var interval = Duration.seconds(30)
  /// How long one run may take; of a program that runs for good, until its first snapshot.
  public var timeout = Duration.seconds(30)
  /// How long it has to end after SIGTERM.
  public var grace = Duration.seconds(2)
  /// The most bytes that one run may print.
  public var maxOutput = 16 << 20
  /// Variables of its environment.
  public var environment: [String: String] = [:]
  /// Names of the host's variables that it has too.
  public var inherit = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]
  /// What the program is given as its options.
  public var programOptions = "{}"
  /// At what level what it prints as errors is logged.
  public var stderr = ErrorLevel.info

  /// A level of the log, or none.
  public enum ErrorLevel: String, Sendable, CaseIterable {
    case off, debug, info, notice, warning, error
  }

  public init() {}

  public static let options = OptionList<Self> {
    RegistryOption(
      "command", \.command, .list(of: .text(length: 1...4096), count: 1...256),
      "the program and its arguments; no shell reads them. A name without a slash is looked for in PATH, any other is "
        + "relative to the folder of the configuration file, in which the program runs"
    ).required
    RegistryOption(
      "stream", \.stream, .flag,
      "whether it runs for good, and prints a line for each change; else it is run each `interval`, and prints all"
    )
    RegistryOption(
      "interval", \.interval, .duration(in: .milliseconds(100) ... .seconds(86_400)),
      "how long after its end it is run again; without `stream`")
    RegistryOption(
      "format", \.format, .choice,
      "in what form it prints all that it knows, as static files have them; `auto`: lines of the protocol, or what the "
        + "content tells; without `stream`")
    RegistryOption(
      "timeout", \.timeout, .duration(in: .milliseconds(100) ... .seconds(3600)),
      "how long a run may take; with `stream`, until the first snapshot")
    RegistryOption(
      "grace", \.grace, .duration(in: .zero ... .seconds(4)),
      "how long it has to end after SIGTERM, which its whole process group gets; then that is killed")
    RegistryOption(
      "maxOutput", \.maxOutput, .integer(in: 1024...(64 << 20)),
      "the most bytes that one run may print; without `stream`")
    RegistryOption(
      "environment", \.environment, .map(of: .text(length: 0...32_768)), "variables of its environment")
    RegistryOption(
      "inherit", \.inherit, .list(of: .text(length: 1...256), count: 0...256),
      "names of variables that it has of the host's environment; it has no others")
    RegistryOption(
      "options", \.programOptions, .anyMapping,
      "what the program is given as its options, in the first line of its input and in `ROLLCALL_OPTIONS`")
    RegistryOption(
      "stderr", \.stderr, .choice, "at what level what it prints to the standard error is logged")
  }
}

/// The options, found to work.
struct ExecSettings: Sendable {
  let options: ExecOptions
  let program: ChildProgram
  let level: Logger.Level?

  /// The variable that has the options.
  static let optionsVariable = "ROLLCALL_OPTIONS"
  /// The most bytes of options that are handed over in the variable.
  private static let maximumVariable = 64 << 10

  init(_ options: ExecOptions, context: RegistryContext) throws(RegistryError) {
    try options.check()
    guard let command = options.command.first else {
      throw RegistryError(.invalidArgument, "no program is named; write `command: [./list-nodes]`")
    }
    for text in options.command + options.environment.flatMap({ [$0.key, $0.value] }) + options.inherit
    where text.utf8.contains(0) {
      throw RegistryError(.invalidArgument, "a zero byte can't be in a program's arguments or environment")
    }
    for name in Array(options.environment.keys) + options.inherit where name.isEmpty || name.contains("=") {
      throw RegistryError(.invalidArgument, "'\(name)' isn't the name of a variable: it has no '='")
    }
    var program = ChildProgram(command, Array(options.command.dropFirst()))
    program.inherited = Set(options.inherit)
    program.environment = options.environment
    if options.environment[Self.optionsVariable] == nil {
      let shown = try Self.withoutSecrets(options.programOptions)
      // The system takes no variable of 128 KiB; the input has all of them.
      if shown.utf8.count <= Self.maximumVariable { program.environment[Self.optionsVariable] = shown }
    }
    program.folder =
      context.baseDirectory.isEmpty || context.baseDirectory == "." ? nil : context.baseDirectory
    self.program = program
    self.options = options
    level = Logger.Level(rawValue: options.stderr.rawValue)
  }

  /// `options` without what is called like a secret: others of this user can read an environment.
  private static func withoutSecrets(_ options: String) throws(RegistryError) -> String {
    func shown(_ value: JSONValue) -> JSONValue {
      switch value {
      case .object(let members):
        .object(
          members.filter { !looksSecret($0.key) }.map { JSONValue.Member($0.key, shown($0.value)) })
      case .list(let items): .list(items.map(shown))
      default: value
      }
    }
    return shown(try OptionsSchema.object(options)).description
  }
}
