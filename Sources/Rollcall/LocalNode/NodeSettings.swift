public import ClusterModel

/// What this machine is to say of itself. What is nil is found out.
public struct NodeSettings: Hashable, Sendable {
  /// Whether this machine takes part; else it is a mere observer, neither published nor listed.
  public var publish: Bool
  /// The machine's name for itself; nil: the kernel's.
  public var hostname: String?
  /// The name of its Kubernetes Node; nil: the hostname in lower case.
  public var nodename: String?
  /// What it is for; nil: a control plane where it has an API server's port, else a worker.
  public var machineType: MachineType?
  /// Where it is reached; nil: found out.
  public var addresses: [IPAddress]?
  /// Found addresses outside these networks are left out; empty: none are.
  public var includeNetworks: [IPPrefix]
  /// Found addresses within these networks are left out.
  public var excludeNetworks: [IPPrefix]
  /// For people; nil: what os-release says.
  public var operatingSystem: String?
  /// The port of this machine's API server; nil: it has none.
  public var controlPlanePort: UInt16?
  /// Further networks that are reached through it.
  public var additionalAddresses: [IPPrefix]
  /// Its labels.
  public var labels: NodeLabels
  /// Whether what others know of this machine stays when the daemon stops: for upgrades, after which it comes back at
  /// once. Its lease runs out by itself where it doesn't.
  public var keepOnExit: Bool

  /// Settings; what isn't given is found out.
  public init(
    publish: Bool = true, hostname: String? = nil, nodename: String? = nil, machineType: MachineType? = nil,
    addresses: [IPAddress]? = nil, includeNetworks: [IPPrefix] = [], excludeNetworks: [IPPrefix] = [],
    operatingSystem: String? = nil, controlPlanePort: UInt16? = nil, additionalAddresses: [IPPrefix] = [],
    labels: NodeLabels = NodeLabels(), keepOnExit: Bool = false
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
    self.labels = labels
    self.keepOnExit = keepOnExit
  }
}
