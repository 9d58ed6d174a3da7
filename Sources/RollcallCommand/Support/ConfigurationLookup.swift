import ClusterResources
import Platform
import Rollcall
import RollcallConfiguration

/// Finds and reads the configuration.
enum ConfigurationLookup {
  /// What was found.
  struct Loaded: Sendable {
    let configuration: Configuration
    /// The file; nil where there is none.
    let file: String?

    /// In words, where the registries come from.
    var origin: String {
      if let file { return "configuration \(file)" }
      let hasFiles = configuration.cluster.discovery.registries.contains { $0.disabled == nil }
      return hasFiles ? "no configuration: the files of members in this folder are taken" : "no configuration"
    }

    /// Whether nothing was found to show a cluster by.
    var isEmpty: Bool { file == nil && configuration.reasonsForBeingOff != nil }

    /// Tells a person on the standard error where to start, if nothing was found to show a cluster by.
    func adviseIfEmpty() {
      if isEmpty { Terminal.note(ConfigurationLookup.advice) }
    }
  }

  /// What to write to get more, where there is no configuration.
  static let advice =
    "there is no configuration file: `rollcall gen config > rollcall.yaml` writes one to start from"

  /// The file that is read: the one named by an option, by `ROLLCALL_CONFIG`, or the first that exists of
  /// `./rollcall.yaml` and `/etc/rollcall/rollcall.yaml`; nil where none of them is there.
  static func file(option: String?) -> String? {
    if let option { return option }
    if let path = environment("ROLLCALL_CONFIG"), !path.isEmpty { return path }
    return ["rollcall.yaml", "/etc/rollcall/rollcall.yaml"].first(where: FilePaths.exists)
  }

  /// The configuration, checked with the plugins that it names, and with the state folder filled in.
  ///
  /// - Throws: ``CommandError`` with everything that is wrong with the file.
  static func load(_ options: ConfigurationOptions) async throws -> Loaded {
    try await load(file(option: options.config), options, after: nil)
  }

  /// The configuration again, from the file that `running` is from: another one that is found when that is gone is
  /// none that anybody chose. Who began without a file gets one that is there now.
  ///
  /// - Throws: ``CommandError`` with everything that is wrong with the file; where it is gone or empty too.
  static func reload(_ options: ConfigurationOptions, after running: Loaded) async throws -> Loaded {
    let loaded = try await load(running.file ?? file(option: options.config), options, after: running)
    if loaded.file == nil, loaded.configuration.reasonsForBeingOff != nil { throw CommandError(advice) }
    return loaded
  }

  private static func load(
    _ file: String?, _ options: ConfigurationOptions, after running: Loaded?
  ) async throws -> Loaded {
    var configuration: Configuration
    do throws(ConfigurationErrors) {
      if let file, let running {
        configuration = try await CheckedConfiguration.load(file, after: running.configuration)
      } else if let file {
        configuration = try await CheckedConfiguration.load(file)
      } else {
        configuration = try folderConfiguration()
      }
      try configuration.takeNodename(environment(Configuration.nodenameVariable))
    } catch {
      throw CommandError(lines: error.errors.map(\.description))
    }
    configuration.stateDirectory = try StateFolder.path(
      option: options.state, configured: configuration.stateDirectory)
    return Loaded(configuration: configuration, file: file)
  }

  /// The configuration in `file`, not yet checked with its plugins; where it is nil, that of the current
  /// folder.
  static func read(_ file: String?) throws -> Configuration {
    do throws(ConfigurationErrors) {
      var configuration = if let file { try ConfigurationFile.load(file) } else { try folderConfiguration() }
      try configuration.takeNodename(environment(Configuration.nodenameVariable))
      return configuration
    } catch {
      throw CommandError(lines: error.errors.map(\.description))
    }
  }

  /// Files of members that are taken where there is no configuration, as patterns, each with what must be there
  /// for it.
  private static let memberFiles: [(path: String, pattern: String)] = [
    ("members.yaml", "members.yaml"), ("members.json", "members.json"),
    ("members.d", "members.d/*"),
  ]

  /// The configuration where there is no file: the files of members in the current folder, if any.
  ///
  /// It is a configuration like any other: the command itself knows no plugin.
  private static func folderConfiguration() throws(ConfigurationErrors) -> Configuration {
    let patterns = memberFiles.filter { FilePaths.exists($0.path) }.map(\.pattern)
    let text = """
      cluster:
        discovery:
          registries:
            members:
              plugin: static-file
              paths: [\(patterns.joined(separator: ", "))]
      """
    var configuration = try ConfigurationFile.parse(
      (patterns.isEmpty ? "" : text).utf8, file: "the built-in configuration")
    configuration.file = nil
    return configuration
  }
}
