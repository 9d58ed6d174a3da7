import ArgumentParser
import ClusterResources
import Rollcall
import RollcallConfiguration

/// `rollcall config`
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check a configuration file, show the effective configuration.",
    subcommands: [ConfigCheck.self, ConfigShow.self])
}

/// `rollcall config check`
struct ConfigCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Tell everything that is wrong with a configuration file.",
    discussion: """
      Each error is told as file:line:column: message. The plugins that the file names are loaded, and make the \
      registries without running them, as they know best what can work. What is wrong with a registry that is \
      disabled is a warning.

      With --data the files that registries name are looked at: those that can't be read, and what is wrong in files \
      of nodes, which the registries that read nothing but files are run for.

        rollcall config check rollcall.yaml --data
      """)

  @Argument(
    help: "The file; without it the one that the other commands would take.",
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String?

  @Flag(help: "Look at the files that registries name, too.")
  var data = false

  func run() async throws {
    guard let file = ConfigurationLookup.file(option: file) else {
      throw CommandError(ConfigurationLookup.advice)
    }
    // Without a prefix: editors and people click on file:line:column.
    let problems = await CheckedConfiguration.problems(file, data: data)
    for warning in problems.warnings { Terminal.line(warning.asWarning.shown + "\n") }
    for error in problems.errors { Terminal.line(error.description.shown + "\n") }
    guard problems.errors.isEmpty else { throw ExitCode.failure }
    try Terminal.write("\(file.shown): ok\n")
  }
}

extension ConfigurationError {
  /// As compilers write a warning: `rollcall.yaml:3:5: warning: …`.
  fileprivate var asWarning: String {
    ConfigurationError(file: file, mark: mark, message: "warning: \(message)").description
  }
}

/// `rollcall config show`
struct ConfigShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the effective configuration: defaults filled in, secrets left out.")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let file = ConfigurationLookup.file(option: options.config)
    var configuration = try ConfigurationLookup.read(file)
    configuration.stateDirectory = try StateFolder.path(
      option: options.state, configured: configuration.stateDirectory)
    let schemas = await OptionsSchemas(of: configuration, from: InstalledPlugins(logger: .silent))
    let source = file.map { "# \($0.shown)\n" } ?? "# no configuration file: what is done without one\n"
    try Terminal.write(source + configuration.redactedText(schemas: schemas.usable))
  }
}
