public import ClusterModel

/// A registry, as the merge knows it.
public struct RegistryID: Hashable, Sendable {
  /// The registry's name in the configuration.
  public let name: String
  /// What the registry's raw ids start with: `k8s` of `k8s/…`. Unique among registries, without a slash.
  public let prefix: String

  /// The registry called `name`, whose raw ids start with `prefix`.
  public init(name: String, prefix: String) {
    self.name = name
    self.prefix = prefix
  }

  /// One of the registry's sources, as an origin of records.
  public func origin(_ source: RegistrySource = .only) -> RecordOrigin {
    RecordOrigin(registry: name, prefix: prefix, source: source.name)
  }
}

/// Where records are from: a registry, and one of its sources where it has several.
public struct RecordOrigin: Hashable, Sendable {
  /// The registry's name in the configuration.
  public let registry: String
  /// What the registry's raw ids start with: `k8s` of `k8s/…`. Unique among registries.
  public let prefix: String
  /// The source's name; empty where the registry has only one.
  public let source: String

  /// The source of a registry; an empty name where it has only one.
  public init(registry: String, prefix: String, source: String = "") {
    self.registry = registry
    self.prefix = prefix
    self.source = source
  }

  /// What raw ids of this origin start with: `k8s`, or with a source `service:eu.example.org`.
  public var rawPrefix: String { source.isEmpty ? prefix : "\(prefix):\(source)" }
}

extension RecordOrigin: CustomStringConvertible {
  public var description: String { rawPrefix }
}

/// The name of a raw affiliate, `k8s/2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF`: its origin, and its id.
///
/// Ordered by node, then by ``RecordOrigin/rawPrefix`` as text.
public struct RawID: Hashable, Sendable {
  /// Where the record is from.
  public let origin: RecordOrigin
  /// The record's id: the node's identity, or a local id.
  public let nodeID: NodeIdentity

  /// The name of the record that `origin` has under the id `nodeID`.
  public init(origin: RecordOrigin, nodeID: NodeIdentity) {
    self.origin = origin
    self.nodeID = nodeID
  }
}

extension RawID: CustomStringConvertible {
  public var description: String { "\(origin.rawPrefix)/\(nodeID)" }
}
