public import ClusterModel
public import Lifecycle

/// A member as lists for other programs have it: one row, in texts, as it is in a snapshot or in the API's documents.
public struct ExportedMember: Hashable, Sendable {
  /// The nodename.
  public var id: String
  /// The node's identity.
  public var nodeID: String
  /// The node's name for itself; empty where nobody said it.
  public var hostname: String
  /// `controlplane`, `worker`, `init` or `unknown`.
  public var machineType: String
  /// The operating system for people; empty where nobody said it.
  public var operatingSystem: String
  /// The addresses at which the node itself is reached, the preferred one first.
  public var addresses: [IPAddress]
  /// The node's labels.
  public var labels: NodeLabels
  /// The port of the node's API server, where it has one.
  public var controlPlanePort: UInt16?
  /// ``NodeState``'s word: `ready`, `notready`, `stale`, `missing` or `left`.
  public var state: String
  /// Why: one word.
  public var reason: String
  /// When the state was last another one.
  public var since: Timestamp
  /// `conflict`, `flapping`.
  public var flags: [String]
  /// The registries that list the node now, in their order.
  public var sources: [String]
  /// Whether it is a member, the one of its name: neither a tombstone nor another claimant of the name.
  public var isListed: Bool
  /// Whether it is a member that is gone.
  public var isTombstone: Bool

  /// A row of these; what isn't given is what nobody said.
  public init(
    id: String, nodeID: String = "", hostname: String = "",
    machineType: String = MachineType.unknown.rawValue,
    operatingSystem: String = "", addresses: [IPAddress] = [], labels: NodeLabels = NodeLabels(),
    controlPlanePort: UInt16? = nil, state: String = NodeState.ready.rawValue,
    reason: String = StatusReason.declared.text, since: Timestamp = Timestamp(milliseconds: 0),
    flags: [String] = [], sources: [String] = [], isListed: Bool = true, isTombstone: Bool = false
  ) {
    self.id = id
    self.nodeID = nodeID
    self.hostname = hostname
    self.machineType = machineType
    self.operatingSystem = operatingSystem
    self.addresses = addresses
    self.labels = labels
    self.controlPlanePort = controlPlanePort
    self.state = state
    self.reason = reason
    self.since = since
    self.flags = flags
    self.sources = sources
    self.isListed = isListed
    self.isTombstone = isTombstone
  }

  /// The row of `member`.
  ///
  /// - Parameter status: how it is; nil, where nothing is known of that: it is declared.
  public init(_ member: Member, labels: NodeLabels = NodeLabels(), status: NodeStatus?) {
    self.init(
      id: member.id, nodeID: member.nodeID.text, hostname: member.hostname,
      machineType: member.machineType.rawValue, operatingSystem: member.operatingSystem,
      addresses: member.addresses, labels: labels, controlPlanePort: member.controlPlane?.apiServerPort)
    guard let status else { return }
    state = status.state.rawValue
    reason = status.reason.text
    since = status.since.wall
    flags = status.flags.names
    sources = status.sources.filter(\.isListing).map(\.registry)
    isListed = status.isListed
  }

  /// The row of a member that is gone, with what was last known of it.
  public init(_ tombstone: Tombstone) {
    self.init(
      id: tombstone.name, nodeID: tombstone.node.text, hostname: tombstone.affiliate?.hostname ?? "",
      machineType: (tombstone.affiliate?.machineType ?? .unknown).rawValue,
      operatingSystem: tombstone.affiliate?.operatingSystem ?? "",
      addresses: tombstone.affiliate?.addresses ?? [],
      controlPlanePort: tombstone.affiliate?.controlPlane?.apiServerPort, state: tombstone.state.rawValue,
      reason: tombstone.reason.text, since: tombstone.since.wall, isListed: false, isTombstone: true)
  }

  /// The rows of a snapshot's `members`, and of the members that are gone, by name and then by identity.
  ///
  /// - Parameter labels: gives a node's labels.
  public static func rows(
    _ members: some Sequence<Member>, labels: (NodeIdentity) -> NodeLabels, life: LifecycleView
  ) -> [ExportedMember] {
    var rows = members.map {
      ExportedMember($0, labels: labels($0.nodeID), status: life.status(of: $0.nodeID))
    }
    rows += life.tombstones.map { ExportedMember($0) }
    return rows.sorted { $0.id != $1.id ? $0.id < $1.id : $0.nodeID < $1.nodeID }
  }
}

extension SourcePresence {
  fileprivate var isListing: Bool { presence == .fresh || presence == .published }
}
