import ClusterModel

/// What an event touched and how that was before, collected on the way.
///
/// Only this is kept and not a copy of the whole merge: what nobody else holds then changes in place.
struct Touched {
  let now: Timestamp
  /// What held before the event.
  let rules: MergeRules
  let local: LocalNode?
  /// Why records that are removed are.
  var reason: RemovalReason?
  /// Each node at most once.
  private(set) var nodes: [TouchedNode] = []
  /// Where in ``nodes`` a node is; only filled where there are many.
  private var positions: [NodeIdentity: Int] = [:]
  /// Nodenames and who had them before.
  private(set) var nodenames: [(name: String, before: Nodename?)] = []
  private var seenNodenames: Set<String> = []
  /// What several nodes have now, had before, or had in between, and who had it before where several did.
  private(set) var shared: [ConflictKey: [NodeIdentity]] = [:]

  init(at now: Timestamp, rules: MergeRules, local: LocalNode?) {
    self.now = now
    self.rules = rules
    self.local = local
  }

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

  /// The node `id` as it was touched; nil where it wasn't.
  mutating func node(_ id: NodeIdentity) -> TouchedNode? {
    if nodes.count <= 8 { return nodes.first { $0.id == id } }
    if positions.isEmpty {
      positions.reserveCapacity(nodes.count)
      for (position, node) in nodes.enumerated() { positions[node.id] = position }
    }
    return positions[id].map { nodes[$0] }
  }
}

/// A node before and after an event; nil where it wasn't known.
struct TouchedNode {
  let id: NodeIdentity
  let old: NodeEntry?
  let new: NodeEntry?
}
