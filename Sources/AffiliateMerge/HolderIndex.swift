import ClusterModel
import HashTreeCollections

/// Which nodes of the merged view have what at most one should have: addresses, public keys, nodenames. To see
/// a conflict takes one look.
struct HolderIndex: Sendable {
  private var addresses: TreeDictionary<IPAddress, Holders> = [:]
  private var publicKeys: TreeDictionary<String, Holders> = [:]
  private var nodenames: TreeDictionary<String, Nodename> = [:]

  var nodenameCount: Int { nodenames.count }
  var sortedNodenames: [String] { nodenames.keys.sorted() }

  subscript(nodename name: String) -> Nodename? { nodenames[name] }

  /// The nodes that share what the conflict `key` is about, in order; none where fewer than two have it.
  func sharers(of key: ConflictKey) -> [NodeIdentity] {
    switch key {
    case .field: []
    case .address(let address): addresses[address]?.sharers ?? []
    case .nodename(let name): nodenames[name]?.holders.sharers ?? []
    case .publicKey(let key): publicKeys[key]?.sharers ?? []
    }
  }

  /// Sets the history of the member that is called `name`.
  mutating func setHistory(_ history: History, ofMember name: String) {
    guard let known = nodenames[name], known.history != history else { return }
    nodenames[name] = Nodename(holders: known.holders, history: history)
  }

  /// Goes from `old` to `new`, and notes which shared things are touched by it.
  mutating func update(
    _ id: NodeIdentity, from old: NodeEntry?, to new: NodeEntry?, _ touched: inout Touched
  ) {
    if let old, let new, old.history == new.history {
      if old.merged.isNodenameFresh != new.merged.isNodenameFresh {
        let name = new.merged.affiliate.nodename
        touched.note(nodename: name, of: nodenames[name])
      }
      return
    }
    let (old, new) = (old?.merged.affiliate, new?.merged.affiliate)
    updateNodename(id, from: old?.nodename ?? "", to: new?.nodename ?? "", &touched)
    updateAddresses(id, from: old, to: new, &touched)
    let (oldKey, newKey) = (old?.kubeSpan?.publicKey ?? "", new?.kubeSpan?.publicKey ?? "")
    guard oldKey != newKey else { return }
    if !oldKey.isEmpty, let before = publicKeys.remove(id, from: oldKey), before.isShared {
      touched.note(.publicKey(oldKey), of: before)
    }
    if !newKey.isEmpty, let before = publicKeys.add(id, to: newKey) {
      touched.note(.publicKey(newKey), of: before)
    }
  }

  private mutating func updateNodename(
    _ id: NodeIdentity, from old: String, to new: String, _ touched: inout Touched
  ) {
    if old == new {
      if !new.isEmpty { touched.note(nodename: new, of: nodenames[new]) }
      return
    }
    if !old.isEmpty, let before = nodenames[old] {
      nodenames[old] = before.holders.removing(id).map { Nodename(holders: $0, history: before.history) }
      touched.note(nodename: old, of: before)
      if before.holders.isShared { touched.note(.nodename(old), of: before.holders) }
    }
    if !new.isEmpty {
      // What the update makes of it later: a member of this nodename that wasn't there before is new now.
      let fresh = Nodename(holders: .one(id), history: History(from: touched.now))
      let before = nodenames.updateValue(fresh, forKey: new)
      touched.note(nodename: new, of: before)
      guard let before else { return }
      nodenames[new] = Nodename(holders: before.holders.adding(id), history: before.history)
      touched.note(.nodename(new), of: before.holders)
    }
  }

  private mutating func updateAddresses(
    _ id: NodeIdentity, from old: Affiliate?, to new: Affiliate?, _ touched: inout Touched
  ) {
    if let old, let new, old.addresses == new.addresses, old.kubeSpan?.address == new.kubeSpan?.address {
      return
    }
    let (old, new) = (old?.unsharedAddresses ?? [], new?.unsharedAddresses ?? [])
    for address in old.items(notIn: new) {
      if let before = addresses.remove(id, from: address), before.isShared {
        touched.note(.address(address), of: before)
      }
    }
    for address in new.items(notIn: old) {
      if let before = addresses.add(id, to: address) { touched.note(.address(address), of: before) }
    }
  }
}

extension Affiliate {
  /// The addresses that only one node should have: its own and its KubeSpan one, but none that is good on
  /// one machine or one link alone.
  var unsharedAddresses: [IPAddress] {
    var addresses = addresses
    if let address = kubeSpan?.address { addresses.append(address) }
    if addresses.contains(where: { $0.isLoopback || $0.isLinkLocal }) {
      addresses.removeAll { $0.isLoopback || $0.isLinkLocal }
    }
    return addresses
  }
}

/// A nodename: which nodes have it, and the history of the member that is called by it.
struct Nodename: Sendable {
  let holders: Holders
  let history: History
}

/// The nodes that have something: one, mostly.
enum Holders: Sendable {
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

extension TreeDictionary where Value == Holders {
  /// Notes that `id` has `key`, and returns who had it before.
  fileprivate mutating func add(_ id: NodeIdentity, to key: Key) -> Holders? {
    guard let held = updateValue(.one(id), forKey: key) else { return nil }
    self[key] = held.adding(id)
    return held
  }

  /// Notes that `id` no longer has `key`, and returns who had it before.
  fileprivate mutating func remove(_ id: NodeIdentity, from key: Key) -> Holders? {
    guard let held = self[key] else { return nil }
    self[key] = held.removing(id)
    return held
  }
}
