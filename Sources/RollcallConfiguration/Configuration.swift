public import AffiliateMerge
public import KubeSpan
public import Outputs
import Platform
public import RegistryKit
public import Rollcall

/// What a configuration file says, defaults filled in: the effective configuration.
public struct Configuration: Hashable, Sendable {
  /// The file that it was read from; nil where there is none.
  public var file: String?
  /// `cluster:`
  public var cluster: ClusterSettings
  /// `plugins:`
  public var plugins: PluginSettings
  /// `merge:`
  public var merge: MergeSettings
  /// `node:`
  public var node: NodeSettings
  /// `history:`
  public var history: HistoryRetention
  /// `http:`; nil: it is only served over the Unix socket.
  public var http: HTTPSettings?
  /// The folder in which the node keeps its identity; nil: the command's default.
  public var stateDirectory: String?
  /// `kubespan:`; nil: the mesh is off.
  public var kubeSpan: KubeSpanSettings?
  /// `outputs:`, in the order of the file.
  public var outputs: [OutputDefinition] = []
  /// `hooks:`, in the order of the file.
  public var hooks: [HookDefinition] = []
  /// What a person should know of the file although it can be used.
  public var warnings: [ConfigurationError] = []

  /// The folder that relative paths are relative to: the file's.
  public var baseDirectory: String { file.map(FilePaths.folder(of:)) ?? "." }

  /// A configuration as if it had been written.
  public init(
    file: String? = nil, cluster: ClusterSettings = .init(), plugins: PluginSettings = .init(),
    merge: MergeSettings = .init(), node: NodeSettings = .init(), history: HistoryRetention = .init(),
    http: HTTPSettings? = nil, stateDirectory: String? = nil
  ) {
    self.file = file
    self.cluster = cluster
    self.plugins = plugins
    self.merge = merge
    self.node = node
    self.history = history
    self.http = http
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
  /// `cluster.discovery:`
  public var discovery: DiscoverySettings

  /// A cluster; without an id and a secret it has no discovery service.
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
  /// Whether any registry is run.
  public var isEnabled: Bool
  /// Every registry, enabled or not, in the order of the file, those that it doesn't name last.
  ///
  /// Two are always there. `service` is enabled where the cluster's id and secret are set, and by being named
  /// in the file. `kubernetes` is enabled only by `disabled: false`.
  public var registries: [RegistrySettings]
  /// What the file has under names that can't name a registry: it is never run, and is looked into all the same, so
  /// that what is wrong is told at once.
  public var misnamed: [RegistrySettings] = []

  /// These registries.
  public init(isEnabled: Bool = true, registries: [RegistrySettings] = []) {
    self.isEnabled = isEnabled
    self.registries = registries
  }
}

/// `merge:`
public struct MergeSettings: Hashable, Sendable {
  /// Names of registries from the strongest to the weakest; empty: the rule of existing nodes.
  public var precedence: [String]

  /// `match:`: addresses that tell no machines apart.
  public var ignoredAddresses: IgnoredAddresses

  /// The registries of `precedence`, the strongest first.
  public init(precedence: [String] = [], ignoredAddresses: IgnoredAddresses = IgnoredAddresses()) {
    self.precedence = precedence
    self.ignoredAddresses = ignoredAddresses
  }
}
