public import ClusterModel
import HashTreeCollections

/// How members are, for readers: a value that is copied in constant time and that a later change leaves alone.
public struct LifecycleView: Sendable {
  var nodes = LifeTable()
  var names: TreeDictionary<String, NameHolders> = [:]
  /// The nodes that have tombstones.
  var buried: TreeSet<NodeIdentity> = []
  var registries = SharedRegistries(RegistryTable())
  var local: NodeIdentity?

  init() {}

  /// How the node is; nil where it is no member: unknown, without a nodename, or gone.
  public func status(of node: NodeIdentity) -> NodeStatus? {
    nodes[node].flatMap { NodeStatus($0, registries, isLocal: node == local) }
  }

  /// How the member of that nodename is.
  public func status(named name: String) -> NodeStatus? { names[name].flatMap { status(of: $0.owner) } }

  /// All members in the order of their names, and after a name's holder those that merely claim it.
  ///
  /// - Parameter unlisted: whether those that merely claim a name are among them.
  public func statuses(unlisted: Bool = false) -> [NodeStatus] {
    var statuses: [NodeStatus] = []
    for (_, holders) in names.sorted(by: { $0.key < $1.key }) {
      statuses += (unlisted ? holders.all : [holders.owner]).compactMap(status(of:))
    }
    return statuses
  }

  /// Whether several machines claim the nodename: not where one was set up anew and has replaced the other.
  public func isDisputed(nodename: String) -> Bool { names[nodename]?.isDisputed ?? false }

  /// The nodes that the member `status` replaced and that registries still list: they are superseded by it.
  public func replaced(by status: NodeStatus) -> [NodeStatus] {
    guard let holders = names[status.name], holders.owner == status.node else { return [] }
    return holders.others.compactMap(self.status(of:)).filter { $0.reason == .superseded }
  }

  /// The tombstones in the order of their names, and of those the nodes'.
  public var tombstones: [Tombstone] {
    var all: [Tombstone] = []
    for id in buried { all += nodes[id]?.life.tombstones ?? [] }
    return all.sorted { $0.name != $1.name ? $0.name < $1.name : $0.node < $1.node }
  }

  /// The tombstones of a nodename, or of the node whose identity that is.
  public func tombstones(of name: String) -> [Tombstone] {
    tombstones.filter { $0.name == name || $0.node.text == name }
  }

  /// Where a node is listed, and where it was, in the order of the registries; empty for an unknown one. Also of a
  /// node that only has a tombstone.
  public func sources(of node: NodeIdentity) -> [SourcePresence] {
    nodes[node].map { $0.life.sources(registries.table, isLocal: node == local) } ?? []
  }
}

/// Which nodes claim a nodename.
struct NameHolders: Hashable, Sendable {
  /// The member.
  var owner: NodeIdentity
  /// The others in order.
  var others: [NodeIdentity] = []
  /// Whether they are several machines.
  var isDisputed = false

  var all: [NodeIdentity] { [owner] + others }

  func adding(_ node: NodeIdentity) -> NameHolders {
    NameHolders(owner: owner, others: (others + [node]).sorted(), isDisputed: isDisputed)
  }

  /// Without `node`; nil where nobody is left.
  func removing(_ node: NodeIdentity) -> NameHolders? {
    let rest = all.filter { $0 != node }
    return rest.first.map { NameHolders(owner: $0, others: Array(rest.dropFirst()), isDisputed: isDisputed) }
  }
}
