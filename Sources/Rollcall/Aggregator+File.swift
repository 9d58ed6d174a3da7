public import LocalNode
public import Logging
import RegistryKit
import RollcallConfiguration

extension Aggregator {
  /// An aggregator of what the file at `path` declares, and of `registries` beside it: otherwise as
  /// ``init(configuration:registries:plugins:localNode:options:logger:)``.
  ///
  /// - Throws: `ConfigurationErrors`, everything that is wrong with the file, each with its place. Options are
  ///   checked by the schemas of the plugins that are there.
  public convenience init(
    configurationFile path: String, registries: [RegistryDefinition] = [],
    plugins: (any PluginSource)? = nil, localNode: LocalNodeProvider? = nil,
    options: AggregatorOptions = AggregatorOptions(), logger: Logger = Logger(label: "rollcall")
  ) async throws {
    let plugins = plugins ?? InstalledPlugins(logger: logger)
    let names = registries.map(\.name)
    // Read twice: which plugins' schemas are needed stands in the file itself.
    let declared = try ConfigurationFile.load(path, inProcess: names)
    let schemas = await Self.schemas(declared, from: plugins)
    let configuration = try ConfigurationFile.load(path, inProcess: names) { configuration in
      var known = configuration
      known.cluster.discovery.registries.removeAll { schemas[$0.plugin] == nil }
      return known.check { try schemas[$0]?.get() }
    }
    try await self.init(
      configuration: configuration, registries: registries, plugins: plugins, localNode: localNode,
      options: options, logger: logger)
  }

  /// The schemas of the enabled registries' plugins that are there, by the plugins' names.
  private static func schemas(
    _ configuration: Configuration, from plugins: any PluginSource
  ) async -> [String: Result<OptionsSchema, any Error>] {
    var schemas: [String: Result<OptionsSchema, any Error>] = [:]
    for registry in configuration.cluster.discovery.registries where registry.disabled == nil {
      // One that isn't there is its registry's failure, told when it is run.
      guard schemas[registry.plugin] == nil,
        let plugin = try? await plugins.plugin(named: registry.plugin, settings: configuration.plugins)
      else { continue }
      schemas[registry.plugin] = Result { try OptionsSchema(json: plugin.descriptor.optionsSchema) }
    }
    return schemas
  }
}
