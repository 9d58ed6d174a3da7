public import AffiliateMerge
import ClusterModel
import Logging
import RegistryKit

/// What an aggregator runs: what a configuration file declares, or a program puts together.
public struct AggregatorDefinition: Sendable {
  /// The registries, in the order in which they are shown; disabled ones too.
  public var registries: [RegistryDefinition]
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes, see `MergePolicy`.
  public var precedence: [String]
  /// Addresses that tell no machines apart.
  public var ignoredAddresses: IgnoredAddresses
  /// What this machine is to say of itself, where it takes part.
  public var node: NodeSettings

  /// A definition of `registries`.
  public init(
    registries: [RegistryDefinition], precedence: [String] = [],
    ignoredAddresses: IgnoredAddresses = IgnoredAddresses(), node: NodeSettings = NodeSettings()
  ) {
    self.ignoredAddresses = ignoredAddresses
    self.registries = registries
    self.precedence = precedence
    self.node = node
  }
}

/// The registries that are to run side by side, checked to go together.
struct RegistryPlan: Sendable {
  let definitions: [RegistryDefinition]
  let policy: MergePolicy

  /// - Parameter descriptors: what is known of the plugins, by the registries' names.
  /// - Throws: where names or raw prefixes aren't what they may be, or clash.
  init(
    _ definitions: [RegistryDefinition], precedence: [String],
    ignoredAddresses: IgnoredAddresses = IgnoredAddresses(),
    descriptors: [String: RegistryDescriptor] = [:]
  ) throws(AggregatorError) {
    self.definitions = definitions
    var matching: [String: RegistryMatching] = [:]
    for definition in definitions where definition.disabled == nil {
      matching[definition.name] = definition.matching(descriptors[definition.name])
    }
    policy = MergePolicy(precedence: precedence, matching: matching, ignoredAddresses: ignoredAddresses)
    var names: Set<String> = []
    var prefixes: [String: String] = [:]
    for definition in definitions {
      let name = definition.name
      for text in [name, definition.prefix ?? name] where !RegistryName.isWellFormed(text) {
        throw AggregatorError(
          .invalidRegistries, "\(quoted(text)) can't name a registry or its raw ids: \(RegistryName.rule)")
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

  /// The plan of `definitions`, whose plugins are asked what they are.
  static func making(
    _ definitions: [RegistryDefinition], precedence: [String], ignoredAddresses: IgnoredAddresses
  ) async throws(AggregatorError) -> RegistryPlan {
    var descriptors: [String: RegistryDescriptor] = [:]
    for definition in definitions where definition.disabled == nil {
      // A plugin that can't be loaded is the registry's failure, told when it is run.
      descriptors[definition.name] = try? await definition.describe?()
    }
    return try RegistryPlan(
      definitions, precedence: precedence, ignoredAddresses: ignoredAddresses, descriptors: descriptors)
  }
}

extension RegistryDefinition {
  /// How its records are joined to nodes, as the person has it, else `descriptor`, the plugin's.
  func matching(_ descriptor: RegistryDescriptor?) -> RegistryMatching {
    let usual = descriptor?.matching ?? RegistryMatching()
    return RegistryMatching(keys: match ?? usual.keys, alone: alone ?? usual.alone)
  }

  /// Where the registry runs.
  func context(localNodeID: NodeIdentity?, logger: Logger) -> RegistryContext {
    RegistryContext(
      name: name, localNodeID: localNodeID, clusterID: plugin?.clusterID,
      clusterSecret: plugin?.clusterSecret?.revealed,
      stateDirectory: plugin?.stateDirectory.map { "\($0)/registries/\(name)" } ?? "",
      baseDirectory: plugin?.baseDirectory ?? ".", staleAfter: plugin?.staleAfter ?? retention.staleAfter,
      logger: logger)
  }
}
