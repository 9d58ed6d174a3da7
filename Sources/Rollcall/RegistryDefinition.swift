public import ClusterModel
public import RegistryKit

/// A registry that an aggregator runs: a Swift value, or what a plugin makes.
///
/// ```swift
/// RegistryDefinition(name: "rack", registry: Rack())
/// ```
public struct RegistryDefinition: Sendable {
  /// The registry's name: 1 to 64 of a-z, 0-9 and '-', a letter first. Unique within an aggregator.
  public var name: String
  /// What raw affiliate ids start with, unique within an aggregator. Nil: the plugin's prefix where the
  /// registry bears the plugin's name, else the registry's own name.
  public var prefix: String?
  /// Why it isn't run; nil where it is.
  public var disabled: String?
  /// What becomes of its records when it fails.
  public var retention: RetentionPolicy
  /// Whether its records are leases that nodes renew themselves; nil: what the plugin's descriptor says, and of a Swift
  /// value that they aren't.
  public var leases: Bool?
  /// By what its records without an identity are joined to nodes; nil: what the plugin's descriptor says, and of a
  /// Swift value that none are.
  public var match: [MatchKey]?
  /// What a machine is that nobody else knows; nil: what the plugin's descriptor says, and of a Swift value a member.
  public var alone: StandaloneRole?
  /// Returns what the plugin is, loading it if need be; nil where there is no plugin.
  let describe: (@Sendable () async throws -> RegistryDescriptor)?
  /// Makes the registry anew for each run.
  let make: @Sendable (RegistryContext) async throws -> any Registry
  /// What it was made of, to see at a reload whether it changed; nil for what a program gave itself.
  let plugin: PluginReference?

  /// A registry that is a Swift value, run again after each failure.
  public init(
    name: String, prefix: String? = nil, retention: RetentionPolicy = RetentionPolicy(),
    registry: any Registry
  ) {
    self.init(name: name, prefix: prefix, retention: retention) { _ in registry }
  }

  /// A registry that is made anew for each run; what `make` throws is the run's failure.
  public init(
    name: String, prefix: String? = nil, retention: RetentionPolicy = RetentionPolicy(),
    make: @escaping @Sendable (RegistryContext) async throws -> any Registry
  ) {
    self.name = name
    self.prefix = prefix
    self.retention = retention
    self.make = make
    describe = nil
    plugin = nil
  }

  /// A registry that a plugin makes.
  public init(
    name: String, plugin: PluginReference, from source: any PluginSource,
    retention: RetentionPolicy = RetentionPolicy()
  ) {
    self.name = name
    self.retention = retention
    self.plugin = plugin
    let source = plugin.isIsolated ? source.isolated : source
    describe = { try await source.plugin(named: plugin.name, settings: plugin.settings).descriptor }
    make = { context in
      let available = try await source.plugin(named: plugin.name, settings: plugin.settings)
      var context = context
      if !available.descriptor.wantsClusterSecret { context.clusterSecret = nil }
      return try await available.make(plugin.options, context)
    }
  }

  /// What raw ids start with, as `descriptor`, the plugin's, has it.
  func rawPrefix(_ descriptor: RegistryDescriptor?) -> String {
    if let prefix { return prefix }
    return descriptor.flatMap { $0.name == name ? $0.prefix : nil } ?? name
  }
}

/// Which plugin makes a registry, and from what. A registry is made anew at a reload where this is another one.
public struct PluginReference: Hashable, Sendable {
  /// The plugin's name.
  public var name: String
  /// A JSON object, valid by the plugin's schema.
  public var options: String
  /// Where plugins are looked for: only of account while the plugin hasn't been found.
  public var settings: PluginSettings
  /// Text that the cluster's nodes share; nil where none is configured.
  public var clusterID: String?
  /// The cluster's secret as base64 text; nil where none is configured.
  public var clusterSecret: Secret?
  /// What relative paths in the options are relative to.
  public var baseDirectory: String
  /// The folder below which registries keep what is theirs; nil: nothing is kept.
  public var stateDirectory: String?
  /// Whether the registry runs in a process of its own.
  public var isIsolated: Bool
  /// For how long what the registry can no longer find still counts, where that is to make it anew when it changes;
  /// nil: what its retention says when it is made.
  public var staleAfter: Duration?

  /// The plugin called `name`; what isn't given isn't there.
  public init(
    name: String, options: String = "{}", settings: PluginSettings = PluginSettings(),
    clusterID: String? = nil,
    clusterSecret: Secret? = nil, baseDirectory: String = ".", stateDirectory: String? = nil,
    isIsolated: Bool = false, staleAfter: Duration? = nil
  ) {
    self.isIsolated = isIsolated
    self.staleAfter = staleAfter
    self.name = name
    self.options = options
    self.settings = settings
    self.clusterID = clusterID
    self.clusterSecret = clusterSecret
    self.baseDirectory = baseDirectory
    self.stateDirectory = stateDirectory
  }
}
