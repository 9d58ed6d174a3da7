public import ClusterModel

/// What this machine is to say of itself. What is nil is found out.
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
