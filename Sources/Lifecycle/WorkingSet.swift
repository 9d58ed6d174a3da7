import ClusterModel

/// The nodes that are looked at, each once, in the order in which they were touched.
struct WorkingSet: Sendable {
  /// A node while it is looked at.
  struct Item: Sendable {
    /// How it was; nil where nothing was known of it.
    let old: LifeEntry?
    var life: NodeLife
    /// The nodename that it claims; nil where it has none, or isn't there. Of one that was shown, that one until its
    /// claim is settled.
    var claim: String?
    /// How it is, names aside; nil until that is worked out, and where it isn't there.
    var judgement: Judgement?

    init(old: LifeEntry?, life: NodeLife) {
      self.old = old
      self.life = life
      claim = old?.life.row?.name
    }
  }

  /// Up to so many, looking at each is quicker than hashing.
  private static let few = 8

  var items: [Item] = []
  /// Where a node is in ``items``; only filled where there are many.
  private var positions: [NodeIdentity: Int] = [:]
  /// Where the node is that was last looked for: what happens to one node mostly comes together.
  private var latest = 0

  var isEmpty: Bool { items.isEmpty }

  subscript(id: NodeIdentity) -> Item? { position(of: id).map { items[$0] } }

  mutating func find(_ id: NodeIdentity) -> Int? {
    if latest < items.count, items[latest].life.id == id { return latest }
    guard let position = position(of: id) else { return nil }
    latest = position
    return position
  }

  func position(of id: NodeIdentity) -> Int? {
    if items.count <= Self.few { return items.firstIndex { $0.life.id == id } }
    return positions[id]
  }

  /// Adds a node that isn't among them yet.
  mutating func append(_ item: Item) {
    latest = items.count
    items.append(item)
    if items.count == Self.few + 1 {
      positions.reserveCapacity(items.capacity)
      for (position, item) in items.enumerated() { positions[item.life.id] = position }
    } else if items.count > Self.few {
      positions[item.life.id] = items.count - 1
    }
  }

  mutating func reserve(_ count: Int) { if count > Self.few { items.reserveCapacity(count) } }

  /// The positions of the items in the order of their nodes.
  var order: [Int] {
    // By the first bytes as one number: they mostly tell nodes apart, and texts take long to compare.
    var keys = items.indices.map { (start: items[$0].life.id.start, position: $0) }
    keys.sort { left, right in
      if left.start != right.start { return left.start < right.start }
      return items[left.position].life.id < items[right.position].life.id
    }
    return keys.map(\.position)
  }

  mutating func removeAll() {
    items.removeAll(keepingCapacity: items.count <= Self.few)
    if !positions.isEmpty { positions = [:] }
  }
}

extension NodeIdentity {
  /// Its first eight bytes as a number, of which the order is that of the texts.
  fileprivate var start: UInt64 {
    var (number, room) = (UInt64(0), UInt64(64))
    for byte in text.utf8.prefix(8) {
      room -= 8
      number |= UInt64(byte) << room
    }
    return number
  }
}
