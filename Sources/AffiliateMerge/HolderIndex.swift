import ClusterModel
import HashTreeCollections

/// The nodes that have something: one, mostly.
enum Holders: Equatable, Sendable {
  case one(NodeIdentity)
  /// At least two.
  indirect case many(TreeSet<NodeIdentity>)

  /// Their identities in order where they are several; else none.
  var sharers: [NodeIdentity] {
    if case .many(let ids) = self { return ids.sorted() }
    return []
  }

  var isShared: Bool { if case .many = self { true } else { false } }

  func adding(_ id: NodeIdentity) -> Holders {
    switch self {
    case .one(let other): return other == id ? self : .many([other, id])
    case .many(var ids):
      ids.insert(id)
      return .many(ids)
    }
  }

  func removing(_ id: NodeIdentity) -> Holders? {
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

  /// Notes that `id` has `key`, and returns who had it before.
  mutating func add(_ id: NodeIdentity, to key: Key) -> Holders? {
    guard let held = holders.updateValue(.one(id), forKey: key) else { return nil }
    holders[key] = held.adding(id)
    return held
  }

  /// Notes that `id` no longer has `key`, and returns who had it before.
  mutating func remove(_ id: NodeIdentity, from key: Key) -> Holders? {
    guard let held = holders[key] else { return nil }
    holders[key] = held.removing(id)
    return held
  }
}
