import ClusterModel
import HashTreeCollections

/// The nodes that have something: one, mostly.
enum Holders: Equatable, Sendable {
  case one(NodeIdentity)
  /// At least two.
  indirect case many(TreeSet<NodeIdentity>)

  /// Their identities in order.
  var sorted: [NodeIdentity] {
    switch self {
    case .one(let id): [id]
    case .many(let ids): ids.sorted()
    }
  }

  fileprivate func adding(_ id: NodeIdentity) -> Holders {
    switch self {
    case .one(let other): return other == id ? self : .many([other, id])
    case .many(var ids):
      ids.insert(id)
      return .many(ids)
    }
  }

  fileprivate func removing(_ id: NodeIdentity) -> Holders? {
    switch self {
    case .one(let other): return other == id ? nil : self
    case .many(var ids):
      ids.remove(id)
      return ids.count > 1 ? .many(ids) : ids.first.map(Holders.one)
    }
  }
}

/// Which nodes have what, so that to see a conflict takes one look.
struct HolderIndex<Key: Hashable & Sendable>: Sendable {
  private var holders: TreeDictionary<Key, Holders> = [:]

  subscript(key: Key) -> Holders? { holders[key] }

  /// The nodes that have `key` where they are several; else none.
  func sharers(of key: Key) -> [NodeIdentity] {
    guard let held = holders[key], case .many = held else { return [] }
    return held.sorted
  }

  /// Notes that `id` has `key`, and tells whether others have it too.
  mutating func add(_ id: NodeIdentity, to key: Key) -> Bool {
    guard let held = holders.updateValue(.one(id), forKey: key) else { return false }
    holders[key] = held.adding(id)
    return true
  }

  /// Notes that `id` no longer has `key`, and tells whether others had it too.
  mutating func remove(_ id: NodeIdentity, from key: Key) -> Bool {
    guard let held = holders[key] else { return false }
    holders[key] = held.removing(id)
    if case .many = held { return true }
    return false
  }
}
