import ArgumentParser
import ClusterResources
import PluginHost
import Rollcall
import RollcallConfiguration

/// `rollcall plugins`
struct PluginsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins",
    abstract: "List plugins, show what they take, check one, run one by itself.",
    discussion: """
      Plugins are looked for in the folders of ROLLCALL_PLUGIN_PATH, of plugins.path in the configuration, and \
      beside the executable.
      """,
    subcommands: [PluginsList.self, PluginsShow.self, PluginsCheck.self, PluginsRun.self])
}

/// The plugins that a configuration has.
enum PluginFolders {
  /// The folders are read from the configuration; one that can't be read as a whole has none.
  static func catalog(_ options: ConfigurationOptions) throws -> PluginCatalog {
    let file = ConfigurationLookup.file(option: options.config)
    return PluginCatalog(try ConfigurationLookup.read(file).plugins, logger: .silent)
  }

  /// The plugin that `name` means: the file where it is a path, else the plugin of that name.
  static func plugin(_ name: String, in catalog: PluginCatalog) async throws -> LoadedPlugin {
    do throws(PluginError) {
      return try await find(name, in: catalog)
    } catch {
      throw CommandError(error.description)
    }
  }

  static func find(_ name: String, in catalog: PluginCatalog) async throws(PluginError) -> LoadedPlugin {
    name.contains("/") || name.hasSuffix(".so")
      ? try await catalog.plugin(at: name) : try await catalog.plugin(named: name)
  }
}

/// `rollcall plugins list`
struct PluginsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the plugins that there are.",
    discussion: "Files that look like plugins and can't be used are told on the standard error.")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let listings = try await PluginFolders.catalog(options).all()
    var rows = [["NAME", "VERSION", "PREFIX", "FILE", "SUMMARY"]]
    for listing in listings {
      switch listing.result {
      case .success(let plugin):
        let descriptor = plugin.descriptor
        rows.append(
          [
            descriptor.name, descriptor.version, descriptor.prefix, plugin.file, descriptor.summary,
          ].map(\.shown))
      case .failure(let error): Terminal.error(error.description)
      }
    }
    var table = TextTable()
    try Terminal.write(table.text(of: rows))
  }
}

/// `rollcall plugins show`
struct PluginsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what a plugin is and which options it takes.")

  @Argument(help: "The plugin's name, or its file.", completion: Suggestions.plugins)
  var name: String

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let catalog = try PluginFolders.catalog(options)
    let plugin = try await PluginFolders.plugin(name, in: catalog)
    try Terminal.write(PluginText.text(of: plugin))
  }
}
