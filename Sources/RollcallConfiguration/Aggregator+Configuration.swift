public import Logging
public import Rollcall

extension Configuration {
  /// What an aggregator is to run for it, its plugins from `source`.
  public func definition(plugins source: any PluginSource) -> AggregatorDefinition {
    AggregatorDefinition(
      registries: cluster.discovery.registries.map { registry($0, from: source) },
      precedence: merge.precedence, ignoredAddresses: merge.ignoredAddresses, node: node)
  }

  private func registry(_ settings: RegistrySettings, from source: any PluginSource) -> RegistryDefinition {
    var definition = RegistryDefinition(
      name: settings.name,
      plugin: PluginReference(
        name: settings.plugin, options: settings.options, settings: plugins, clusterID: cluster.id,
        clusterSecret: cluster.secret, baseDirectory: baseDirectory, stateDirectory: stateDirectory,
        isIsolated: settings.isIsolated, staleAfter: settings.retention.staleAfter),
      from: source, retention: settings.retention)
    definition.disabled = settings.disabled
    definition.leases = settings.leases
    definition.match = settings.match
    definition.alone = settings.alone
    if !cluster.discovery.isEnabled, definition.disabled == nil { definition.disabled = "discovery is off" }
    return definition
  }
}

extension Aggregator {
  /// An aggregator of what `configuration` declares, and of `registries` beside it.
  ///
  /// - Parameters:
  ///   - plugins: where the plugins that the configuration names come from; nil: `InstalledPlugins`.
  ///   - localNode: what this node says of itself, on which the configuration's `node:` section is
  ///     applied; nil for a mere observer.
  /// - Throws: where names or raw prefixes clash. A plugin that isn't found is no error: its registry has
  ///   failed, and is tried again.
  public convenience init(
    configuration: Configuration, registries: [RegistryDefinition] = [],
    plugins: (any PluginSource)? = nil, localNode: LocalNodeProvider? = nil,
    options: AggregatorOptions = AggregatorOptions(), logger: Logger = Logger(label: "rollcall")
  ) async throws(AggregatorError) {
    try await self.init(
      configuration.definition(plugins: plugins ?? InstalledPlugins(logger: logger)), registries: registries,
      localNode: localNode, options: options, logger: logger)
  }

  /// An aggregator of what the file at `path` declares, which is read once: otherwise as
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
    let declared = try ConfigurationFile.read(path, inProcess: registries.map(\.name))
    let schemas = await OptionsSchemas(of: declared.configuration, from: plugins)
    let configuration = try declared.checked(
      schemas.problems(of: declared.configuration, ignoresMissing: true))
    try await self.init(
      configuration: configuration, registries: registries, plugins: plugins, localNode: localNode,
      options: options, logger: logger)
  }

  /// Takes on `configuration` in place of what ran before: as `reload(_:)` with what it declares.
  @discardableResult
  public func reload(
    _ configuration: Configuration, plugins: any PluginSource
  ) async throws -> ReloadSummary {
    try await reload(configuration.definition(plugins: plugins))
  }
}
