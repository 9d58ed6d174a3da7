public import Logging
import PluginHost
import RegistryKit

/// The plugins that are shared libraries in the machine's folders.
///
/// They are looked for in the folders of `ROLLCALL_PLUGIN_PATH`, then in those of `plugins.path`, then beside
/// the program, each time that one is asked for, so that one that is put there later is found.
public struct InstalledPlugins: PluginSource {
  private let logger: Logger
  /// How long a plugin may take to stop: less than the aggregator gives a registry, so that the plugin's host
  /// can tell what happened.
  private let stopTimeout: Duration

  /// The machine's plugins; what is found on the way is logged to `logger`.
  public init(logger: Logger = Logger(label: "rollcall"), stopTimeout: Duration = .seconds(4)) {
    self.logger = logger
    self.stopTimeout = stopTimeout
  }

  public func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    let catalog = PluginCatalog(
      directories: .standard(configured: settings.path),
      allowUnsafePermissions: settings.allowUnsafePermissions,
      logger: logger)
    let plugin = try await catalog.plugin(named: name)
    let stopTimeout = stopTimeout
    return AvailablePlugin(
      descriptor: plugin.descriptor, check: { try await plugin.check(options: $0, context: $1) }
    ) { options, context in
      plugin.registry(options: options, context: context, stopTimeout: stopTimeout)
    }
  }
}
