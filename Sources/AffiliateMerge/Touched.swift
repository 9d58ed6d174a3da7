import ClusterModel
import HashTreeCollections

/// What an update touched and how that was before, collected on the way.
///
/// Only this is kept and not a copy of the whole merge: what nobody else holds then changes in place.
struct Touched {
  /// Up to so many things, looking at each is quicker than hashing.
  private static let few = 8

  /// When the update arrived.
  let now: Timestamp
  /// Why records that it removes are gone.
  let reason: RemovalReason?
  /// Each node once, but where a snapshot has an id twice; see ``joinRepeated()``.
  private var nodes: [TouchedNode] = []
  /// Where in ``nodes`` a node is first; only filled where there are many.
  private var positions: [NodeIdentity: Int] = [:]
  /// Nodenames, what they were before, and by which node they were touched.
  private(set) var nodenames: [TouchedNodename] = []
  /// Where in ``nodenames`` a nodename is; only filled where there are many.
  private var nodenamePositions: [String: Int] = [:]
  /// What several nodes have now, had before, or had in between, and which may have had it before where several
  /// did.
  private(set) var shared: [ConflictKey: TreeSet<NodeIdentity>?] = [:]

  init(at now: Timestamp, reason: RemovalReason? = nil) {
    self.now = now
    self.reason = reason
  }

  var isEmpty: Bool { nodes.isEmpty }

  /// The nodes in the order in which they were touched.
  var all: [TouchedNode] { nodes }

  mutating func reserve(_ count: Int) { nodes.reserveCapacity(count) }

  mutating func note(_ node: TouchedNode) { nodes.append(node) }

  /// Notes that the node that was noted last has the nodename, or had it.
  mutating func note(nodename: String, of before: Nodename?) {
    guard !nodename.isEmpty else { return }
    if let position = position(of: nodename) {
      if nodenames[position].node != nodes.count - 1 { nodenames[position].node = nil }
      return
    }
    if !nodenamePositions.isEmpty { nodenamePositions[nodename] = nodenames.count }
    nodenames.append(TouchedNodename(name: nodename, before: before, node: nodes.count - 1))
  }

  private mutating func position(of nodename: String) -> Int? {
    if nodenames.count <= Self.few { return nodenames.firstIndex { $0.name == nodename } }
    if nodenamePositions.isEmpty {
      for (position, known) in nodenames.enumerated() { nodenamePositions[known.name] = position }
    }
    return nodenamePositions[nodename]
  }

  mutating func note(_ key: ConflictKey, of before: TreeSet<NodeIdentity>?) {
    if shared[key] == nil { shared[key] = .some(before) }
  }

  /// Joins what was touched more than once: from how it was at first to how it is at last.
  mutating func joinRepeated() {
    var first: [NodeIdentity: Int] = [:]
    var joined: [TouchedNode] = []
    for node in nodes {
      if let position = first[node.id] {
        joined[position] = TouchedNode(id: node.id, old: joined[position].old, new: node.new)
      } else {
        first[node.id] = joined.count
        joined.append(node)
      }
    }
    nodes = joined
    for position in nodenames.indices { nodenames[position].node = nil }
  }

  /// The node `id` as it was first touched; nil where it wasn't.
  mutating func node(_ id: NodeIdentity) -> TouchedNode? {
    if nodes.count <= Self.few { return nodes.first { $0.id == id } }
    if positions.isEmpty {
      positions.reserveCapacity(nodes.count)
      for (position, node) in nodes.enumerated() where positions[node.id] == nil {
        positions[node.id] = position
      }
    }
    return positions[id].map { nodes[$0] }
  }
}

/// A nodename that nodes got or lost.
struct TouchedNodename {
  let name: String
  /// What it was before the update; nil where no node had it.
  let before: Nodename?
  /// The position of the node that touched it; nil where several did.
  fileprivate(set) var node: Int?
}

/// A node before and after an update; nil where it wasn't known.
struct TouchedNode {
  let id: NodeIdentity
  let old: NodeEntry?
  let new: NodeEntry?
}
