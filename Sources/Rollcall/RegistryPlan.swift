import ClusterModel
import Logging
import RegistryKit
import RollcallConfiguration

/// The registries that are to run side by side, checked to go together.
struct RegistryPlan: Sendable {
  var definitions: [RegistryDefinition]
  var policy: MergePolicy

  /// - Throws: where names or raw prefixes aren't what they may be, or clash.
  ///
  /// - Parameter descriptors: what is known of the plugins, by the registries' names.
  init(
    _ definitions: [RegistryDefinition], policy: MergePolicy, descriptors: [String: RegistryDescriptor] = [:]
  ) throws(AggregatorError) {
    self.definitions = definitions
    self.policy = policy
    var names: Set<String> = []
    var prefixes: [String: String] = [:]
    for definition in definitions {
      let name = definition.name
      for text in [name, definition.prefix ?? name] where !Self.isName(text) {
        throw AggregatorError(
          .invalidRegistries,
          "'\(text.prefix(80))' can't name a registry or its raw ids: they have 1 to 64 of a-z, 0-9 and '-', "
            + "a letter first")
      }
      guard names.insert(name).inserted else {
        throw AggregatorError(.invalidRegistries, "there are two registries called '\(name)'")
      }
      guard definition.disabled == nil else { continue }
      let prefix = definition.rawPrefix(descriptors[name])
      if let other = prefixes.updateValue(name, forKey: prefix) {
        throw AggregatorError(
          .invalidRegistries,
          "the raw ids of registries '\(other)' and '\(name)' would both start with '\(prefix)/': "
            + "rename one of them")
      }
    }
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
      return false
    }
    return text.utf8.count <= 64
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
      }
  }
}

extension RegistryDefinition {
  /// What `settings` of `configuration` declare, its plugin from `source`.
  init(_ settings: RegistrySettings, in configuration: Configuration, from source: any PluginSource) {
    let plugins = configuration.plugins
    let plugin = settings.plugin
    let options = settings.options
    self.init(
      name: settings.name, onFailure: settings.onFailure, staleAfter: settings.staleAfter,
      make: { context in
        let plugin = try await source.plugin(named: plugin, settings: plugins)
        var context = context
        if !plugin.descriptor.wantsClusterSecret { context.clusterSecret = nil }
        return try await plugin.make(options, context)
      })
    describe = { try await source.plugin(named: plugin, settings: plugins).descriptor }
    disabled = settings.disabled
    if !configuration.cluster.discovery.isEnabled, disabled == nil { disabled = "discovery is off" }
    origin = Origin(
      plugin: plugin, options: options, plugins: plugins, clusterID: configuration.cluster.id,
      clusterSecret: configuration.cluster.secret, baseDirectory: configuration.baseDirectory,
      stateDirectory: configuration.stateDirectory)
  }

  /// What the registry is told of where it runs.
  func context(localNodeID: NodeIdentity?, logger: Logger) -> RegistryContext {
    RegistryContext(
      name: name, localNodeID: localNodeID, clusterID: origin?.clusterID,
      clusterSecret: origin?.clusterSecret?.revealed,
      stateDirectory: origin?.stateDirectory.map { "\($0)/registries/\(name)" } ?? "",
      baseDirectory: origin?.baseDirectory ?? ".", logger: logger)
  }
}
