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

  /// What is wrong with a file.
  struct Problems {
    /// What keeps it from being run.
    var errors: [ConfigurationError] = []
    /// What a person should know although it can be run: of disabled registries also what would keep them from running.
    var warnings: [ConfigurationError] = []
  }

  /// Everything that is wrong with the file at `path`, also what only shows when its registries are made; nothing of
  /// it is run.
  ///
  /// - Parameter data: whether the files that its registries name are looked at too; those registries that read
  ///   nothing but files are run for that.
  static func problems(_ path: String, data: Bool = false) async -> Problems {
    let plugins = InstalledPlugins(logger: .silent)
    do throws(ConfigurationErrors) {
      let declared = try ConfigurationFile.read(path)
      var configuration = declared.configuration
      var problems = Problems(errors: declared.errors, warnings: configuration.warnings)
      // What plugins say where it isn't known which they are, or what they are given, would mislead.
      guard declared.arePluginsKnown else { return problems.inOrder }
      let schemas = await OptionsSchemas(of: configuration, from: plugins)
      problems.errors += schemas.problems(of: configuration)
      problems.warnings += schemas.warnings(of: configuration)
      guard declared.errors.isEmpty else { return problems.inOrder }
      let faulty = schemas.faulty(in: configuration)
      do throws(ConfigurationErrors) {
        try configuration.takeNodename(environment(Configuration.nodenameVariable))
      } catch {
        problems.errors += error.errors
      }
      problems.errors += await configuration.creationProblems(plugins: plugins, but: faulty)
      problems.warnings += await configuration.creationWarnings(plugins: plugins, but: faulty)
      if data {
        let files = await configuration.dataProblems(plugins: plugins, but: faulty)
        problems.errors += files.errors
        problems.warnings += files.warnings
      }
      if problems.errors.isEmpty {
        do throws(AggregatorError) {
          // Whether the registries go together.
          _ = try await Aggregator(configuration: configuration, plugins: plugins, logger: .silent)
        } catch {
          problems.errors.append(ConfigurationError(file: path, message: error.message))
        }
      }
      return problems.inOrder
    } catch {
      return Problems(errors: error.errors)
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

extension CheckedConfiguration.Problems {
  /// The same in the order of the file, each once.
  fileprivate var inOrder: Self {
    CheckedConfiguration.Problems(errors: Set(errors).sorted(), warnings: Set(warnings).sorted())
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
