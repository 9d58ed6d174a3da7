import Logging
import PluginHost
import Rollcall
import RollcallConfiguration

/// The schemas of the options of the plugins that a configuration names.
struct PluginSchemas {
  /// By the plugin's name; what kept a plugin from being loaded, where it is there and can't be.
  private var found: [String: Result<OptionsSchema, CommandError>] = [:]

  /// The schemas of those that could be loaded.
  var loaded: [String: OptionsSchema] { found.compactMapValues { try? $0.get() } }

  /// Loads the plugins of all registries that the file doesn't disable.
  static func of(_ configuration: Configuration) async -> PluginSchemas {
    let catalog = PluginCatalog(configuration.plugins, logger: .silent)
    var schemas = PluginSchemas()
    let registries = configuration.cluster.discovery.registries
    for name in Set(registries.filter { $0.disabled == nil || $0.written != nil }.map(\.plugin)) {
      do throws(PluginError) {
        let plugin = try await catalog.plugin(named: name)
        schemas.found[name] = .success(try schema(of: plugin))
      } catch {
        if error.code != .notFound { schemas.found[name] = .failure(CommandError(error.description)) }
      }
    }
    return schemas
  }

  /// The schema of the options of `plugin`.
  static func schema(of plugin: LoadedPlugin) throws(PluginError) -> OptionsSchema {
    do throws(OptionsSchemaError) {
      return try OptionsSchema(json: plugin.descriptor.optionsSchema)
    } catch {
      throw PluginError(.malformed, file: plugin.file, error.message)
    }
  }

  /// What is wrong with the registries' options in `configuration`.
  func problems(of configuration: Configuration) -> [ConfigurationError] {
    configuration.check(plugins: Array(loaded.keys)) { try found[$0]?.get() }
  }
}

extension PluginCatalog {
  /// The plugins that a configuration with `settings` has.
  convenience init(_ settings: PluginSettings, logger: Logger) {
    self.init(
      directories: .standard(configured: settings.path),
      allowUnsafePermissions: settings.allowUnsafePermissions, logger: logger)
  }
}

extension Logger {
  /// Logs nothing: what a one-shot command has to say goes to the person another way.
  static let silent = Logger(label: "rollcall") { _ in SwiftLogNoOpLogHandler() }
}
