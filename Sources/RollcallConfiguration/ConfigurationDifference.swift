import RegistryKit

/// What a reload changes.
public struct ConfigurationDifference: Hashable, Sendable {
  /// Names of registries that are enabled now and weren't before, in the order of the new configuration.
  public var added: [String] = []
  /// Names of registries that were enabled and aren't any more, in the order of the old configuration.
  public var removed: [String] = []
  /// Names of registries that are enabled before and now, and must be run anew as something that concerns
  /// them is different.
  public var changed: [String] = []
  /// Names of registries that run on as they are.
  public var unchanged: [String] = []
  /// Whether the order of registries in the merge is different.
  public var isMergeChanged: Bool
  /// Whether what is said of the local node is different.
  public var isNodeChanged: Bool

  /// Whether nothing needs to be done.
  public var isEmpty: Bool {
    added.isEmpty && removed.isEmpty && changed.isEmpty && !isMergeChanged && !isNodeChanged
  }

  public init(from old: Configuration, to new: Configuration) {
    isMergeChanged = old.merge != new.merge
    isNodeChanged = old.node != new.node
    let oldRegistries = Self.enabled(old)
    let newRegistries = Self.enabled(new)
    let shared = Shared(old) == Shared(new)
    let before = Dictionary(oldRegistries.map { ($0.name, $0) }) { first, _ in first }
    let now = Set(newRegistries.map(\.name))
    for registry in newRegistries {
      if let earlier = before[registry.name] {
        if shared, earlier == registry {
          unchanged.append(registry.name)
        } else {
          changed.append(registry.name)
        }
      } else {
        added.append(registry.name)
      }
    }
    removed = oldRegistries.map(\.name).filter { !now.contains($0) }
  }

  private static func enabled(_ configuration: Configuration) -> [RegistrySettings] {
    configuration.cluster.discovery.registries.filter { $0.disabled == nil }
  }

  /// What concerns every registry.
  private struct Shared: Equatable {
    let id: String?
    let secret: Secret?
    let baseDirectory: String
    let stateDirectory: String?

    init(_ configuration: Configuration) {
      id = configuration.cluster.id
      secret = configuration.cluster.secret
      baseDirectory = configuration.baseDirectory
      stateDirectory = configuration.stateDirectory
    }
  }
}
