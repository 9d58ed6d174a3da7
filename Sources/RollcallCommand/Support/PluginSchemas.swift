import Logging
import PluginHost
import RegistryKit
import Rollcall

/// What options plugins take.
enum PluginSchemas {
  /// The schema of the options of `plugin`.
  static func schema(of plugin: LoadedPlugin) throws(PluginError) -> OptionsSchema {
    do throws(OptionsSchemaError) {
      return try OptionsSchema(json: plugin.descriptor.optionsSchema)
    } catch {
      throw PluginError(.malformed, file: plugin.file, error.message)
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
