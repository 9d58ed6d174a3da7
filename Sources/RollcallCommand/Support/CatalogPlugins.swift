import Logging
import PluginHost
import Rollcall

/// The plugins in the folders that the environment, the configuration and the executable name.
struct CatalogPlugins: PluginSource {
  let logger: Logger

  func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    let plugin = try await PluginCatalog(settings, logger: logger).plugin(named: name)
    return AvailablePlugin(descriptor: plugin.descriptor) { options, context in
      plugin.registry(options: options, context: context)
    }
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
