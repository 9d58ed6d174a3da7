/// An affiliate that is a node of the cluster: one that has a nodename, by which it is called.
public struct Member: Hashable, Sendable, Identifiable {
  /// The nodename.
  public let id: String
  public let nodeID: NodeIdentity
  public let addresses: [IPAddress]
  public let hostname: String
  public let machineType: MachineType
  public let operatingSystem: String
  public let controlPlane: ControlPlane?

  /// The member that `affiliate` is, or nil where it has no nodename.
  public init?(_ affiliate: Affiliate) {
    guard !affiliate.nodename.isEmpty else { return nil }
    id = affiliate.nodename
    nodeID = affiliate.nodeID
    addresses = affiliate.addresses
    hostname = affiliate.hostname
    machineType = affiliate.machineType
    operatingSystem = affiliate.operatingSystem
    controlPlane = affiliate.controlPlane
  }
}

extension Member: Comparable {
  /// By nodename, then by identity: two nodes may claim one nodename.
  public static func < (left: Member, right: Member) -> Bool {
    left.id != right.id ? left.id < right.id : left.nodeID < right.nodeID
  }
}
