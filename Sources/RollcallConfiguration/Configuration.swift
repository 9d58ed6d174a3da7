public import ClusterModel
public import RegistryKit

/// What a configuration file says, defaults filled in: the effective configuration.
public struct Configuration: Hashable, Sendable {
  /// The file that it was read from; nil where there is none.
  public var file: String?
  public var cluster: ClusterSettings
  public var plugins: PluginSettings
  public var merge: MergeSettings
  public var node: NodeSettings
  /// The folder in which the node keeps its identity; nil: the command's default.
  public var stateDirectory: String?
  /// What a person should know of the file although it can be used.
  public var warnings: [ConfigurationError] = []

  /// The folder that relative paths are relative to: the file's.
  public var baseDirectory: String { file.map(folder(of:)) ?? "." }

  public init(
    file: String? = nil, cluster: ClusterSettings = .init(), plugins: PluginSettings = .init(),
    merge: MergeSettings = .init(), node: NodeSettings = .init(), stateDirectory: String? = nil
  ) {
    self.file = file
    self.cluster = cluster
    self.plugins = plugins
    self.merge = merge
    self.node = node
    self.stateDirectory = stateDirectory
  }
}

/// `cluster:`
public struct ClusterSettings: Hashable, Sendable {
  /// `cluster.id`: opaque text.
  public var id: String?
  /// `cluster.secret`, or what `cluster.secretFile` holds: base64 text of 32 bytes.
  public var secret: Secret?
  /// The path of the file that the secret was read from.
  public var secretFile: String?
  public var discovery: DiscoverySettings

  public init(
    id: String? = nil, secret: Secret? = nil, secretFile: String? = nil,
    discovery: DiscoverySettings = .init()
  ) {
    self.id = id
    self.secret = secret
    self.secretFile = secretFile
    self.discovery = discovery
  }
}

/// `cluster.discovery:`
public struct DiscoverySettings: Hashable, Sendable {
  public var isEnabled: Bool
  /// Every registry, enabled or not, in the order of the file, those that it doesn't name last.
  ///
  /// Two are always there. `service` is enabled where the cluster's id and secret are set, and by being named
  /// in the file. `kubernetes` is enabled only by `disabled: false`.
  public var registries: [RegistrySettings]

  public init(isEnabled: Bool = true, registries: [RegistrySettings] = []) {
    self.isEnabled = isEnabled
    self.registries = registries
  }
}

/// `plugins:`
public struct PluginSettings: Hashable, Sendable {
  /// Folders in which plugins are looked for, after those of `ROLLCALL_PLUGIN_PATH`.
  public var path: [String]
  /// Whether plugins that others may write to are loaded all the same.
  public var allowUnsafePermissions: Bool

  public init(path: [String] = [], allowUnsafePermissions: Bool = false) {
    self.path = path
    self.allowUnsafePermissions = allowUnsafePermissions
  }
}

/// `merge:`
public struct MergeSettings: Hashable, Sendable {
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes.
  public var precedence: [String]

  public init(precedence: [String] = []) { self.precedence = precedence }
}

/// `node:`, what this machine tells of itself. What is nil is found out.
public struct NodeSettings: Hashable, Sendable {
  /// Whether this machine takes part; else it is a mere observer, neither published nor listed.
  public var publish: Bool
  public var hostname: String?
  public var nodename: String?
  public var machineType: MachineType?
  public var addresses: [IPAddress]?
  /// Found addresses outside these networks are left out; empty: none are.
  public var includeNetworks: [IPPrefix]
  /// Found addresses within these networks are left out.
  public var excludeNetworks: [IPPrefix]
  public var operatingSystem: String?
  /// The port of this machine's API server; nil: it has none.
  public var controlPlanePort: UInt16?
  public var additionalAddresses: [IPPrefix]

  public init(
    publish: Bool = true, hostname: String? = nil, nodename: String? = nil, machineType: MachineType? = nil,
    addresses: [IPAddress]? = nil, includeNetworks: [IPPrefix] = [], excludeNetworks: [IPPrefix] = [],
    operatingSystem: String? = nil, controlPlanePort: UInt16? = nil, additionalAddresses: [IPPrefix] = []
  ) {
    self.publish = publish
    self.hostname = hostname
    self.nodename = nodename
    self.machineType = machineType
    self.addresses = addresses
    self.includeNetworks = includeNetworks
    self.excludeNetworks = excludeNetworks
    self.operatingSystem = operatingSystem
    self.controlPlanePort = controlPlanePort
    self.additionalAddresses = additionalAddresses
  }
}
