import ArgumentParser
import ClusterResources
import Documents
import Platform
import PluginHost
import RegistryConformance
import RegistryKit
import Rollcall
import RollcallConfiguration

/// `rollcall plugins check`
struct PluginsCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that a plugin, or a program, keeps the rules of a registry.",
    discussion: """
      Makes registries of it with the options given, and checks that the first update is a snapshot, that a stop \
      ends it, that nothing comes after it, and that it runs again. It publishes nothing. Then it says what it saw: \
      nodes, what works and what doesn't, log lines, exported symbols. Where there is no first snapshot within ten \
      seconds, that is the one failure.

        rollcall plugins check static-file --options '{"path": "members.yaml"}'
        rollcall plugins check ./librollcall-rack.so

      With --exec it runs a program that speaks the line protocol (Docs/Registry-protocol.md), once each time or for good \
      as it turns out, and checks its lines too:

        rollcall plugins check --exec ./nodes.py --options '{"path": "machines.txt"}'
      """)

  @Argument(help: "The plugin's name, or its file.", completion: Suggestions.plugins)
  var name: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("A program and its arguments, in place of a plugin.", valueName: "program"),
    completion: .file())
  var exec: [String] = []

  @Option(
    help: ArgumentHelp("The registry's options, as in its section of the configuration.", valueName: "json"))
  var options = "{}"

  @OptionGroup var configuration: ConfigurationOptions

  func run() async throws {
    switch (name, exec.isEmpty) {
    case (let name?, true): try await checkPlugin(name)
    case (nil, false): try await checkProgram()
    default: throw CommandError.usage("name a plugin, or a program with --exec")
    }
  }

  private func checkProgram() async throws {
    let document = try readOptions()
    let folder = try PrivateFolder("check")
    defer { folder.remove() }
    let check = ProgramCheck(
      command: exec, options: YAML.json(of: document), stateDirectory: folder.path)
    let (about, report) = try await check.report()
    try show(about, report, ObservationText.text(report.observation, of: nil))
  }

  private func show(_ about: String, _ report: ConformanceReport, _ seen: String) throws {
    let lines = [about] + report.description.lines.filter { !$0.isEmpty }.map(String.init)
    try Terminal.write(lines.map { $0.shown + "\n" }.joined() + "\n" + seen)
    guard report.isPassed else { throw ExitCode.failure }
  }

  private func checkPlugin(_ name: String) async throws {
    let catalog = try PluginFolders.catalog(configuration)
    let plugin = try await PluginFolders.plugin(name, in: catalog)
    let options = try checkedOptions(of: plugin)
    // What a registry keeps goes with the check; what it leaves is for the person to look at.
    let folder = try PrivateFolder("check")
    defer { folder.remove() }
    let (name, state) = (plugin.descriptor.name, folder.path)
    let report = await RegistryConformance.check { logger in
      plugin.registry(
        options: options, context: RegistryContext(name: name, stateDirectory: state, logger: logger),
        stopTimeout: .seconds(4))
    }
    try show(
      "\(plugin.descriptor.name) \(plugin.descriptor.version), \(plugin.file)", report,
      ObservationText.text(report.observation, of: plugin))
  }

  /// The options as a JSON object that the plugin's schema takes.
  private func checkedOptions(of plugin: LoadedPlugin) throws -> String {
    let document = try readOptions()
    let problems = plugin.optionsSchema.validate(options: document, file: Self.file)
    guard problems.isEmpty else {
      throw CommandError(lines: problems.map(\.description), exitCode: CommandError.usage)
    }
    return YAML.json(of: document)
  }

  private static let file = "--options"

  private func readOptions() throws -> YAMLNode {
    do {
      let stream = try YAML.parse(options.utf8, file: Self.file)
      guard let document = stream.documents.first, stream.documents.count == 1, document.pairs != nil else {
        throw CommandError.usage("--options takes one JSON object, such as '{\"path\": \"members.yaml\"}'")
      }
      guard stream.duplicateKeys.isEmpty else {
        throw CommandError(lines: stream.duplicateKeys.map(\.description), exitCode: CommandError.usage)
      }
      return document
    } catch let error as YAMLError {
      throw CommandError.usage(error.description)
    }
  }
}
