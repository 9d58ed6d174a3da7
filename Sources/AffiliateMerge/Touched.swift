import ClusterModel

/// What an update touched and how that was before, collected on the way.
///
/// Only this is kept and not a copy of the whole merge: what nobody else holds then changes in place.
struct Touched {
  /// When the update arrived.
  let now: Timestamp
  /// Why records that it removes are gone.
  let reason: RemovalReason?
  /// Each node once, unless a snapshot has an id twice.
  private var nodes: [TouchedNode] = []
  /// Where in ``nodes`` a node is first; only filled where there are many.
  private var positions: [NodeIdentity: Int] = [:]
  /// Nodenames and what they were before.
  private(set) var nodenames: [(name: String, before: Nodename?)] = []
  private var seenNodenames: Set<String> = []
  /// What several nodes have now, had before, or had in between, and which had it before where several did.
  private(set) var shared: [ConflictKey: [NodeIdentity]] = [:]

  init(at now: Timestamp, reason: RemovalReason? = nil) {
    self.now = now
    self.reason = reason
  }

  var isEmpty: Bool { nodes.isEmpty }

  /// The nodes in the order in which they were touched.
  var all: [TouchedNode] { nodes }

  mutating func reserve(_ count: Int) {
    nodes.reserveCapacity(count)
    nodenames.reserveCapacity(count)
    seenNodenames.reserveCapacity(count)
  }

  mutating func note(_ node: TouchedNode) { nodes.append(node) }

  mutating func note(nodename: String, of before: Nodename?) {
    guard !nodename.isEmpty else { return }
    if let first = nodenames.first, seenNodenames.isEmpty { seenNodenames.insert(first.name) }
    guard nodenames.isEmpty || seenNodenames.insert(nodename).inserted else { return }
    nodenames.append((nodename, before))
  }

  mutating func note(_ key: ConflictKey, of before: Holders?) {
    if shared[key] == nil { shared[key] = before.map { $0.sharers } ?? [] }
  }

  /// The node `id` as it was first touched; nil where it wasn't.
  mutating func node(_ id: NodeIdentity) -> TouchedNode? {
    if nodes.count <= 8 { return nodes.first { $0.id == id } }
    if positions.isEmpty {
      positions.reserveCapacity(nodes.count)
      for (position, node) in nodes.enumerated() where positions[node.id] == nil {
        positions[node.id] = position
      }
    }
    return positions[id].map { nodes[$0] }
  }
}

/// A node before and after an update; nil where it wasn't known.
struct TouchedNode {
  let id: NodeIdentity
  let old: NodeEntry?
  let new: NodeEntry?
}
