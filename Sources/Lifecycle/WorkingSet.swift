import ClusterModel

/// The nodes that are looked at, each once, in the order in which they were touched.
struct WorkingSet: Sendable {
  /// A node while it is looked at.
  struct Item: Sendable {
    /// How it was; nil where nothing was known of it.
    let old: LifeEntry?
    var life: NodeLife
    /// How it is, names aside; nil until that is worked out, and where it isn't there.
    var judgement: Judgement?
  }

  /// Up to so many, looking at each is quicker than hashing.
  private static let few = 8

  var items: [Item] = []
  /// Where a node is in ``items``; only filled where there are many.
  private var positions: [NodeIdentity: Int] = [:]

  var isEmpty: Bool { items.isEmpty }

  subscript(id: NodeIdentity) -> Item? { position(of: id).map { items[$0] } }

  func position(of id: NodeIdentity) -> Int? {
    if items.count <= Self.few { return items.firstIndex { $0.life.id == id } }
    return positions[id]
  }

  /// Adds a node that isn't among them yet.
  mutating func append(_ item: Item) {
    items.append(item)
    if items.count == Self.few + 1 {
      for (position, item) in items.enumerated() { positions[item.life.id] = position }
    } else if items.count > Self.few {
      positions[item.life.id] = items.count - 1
    }
  }

  mutating func removeAll() {
    items.removeAll(keepingCapacity: items.count <= Self.few)
    if !positions.isEmpty { positions = [:] }
  }
}
