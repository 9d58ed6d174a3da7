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
    nodes[node].flatMap { entry in
      // Of a crowd not each is told of another member.
      let owner = entry.life.heldBy.flatMap { _ in entry.life.row.flatMap { names[$0.name]?.owner } }
      return NodeStatus(entry, registries, isLocal: node == local, owner: owner)
    }
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
    guard let holders = names[status.name], holders.owner == status.node, !holders.isCrowd else { return [] }
    return holders.others.sorted().compactMap(self.status(of:)).filter { $0.reason == .superseded }
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

  /// Whether registries' records are leases, by the registry's name: part of what must survive a restart.
  public var leases: [String: Bool] {
    var leases: [String: Bool] = [:]
    for registry in registries.table.all { leases[registry.condition.name] = registry.leases }
    return leases
  }

  /// Gives `body` what of each node must survive a restart, one after the other and in no order, so that not all of them
  /// are there at once.
  public func forEachSaved(_ body: (LifecycleState.Node) -> Void) {
    nodes.forEach { body(LifecycleState.Node($0.life, registries.table)) }
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
  /// The others.
  var others: TreeSet<NodeIdentity> = []
  /// Whether they are several machines.
  var isDisputed = false

  /// So many claim a name, at most, of which each is told how the others are; more are a crowd, of which none
  /// supersedes another one, and a change of one costs no more than that one and the member.
  static let maximumCount = 8

  /// All of them, the member first, the others in order.
  var all: [NodeIdentity] { [owner] + others.sorted() }
  var count: Int { others.count + 1 }
  var isCrowd: Bool { count > Self.maximumCount }

  func contains(_ node: NodeIdentity) -> Bool { node == owner || others.contains(node) }

  func adding(_ node: NodeIdentity) -> NameHolders {
    var holders = self
    if node != owner { holders.others.insert(node) }
    return holders
  }

  /// Without `node`; nil where nobody is left. Where it was the member any other one is, until that is settled.
  func removing(_ node: NodeIdentity) -> NameHolders? {
    var holders = self
    guard node == owner else {
      holders.others.remove(node)
      return holders
    }
    guard let next = isCrowd ? others.first : others.min() else { return nil }
    holders.owner = next
    holders.others.remove(next)
    return holders
  }

  /// The same with another one as the member.
  func owned(by node: NodeIdentity) -> NameHolders {
    var holders = self
    guard node != owner else { return holders }
    holders.others.insert(owner)
    holders.others.remove(node)
    holders.owner = node
    return holders
  }
}
