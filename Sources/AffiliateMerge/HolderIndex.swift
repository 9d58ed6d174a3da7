import ClusterModel
import HashTreeCollections

/// Which nodes of the merged view have what at most one should have: addresses, public keys, nodenames. To see
/// a conflict takes one look.
///
/// Of addresses and keys only a fingerprint is kept, which takes half the memory: readers compare the values
/// themselves.
struct HolderIndex: Sendable {
  private var fingerprints: TreeDictionary<Fingerprint, Holders> = [:]
  private var nodenames: TreeDictionary<String, Nodename> = [:]

  var nodenameCount: Int { nodenames.count }
  var sortedNodenames: [String] { nodenames.keys.sorted() }

  subscript(nodename name: String) -> Nodename? { nodenames[name] }

  /// The nodes that may share what the conflict `key` is about; nil where fewer than two do. Of an address or a
  /// public key one of them may have another one with the same fingerprint.
  func several(of key: ConflictKey) -> TreeSet<NodeIdentity>? { holders(of: key)?.several }

  /// The same, whether they are several, one or none.
  func all(of key: ConflictKey) -> [NodeIdentity] {
    switch holders(of: key) {
    case .one(let id): [id]
    case .many(let ids): Array(ids)
    case nil: []
    }
  }

  private func holders(of key: ConflictKey) -> Holders? {
    switch key {
    case .field, .label, .identity, .match: nil
    case .address(let address): fingerprints[Fingerprint(address)]
    case .nodename(let name): nodenames[name]?.holders
    case .publicKey(let key): fingerprints[Fingerprint(key)]
    }
  }

  /// Which of several nodes is the member of the nodename that `key` is about.
  func owner(of key: ConflictKey) -> NameOwner? {
    if case .nodename(let name) = key { nodenames[name]?.choice } else { nil }
  }

  /// Sets which of several nodes is the member that is called `name`; nil where only one node has the name.
  mutating func setOwner(_ choice: NameOwner?, ofMember name: String) {
    guard let known = nodenames[name], choice != nil || known.choice != nil else { return }
    nodenames[name] = Nodename(holders: known.holders, history: known.history, choice: choice)
  }

  /// Sets the history of the member that is called `name`.
  mutating func setHistory(_ history: History, ofMember name: String) {
    guard let known = nodenames[name], known.history != history else { return }
    nodenames[name] = Nodename(holders: known.holders, history: history, choice: known.choice)
  }

  /// Goes from `old` to `new`, and notes which shared things are touched by it.
  mutating func update(from old: NodeEntry?, to new: NodeEntry?, _ touched: inout Touched) {
    if let old, let new, old.history == new.history, old.merged.isMember == new.merged.isMember {
      // Other records may say the same name, and with more weight than before.
      let name = new.nodename
      if let known = nodenames[name], known.holders.several != nil {
        touched.note(nodename: name, of: known)
        touched.note(.nodename(name), of: known.holders.several)
      }
      return
    }
    guard let id = new?.id ?? old?.id else { return }
    updateNodename(id, from: old, to: new, &touched)
    let (old, new) = (old?.merged.affiliate, new?.merged.affiliate)
    updateAddresses(id, from: old, to: new, &touched)
    if let old, let new, old.isEqual(.publicKey, to: new) { return }
    if let key = old?.publicKey, !key.isEmpty { remove(id, Fingerprint(key), .publicKey(key), &touched) }
    if let key = new?.publicKey, !key.isEmpty { add(id, Fingerprint(key), .publicKey(key), &touched) }
  }

  private mutating func add(
    _ id: NodeIdentity, _ fingerprint: Fingerprint, _ key: @autoclosure () -> ConflictKey,
    _ touched: inout Touched
  ) {
    guard let held = fingerprints.updateValue(.one(id), forKey: fingerprint) else { return }
    fingerprints[fingerprint] = held.adding(id)
    touched.note(key(), of: held.several)
  }

  private mutating func remove(
    _ id: NodeIdentity, _ fingerprint: Fingerprint, _ key: @autoclosure () -> ConflictKey,
    _ touched: inout Touched
  ) {
    guard let held = fingerprints[fingerprint] else { return }
    fingerprints[fingerprint] = held.removing(id)
    if let several = held.several { touched.note(key(), of: several) }
  }

  private mutating func updateNodename(
    _ id: NodeIdentity, from oldEntry: NodeEntry?, to newEntry: NodeEntry?, _ touched: inout Touched
  ) {
    let new = newEntry?.nodename ?? ""
    if let oldEntry, let newEntry, oldEntry.merged.isMember == newEntry.merged.isMember,
      oldEntry.merged.affiliate.isEqual(.nodename, to: newEntry.merged.affiliate)
    {
      if !new.isEmpty {
        let known = nodenames[new]
        touched.note(nodename: new, of: known)
        if let several = known?.holders.several { touched.note(.nodename(new), of: several) }
      }
      return
    }
    let old = oldEntry?.nodename ?? ""
    if !old.isEmpty, let before = nodenames[old] {
      nodenames[old] = before.holders.removing(id).map {
        Nodename(holders: $0, history: before.history, choice: before.choice)
      }
      touched.note(nodename: old, of: before)
      if let several = before.holders.several { touched.note(.nodename(old), of: several) }
    }
    if !new.isEmpty {
      // What the update makes of it later: a member of this nodename that wasn't there before is new now.
      let fresh = Nodename(holders: .one(id), history: History(from: touched.now), choice: nil)
      let before = nodenames.updateValue(fresh, forKey: new)
      touched.note(nodename: new, of: before)
      guard let before else { return }
      nodenames[new] = Nodename(
        holders: before.holders.adding(id), history: before.history, choice: before.choice)
      touched.note(.nodename(new), of: before.holders.several)
    }
  }

  private mutating func updateAddresses(
    _ id: NodeIdentity, from old: Affiliate?, to new: Affiliate?, _ touched: inout Touched
  ) {
    if let old, let new, old.isEqual(.addresses, to: new), old.kubeSpanAddress == new.kubeSpanAddress {
      return
    }
    let (old, new) = (old?.unsharedAddresses ?? [], new?.unsharedAddresses ?? [])
    for address in old.items(notIn: new) { remove(id, Fingerprint(address), .address(address), &touched) }
    for address in new.items(notIn: old) { add(id, Fingerprint(address), .address(address), &touched) }
  }
}

/// A keyed hash of an address or a public key. Two different ones are practically never the same, and nobody
/// outside this process can find two that are.
private struct Fingerprint: Hashable, Sendable {
  private let value: Int

  init(_ value: some Hashable) { self.value = value.hashValue }
}

extension Affiliate {
  /// Whether it has what the conflict `key` is about.
  package func has(_ key: ConflictKey) -> Bool {
    switch key {
    case .field, .label, .identity, .match: false
    case .address(let address): unsharedAddresses.contains(address)
    case .nodename(let name): nodename == name
    case .publicKey(let key): publicKey == key
    }
  }

  /// The addresses that only one node should have: its own and its KubeSpan one, but none that is good on
  /// one machine or one link alone.
  var unsharedAddresses: [IPAddress] {
    var addresses = addresses
    if let address = kubeSpanAddress { addresses.append(address) }
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
  /// Which of several it is, once ``NodeTable/settleOwners(_:)`` has run; nil where there is one.
  let choice: NameOwner?

  /// The node that is the member.
  var owner: NodeIdentity { choice?.id ?? holders.lowest }
}

/// The nodes that have something: one, mostly.
enum Holders: Sendable {
  case one(NodeIdentity)
  /// At least two.
  indirect case many(TreeSet<NodeIdentity>)

  /// The only one; of several the lowest.
  var lowest: NodeIdentity {
    switch self {
    case .one(let id): id
    case .many(let ids): ids.reduce(ids[ids.startIndex]) { min($0, $1) }
    }
  }

  func isOnly(_ id: NodeIdentity) -> Bool { if case .one(id) = self { true } else { false } }

  /// Their identities where they are several.
  var several: TreeSet<NodeIdentity>? {
    if case .many(let ids) = self { return ids }
    return nil
  }

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
