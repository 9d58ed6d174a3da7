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

  /// Records that are new and without an identity: of which node they are follows when all is taken.
  var arrivals: [RawID: RawEntry] = [:]
  /// Raw ids of which the record has a local id now, or none any more, which makes it another record.
  var switched: Set<RawID> = []
  /// Records without an identity that are of another node than before.
  private(set) var moves: [RawID: (from: NodeIdentity, to: NodeIdentity)] = [:]

  init(at now: Timestamp, reason: RemovalReason? = nil) {
    self.now = now
    self.reason = reason
  }

  /// Records that stand alone for other reasons than before, or did; some more than once.
  var matches: [MatchOutcome.ConflictChange] = []

  /// The same, each record once, in order.
  mutating func takeMatches() -> [MatchOutcome.ConflictChange] {
    if matches.isEmpty { return [] }
    let first = Dictionary(matches.map { ($0.record, $0) }, uniquingKeysWith: { $1.old.isEmpty ? $0 : $1 })
    return first.values.sorted { $0.record.description < $1.record.description }
  }

  var isEmpty: Bool { nodes.isEmpty && nodenames.isEmpty && matches.isEmpty && shared.isEmpty }

  /// The nodes in the order in which they were touched.
  var all: [TouchedNode] { nodes }

  mutating func reserve(_ count: Int) { nodes.reserveCapacity(count) }

  mutating func note(_ node: TouchedNode) { nodes.append(node) }

  mutating func noteMove(of record: RawID, from: NodeIdentity, to: NodeIdentity) {
    moves[record] = (from, to)
  }

  /// Notes that the node that was noted last has the nodename, or had it.
  mutating func note(nodename: String, of before: Nodename?) {
    guard !nodename.isEmpty else { return }
    guard let position = position(of: nodename) else {
      return append(TouchedNodename(name: nodename, before: before, node: nodes.count - 1))
    }
    guard nodenames[position].node != nodes.count - 1 else { return }
    forgetPosition(at: position)
    nodenames[position].others.append(nodes[nodes.count - 1].id)
  }

  /// Notes that it may have to be settled anew whose the nodename is that several nodes have.
  mutating func note(reordered nodename: String, of before: Nodename) {
    if position(of: nodename) == nil {
      append(TouchedNodename(name: nodename, before: before, node: nil))
    }
    if let position = position(of: nodename) {
      nodenames[position].isReordered = true
      forgetPosition(at: position)
    }
    note(.nodename(nodename), of: before.holders.several)
  }

  private mutating func append(_ nodename: TouchedNodename) {
    if !nodenamePositions.isEmpty { nodenamePositions[nodename.name] = nodenames.count }
    nodenames.append(nodename)
  }

  private mutating func forgetPosition(at position: Int) {
    guard let node = nodenames[position].node else { return }
    nodenames[position].others.append(nodes[node].id)
    nodenames[position].node = nil
  }

  /// The nodes that touched the nodename, some of them more than once.
  func ids(of nodename: TouchedNodename) -> [NodeIdentity] {
    nodename.others + (nodename.node.map { [nodes[$0].id] } ?? [])
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

  /// Which of several nodes was the member of the nodename that `key` is about.
  mutating func ownerBefore(of key: ConflictKey) -> NameOwner? {
    guard case .nodename(let name) = key, let position = position(of: name) else { return nil }
    return nodenames[position].before?.choice
  }

  /// Joins what was touched more than once: from how it was at first to how it is at last.
  ///
  /// - Returns: the positions in ``all`` of what was.
  mutating func joinRepeated() -> [Int] {
    if nodes.count < 2 || nodes.count <= Self.few && areDistinct { return [] }
    for position in nodenames.indices { forgetPosition(at: position) }
    var first: [NodeIdentity: Int] = [:]
    var joined: [TouchedNode] = []
    var repeated: Set<Int> = []
    for node in nodes {
      if let position = first[node.id] {
        joined[position] = TouchedNode(id: node.id, old: joined[position].old, new: node.new)
        repeated.insert(position)
      } else {
        first[node.id] = joined.count
        joined.append(node)
      }
    }
    nodes = joined
    positions = [:]
    return repeated.sorted()
  }

  private var areDistinct: Bool {
    !nodes.indices.contains { position in nodes[..<position].contains { $0.id == nodes[position].id } }
  }

  /// Sets what a node is at last.
  mutating func replace(_ position: Int, new: NodeEntry) {
    nodes[position] = TouchedNode(id: nodes[position].id, old: nodes[position].old, new: new)
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
  /// The nodes that touched it where several did, some of them perhaps more than once.
  fileprivate(set) var others: [NodeIdentity] = []
  /// Whether nodes that weren't touched have another rank than before.
  fileprivate(set) var isReordered = false
}

/// A node before and after an update; nil where it wasn't known.
struct TouchedNode {
  let id: NodeIdentity
  let old: NodeEntry?
  let new: NodeEntry?
}
