import Rollcall
import RollcallConfiguration

/// Reads configuration files and checks them with the plugins that they name.
enum CheckedConfiguration {
  /// The configuration in the file at `path`.
  ///
  /// - Throws: everything that is wrong with it at once, wrong options of plugins too.
  static func load(_ path: String) async throws(ConfigurationErrors) -> Configuration {
    // Read twice: which plugins know what their options may be stands in the file itself.
    var declared: Configuration?
    let unchecked: ConfigurationErrors?
    do throws(ConfigurationErrors) {
      _ = try ConfigurationFile.load(path) { configuration in
        declared = configuration
        return []
      }
      unchecked = nil
    } catch {
      unchecked = error
    }
    guard let declared else {
      if let unchecked { throw unchecked }
      return try ConfigurationFile.load(path)
    }
    let schemas = await PluginSchemas.of(declared)
    return try ConfigurationFile.load(path) { schemas.problems(of: $0) }
  }
}
