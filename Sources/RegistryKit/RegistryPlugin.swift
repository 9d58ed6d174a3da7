public import ClusterModel
public import Logging

/// A registry that is made from options in a configuration file: what a plugin exports.
///
/// ```swift
/// import RegistryKit
///
/// @c public func registry_plugin_entry_v1() -> PluginEntry { .exporting(Rack.self) }
/// ```
public protocol RegistryPlugin: Registry {
  /// What a person writes beside `disabled` and `plugin` in the registry's section.
  associatedtype Options: Decodable & Sendable

  /// What the plugin is. The same each time.
  static var descriptor: RegistryDescriptor { get }

  /// Makes the registry. Fast: nothing is connected or read that could take longer than a moment.
  ///
  /// - Parameter options: decoded from JSON that is valid by the descriptor's schema.
  /// - Throws: where the options can't work; the message is told to the person who wrote them.
  init(options: Options, context: RegistryContext) throws
}

/// What a plugin is, for the host and for people.
public struct RegistryDescriptor: Hashable, Sendable {
  /// Unique among plugins: 1 to 64 of a-z, 0-9 and '-', a letter first.
  public var name: String
  /// The plugin's version, for people.
  public var version: String
  /// What raw affiliate ids start with, `k8s` of `k8s/…`. Written as a name is.
  public var prefix: String
  /// One line that says what it is.
  public var summary: String
  /// A JSON Schema of the options, as JSON text; `registry_plugin.h` lists the keywords that are checked.
  public var optionsSchema: String
  /// Whether the plugin publishes what this node says of itself: whether it reads
  /// ``RegistrySession/desired``.
  public var publishes: Bool
  /// Whether its records are leases that nodes renew themselves: one that ends means that nobody renewed it.
  ///
  /// Lists that somebody writes (files, API objects) aren't leases, however often they are read: membership isn't
  /// liveness.
  public var leases: Bool
  /// How records without an identity are joined to nodes, where the person doesn't say it by `match:` and `alone:`.
  /// Without keys none is.
  public var matching: RegistryMatching
  /// Whether the plugin needs the cluster's secret; others never see it.
  public var wantsClusterSecret: Bool

  /// A descriptor; the prefix is the name where none is given.
  public init(
    name: String, version: String, prefix: String? = nil, summary: String,
    optionsSchema: String = #"{"type":"object"}"#, publishes: Bool = false, leases: Bool = false,
    matching: RegistryMatching = RegistryMatching(), wantsClusterSecret: Bool = false
  ) {
    self.name = name
    self.version = version
    self.prefix = prefix ?? name
    self.summary = summary
    self.optionsSchema = optionsSchema
    self.publishes = publishes
    self.leases = leases
    self.matching = matching
    self.wantsClusterSecret = wantsClusterSecret
  }
}

/// Where a registry runs.
public struct RegistryContext: Sendable {
  /// The registry's name in the configuration, for messages.
  public var name: String
  /// This node, to be left out of snapshots and updates; nil for a mere observer.
  public var localNodeID: NodeIdentity?
  /// The cluster's id, where one is configured. Opaque text.
  public var clusterID: String?
  /// The cluster's secret as base64 text, where one is configured and the descriptor asks for it.
  public var clusterSecret: String?
  /// The path of a folder that is the registry's own; it may not exist yet. Empty: nothing is kept.
  public var stateDirectory: String
  /// The path of the folder that relative paths in the options are relative to.
  public var baseDirectory: String
  /// For how long what the registry can no longer find still counts, as the person wants it who wrote the
  /// configuration. Zero: not at all.
  public var staleAfter: Duration
  /// The program that runs the registry.
  public var host: HostProgram
  /// Logs to the host's log.
  public var logger: Logger

  /// A context; what isn't given isn't there.
  public init(
    name: String, localNodeID: NodeIdentity? = nil, clusterID: String? = nil, clusterSecret: String? = nil,
    stateDirectory: String = "", baseDirectory: String = ".", staleAfter: Duration = .zero,
    host: HostProgram = .rollcall, logger: Logger
  ) {
    self.staleAfter = staleAfter
    self.host = host
    self.name = name
    self.localNodeID = localNodeID
    self.clusterID = clusterID
    self.clusterSecret = clusterSecret
    self.stateDirectory = stateDirectory
    self.baseDirectory = baseDirectory
    self.logger = logger
  }
}

/// The program that runs registries.
public struct HostProgram: Hashable, Sendable {
  /// Its name: `rollcall`.
  public var name: String
  /// Its version, for people.
  public var version: String

  /// The program called `name`.
  public init(name: String, version: String) {
    self.name = name
    self.version = version
  }

  /// This release.
  public static let rollcall = HostProgram(name: "rollcall", version: RollcallVersion.current)
}

/// The options of a plugin that has none.
public struct NoOptions: Decodable, Sendable {
  public init() {}
}
