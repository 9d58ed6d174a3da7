import Platform
import Rollcall
import RollcallConfiguration

/// Reads configuration files and checks them with the plugins that they name.
enum CheckedConfiguration {
  /// The configuration in the file at `path`, which is read once.
  ///
  /// - Throws: everything that is wrong with it at once, wrong options of plugins too.
  static func load(_ path: String) async throws(ConfigurationErrors) -> Configuration {
    try await checked(try ConfigurationFile.read(path))
  }

  /// The configuration in the file at `path`, to take the place of `running`: as ``load(_:)``, and what it changes can
  /// be made by its plugins.
  ///
  /// - Throws: also where the file is empty or being written to: what runs isn't given up for that.
  static func load(
    _ path: String, after running: Configuration
  ) async throws(ConfigurationErrors) -> Configuration {
    let declared = try ConfigurationFile.read(path)
    if declared.isBeingWritten {
      throw ConfigurationErrors(
        file: path, "the file is being written to; reload when its writer has closed it")
    }
    if declared.isBlank {
      throw ConfigurationErrors(
        file: path, "the file is empty; to run no registry, write `cluster: {discovery: {enabled: false}}`")
    }
    let configuration = try await checked(declared)
    if running.isRunning, configuration.cluster.discovery.isEnabled,
      !configuration.cluster.discovery.registries.contains(where: { $0.isDeclared })
    {
      throw ConfigurationErrors(
        file: path,
        "it has no registries any more, and some run; to run none, write `cluster: {discovery: {enabled: false}}`"
      )
    }
    let problems = await configuration.creationProblems(
      plugins: InstalledPlugins(logger: .silent), after: running)
    return try declared.checked(problems)
  }

  /// Everything that is wrong with the file at `path`, also what only shows when its registries are made; nothing of
  /// it is run.
  static func problems(_ path: String) async -> (errors: [ConfigurationError], warnings: [ConfigurationError])
  {
    do throws(ConfigurationErrors) {
      var configuration = try await load(path)
      try configuration.takeNodename(environment(Configuration.nodenameVariable))
      let plugins = InstalledPlugins(logger: .silent)
      var errors = await configuration.creationProblems(plugins: plugins)
      do throws(AggregatorError) {
        // Whether the registries go together.
        _ = try await Aggregator(configuration: configuration, plugins: plugins, logger: .silent)
      } catch {
        errors.append(ConfigurationError(file: path, message: error.message))
      }
      return (errors, configuration.warnings)
    } catch {
      return (error.errors, [])
    }
  }

  private static func checked(
    _ declared: DeclaredConfiguration
  ) async throws(ConfigurationErrors) -> Configuration {
    guard declared.arePluginsKnown else { return try declared.checked([]) }
    let schemas = await OptionsSchemas(of: declared.configuration, from: InstalledPlugins(logger: .silent))
    return try declared.checked(schemas.problems(of: declared.configuration))
  }
}

extension Configuration {
  /// Whether a registry runs by it.
  fileprivate var isRunning: Bool {
    cluster.discovery.isEnabled && cluster.discovery.registries.contains { $0.disabled == nil }
  }
}

extension RegistrySettings {
  /// Whether the file says something of it, if only that it is disabled; or it runs without that.
  fileprivate var isDeclared: Bool { written != nil || disabled == nil }
}
