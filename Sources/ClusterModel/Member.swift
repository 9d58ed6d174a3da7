/// An affiliate that is a node of the cluster: one that has a nodename, by which it is called.
///
/// Equal to another one where all that it has of its affiliate is: what WireGuard needs isn't a member's.
public struct Member: Sendable, Identifiable {
  private let affiliate: Affiliate

  /// The member that `affiliate` is, or nil where it has no nodename.
  public init?(_ affiliate: Affiliate) {
    guard !affiliate.isEmpty(.nodename) else { return nil }
    self.affiliate = affiliate
  }

  /// The nodename.
  public var id: String { affiliate.nodename }
  /// The identity of the node.
  public var nodeID: NodeIdentity { affiliate.nodeID }
  /// The addresses at which the node itself is reached.
  public var addresses: [IPAddress] { affiliate.addresses }
  /// The node's name for itself.
  public var hostname: String { affiliate.hostname }
  /// What the machine is for in its cluster.
  public var machineType: MachineType { affiliate.machineType }
  /// The operating system for people: `Talos (v1.3.0)`.
  public var operatingSystem: String { affiliate.operatingSystem }
  /// The API server of a control-plane node.
  public var controlPlane: ControlPlane? { affiliate.controlPlane }
}

extension Member: Hashable {
  public static func == (left: Member, right: Member) -> Bool {
    let (left, right) = (left.affiliate, right.affiliate)
    if left.isIdentical(to: right) { return true }
    return left.isEqual(.nodename, to: right) && left.nodeID == right.nodeID
      && left.isEqual(.addresses, to: right) && left.isEqual(.hostname, to: right)
      && left.machineType == right.machineType && left.isEqual(.operatingSystem, to: right)
      && left.controlPlane == right.controlPlane
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(nodeID)
    hasher.combine(addresses)
    hasher.combine(hostname)
    hasher.combine(machineType)
    hasher.combine(operatingSystem)
    hasher.combine(controlPlane)
  }
}

extension Member: Comparable {
  /// By nodename, then by identity: two nodes may claim one nodename.
  public static func < (left: Member, right: Member) -> Bool {
    left.id != right.id ? left.id < right.id : left.nodeID < right.nodeID
  }
}
