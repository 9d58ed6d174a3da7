import ClusterModel

/// All lives by identity, as a tree by the identities' hashes that copies share: a change renews only the way to what
/// it changes.
///
/// Each commit's view is such a copy, so that what counts is how little the way to one node holds: branches have few
/// children, and entries are their own keys.
struct LifeTable: Sendable {
  private enum Node: Sendable {
    case branch([Node])
    case leaf([LifeEntry])

    var entryCount: Int? { if case .leaf(let entries) = self { entries.count } else { nil } }
  }

  private static let bits = 3
  /// So many entries a leaf has at most, where their hashes differ at all.
  private static let room = 1 << bits

  private var root = Node.leaf([])
  private(set) var count = 0

  subscript(id: NodeIdentity) -> LifeEntry? {
    let hash = id.hashValue
    var (node, rest) = (root, UInt(bitPattern: hash))
    while case .branch(let children) = node {
      node = children[Self.position(rest)]
      rest >>= Self.bits
    }
    guard case .leaf(let entries) = node else { return nil }
    return entries.first { $0.hash == hash && $0.life.id == id }
  }

  /// Puts the entry in the place of the one of the same node, or adds it.
  mutating func set(_ entry: LifeEntry) {
    if Self.set(entry, in: &root, UInt(bitPattern: entry.hash), Self.depth) { count += 1 }
  }

  /// Takes out the entry of that node.
  mutating func remove(_ entry: LifeEntry) {
    if Self.remove(entry, from: &root, UInt(bitPattern: entry.hash)) { count -= 1 }
  }

  func forEach(_ body: (LifeEntry) -> Void) { Self.forEach(in: root, body) }

  var all: [LifeEntry] {
    var all: [LifeEntry] = []
    all.reserveCapacity(count)
    forEach { all.append($0) }
    return all
  }

  // MARK: The tree

  /// So many branches there are one below the other at most.
  private static let depth = UInt.bitWidth / bits

  private static func position(_ hash: UInt) -> Int { Int(hash & (1 << UInt(bits) - 1)) }

  /// - Returns: whether there was none of that node.
  private static func set(_ entry: LifeEntry, in node: inout Node, _ hash: UInt, _ depth: Int) -> Bool {
    switch node {
    case .branch(var children):
      // Held once, so that what no copy shares changes in place.
      node = .leaf([])
      let isNew = set(entry, in: &children[position(hash)], hash >> UInt(bits), depth - 1)
      node = .branch(children)
      return isNew
    case .leaf(var entries):
      node = .leaf([])
      if let index = index(of: entry, in: entries) {
        entries[index] = entry
        node = .leaf(entries)
        return false
      }
      if entries.count < room || depth == 0 {
        entries.append(entry)
        node = .leaf(entries)
        return true
      }
      node = .branch([Node](repeating: .leaf([]), count: 1 << bits))
      // What remains of the hash is that of this level.
      let shift = UInt((Self.depth - depth) * bits)
      for other in entries { _ = set(other, in: &node, UInt(bitPattern: other.hash) >> shift, depth) }
      return set(entry, in: &node, hash, depth)
    }
  }

  /// - Returns: whether there was one.
  private static func remove(_ entry: LifeEntry, from node: inout Node, _ hash: UInt) -> Bool {
    switch node {
    case .branch(var children):
      node = .leaf([])
      let isGone = remove(entry, from: &children[position(hash)], hash >> UInt(bits))
      node = isGone ? joined(children) : .branch(children)
      return isGone
    case .leaf(var entries):
      guard let index = index(of: entry, in: entries) else { return false }
      node = .leaf([])
      entries.remove(at: index)
      node = .leaf(entries)
      return true
    }
  }

  /// A branch of the children, or one leaf where they are leaves with few entries.
  private static func joined(_ children: [Node]) -> Node {
    var count = 0
    for child in children {
      guard let entryCount = child.entryCount else { return .branch(children) }
      count += entryCount
    }
    guard count <= room / 2 else { return .branch(children) }
    var entries: [LifeEntry] = []
    for child in children { if case .leaf(let few) = child { entries += few } }
    return .leaf(entries)
  }

  private static func index(of entry: LifeEntry, in entries: [LifeEntry]) -> Int? {
    entries.firstIndex { $0.hash == entry.hash && $0.life.id == entry.life.id }
  }

  private static func forEach(in node: Node, _ body: (LifeEntry) -> Void) {
    switch node {
    case .branch(let children): for child in children { forEach(in: child, body) }
    case .leaf(let entries): for entry in entries { body(entry) }
    }
  }
}

/// One node, replaced and never changed, so that copies share it.
final class LifeEntry: Sendable {
  let life: NodeLife
  /// That of the node's identity.
  let hash: Int
  /// Whether the node is a member, be it listed or not.
  let isShown: Bool

  /// - Parameter hash: that of the node's identity, where it is known.
  init(_ life: NodeLife, hash: Int? = nil) {
    self.life = life
    self.hash = hash ?? life.id.hashValue
    isShown = life.row != nil
  }
}
