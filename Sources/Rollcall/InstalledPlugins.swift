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

  public var isolated: any PluginSource { IsolatedPlugins(command: nil, stopTimeout: stopTimeout) }

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

/// The machine's plugins, none of which is loaded into this process: each registry of theirs is a process of its own.
///
/// They are looked for in the same folders as those of ``InstalledPlugins``.
public struct IsolatedPlugins: PluginSource {
  private let command: [String]?
  private let stopTimeout: Duration

  /// - Parameters:
  ///   - command: a program that is `rollcall`, and its first arguments; nil: this one where it is called so, else the
  ///     one in PATH.
  ///   - stopTimeout: how long a process has to end, less than the aggregator gives a registry.
  public init(command: [String]? = nil, stopTimeout: Duration = .seconds(4)) {
    self.command = command
    self.stopTimeout = stopTimeout
  }

  public func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
    let launcher = PluginLauncher(
      command: command, directories: .standard(configured: settings.path),
      allowUnsafePermissions: settings.allowUnsafePermissions)
    let plugin = try await IsolatedPlugin(named: name, launcher: launcher)
    let stopTimeout = stopTimeout
    return AvailablePlugin(
      descriptor: plugin.descriptor, check: { try await plugin.check(options: $0, context: $1) }
    ) { options, context in
      plugin.registry(options: options, context: context, stopTimeout: stopTimeout)
    }
  }
}
