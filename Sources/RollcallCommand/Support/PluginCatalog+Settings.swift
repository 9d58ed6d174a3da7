import Logging
import PluginHost
import Rollcall

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
