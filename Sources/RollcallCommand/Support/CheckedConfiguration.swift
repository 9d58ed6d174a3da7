import Rollcall
import RollcallConfiguration

/// Reads configuration files and checks them with the plugins that they name.
enum CheckedConfiguration {
  /// The configuration in the file at `path`, which is read once.
  ///
  /// - Throws: everything that is wrong with it at once, wrong options of plugins too.
  static func load(_ path: String) async throws(ConfigurationErrors) -> Configuration {
    let declared = try ConfigurationFile.read(path)
    guard declared.arePluginsKnown else { return try declared.checked([]) }
    let schemas = await OptionsSchemas(of: declared.configuration, from: InstalledPlugins(logger: .silent))
    return try declared.checked(schemas.problems(of: declared.configuration))
  }
}
