public import ClusterModel

/// This node within KubeSpan: the resource `KubeSpanIdentity` without its secret.
public struct MeshIdentity: Hashable, Sendable {
  /// The node's address, 128 bits long.
  public var address: IPPrefix
  /// The network of all nodes, 64 bits long.
  public var subnet: IPPrefix
  /// The WireGuard public key: base64 of 32 bytes.
  public var publicKey: String

  /// The node that is so.
  public init(address: IPPrefix, subnet: IPPrefix, publicKey: String) {
    self.address = address
    self.subnet = subnet
    self.publicKey = publicKey
  }
}

/// How the mesh is at one moment: what resources, the page, metrics and the command show of it.
public struct MeshReport: Hashable, Sendable {
  /// A device that carries the mesh.
  public struct Device: Hashable, Sendable {
    /// The link's name.
    public var interface: String
    /// Whether the kernel has it, or a program beside it.
    public var isKernel: Bool
    /// The UDP port that it listens on; 0: none.
    public var listenPort: UInt16
    /// Bytes of a packet within it.
    public var mtu: UInt32

    /// The device that is so.
    public init(interface: String, isKernel: Bool, listenPort: UInt16, mtu: UInt32) {
      self.interface = interface
      self.isKernel = isKernel
      self.listenPort = listenPort
      self.mtu = mtu
    }
  }

  /// What goes wrong, and since when.
  public struct Problem: Hashable, Sendable {
    /// One line that names what, and what would be right.
    public var message: String
    /// Since when, as people are shown it.
    public var since: Timestamp

    /// Something that goes wrong.
    public init(_ message: String, since: Timestamp) {
      self.message = message
      self.since = since
    }
  }

  /// A contradiction between peers, and since when there is one.
  public struct Dispute: Hashable, Sendable {
    public var conflict: PeerConflict
    /// Since when, as people are shown it.
    public var since: Timestamp

    /// The contradiction.
    public init(_ conflict: PeerConflict, since: Timestamp) {
      self.conflict = conflict
      self.since = since
    }
  }

  /// When it was so, as people are shown it.
  public var moment: Timestamp
  /// This node; nil: its key or address can't be had, of which ``problem`` tells.
  public var identity: MeshIdentity?
  /// What carries the mesh; nil: there is no device.
  public var device: Device?
  /// The peers, by node id.
  public var specs: [PeerSpec]
  /// How they are, by node id.
  public var statuses: [PeerStatus]
  /// Where peers are up that didn't list it, by node id; what is shown of it depends on ``isHarvesting``.
  public var harvested: [HarvestedEndpoint]
  /// Whether `harvestExtraEndpoints` is on.
  public var isHarvesting: Bool
  /// The nodes with a public key that are no peers, and why.
  public var omissions: [NodeIdentity: PeerOmission]
  /// Where peers contradict each other, always in the same order.
  public var disputes: [Dispute]
  /// The nodes that are peers only because they were, as no registry can be asked.
  public var kept: Set<NodeIdentity>
  /// Why there is no mesh, or why the last pass didn't end; nil: it did.
  public var problem: Problem?
  /// What a person should know although the mesh stands.
  public var warnings: [String]
  /// How many passes there were.
  public var passCount: UInt64
  /// When peers are down for longer than `degradedAfter`: which, by node id.
  public var overdue: [NodeIdentity]

  /// The report of a mesh without peers.
  public init(moment: Timestamp) {
    self.moment = moment
    identity = nil
    device = nil
    specs = []
    statuses = []
    harvested = []
    isHarvesting = false
    omissions = [:]
    disputes = []
    kept = []
    problem = nil
    warnings = []
    passCount = 0
    overdue = []
  }
}

extension MeshReport {
  /// What becomes of `address` as one of `affiliate`'s, which is of about the same state of the cluster.
  ///
  /// - Parameter localID: this node; nil where it has no identity.
  public func fate(of address: IPAddress, of affiliate: Affiliate, localID: NodeIdentity?) -> PeerPlan.Fate {
    // Who has no identity holds nothing either.
    let local = PeerPlan.LocalPeer(
      nodeID: localID ?? affiliate.nodeID, address: localID == nil ? nil : identity?.address.address)
    return PeerPlan.fate(of: address, of: affiliate, among: specs, omissions: omissions, local: local)
  }

  /// What people are shown for `node`: its nodename, else its identity.
  public func label(of node: NodeIdentity) -> String {
    let label = specs.first { $0.nodeID == node }?.label ?? ""
    return label.isEmpty ? node.text : label
  }
}
