import ClusterModel
import HashTreeCollections

/// The indexes over the merged view.
extension ClusterMerge {
  /// Brings the indexes from `old` to `new`, and notes which shared things are touched by it.
  mutating func index(_ id: NodeIdentity, _ old: NodeEntry?, _ new: NodeEntry?, _ touched: inout Touched) {
    if let old, let new, old.history == new.history {
      if old.merged.isNodenameFresh != new.merged.isNodenameFresh {
        let name = new.merged.affiliate.value.nodename
        touched.note(nodename: name, of: byNodename[name])
      }
      return
    }
    indexNodename(
      id, old?.merged.affiliate.value.nodename ?? "", new?.merged.affiliate.value.nodename ?? "", &touched)
    indexKey(
      id, old?.merged.affiliate.value.kubeSpan?.publicKey ?? "",
      new?.merged.affiliate.value.kubeSpan?.publicKey ?? "",
      &touched)
    indexAddresses(id, old?.merged.affiliate.value, new?.merged.affiliate.value, &touched)
  }

  private mutating func indexNodename(
    _ id: NodeIdentity, _ old: String, _ new: String, _ touched: inout Touched
  ) {
    if old == new {
      if !new.isEmpty { touched.note(nodename: new, of: byNodename[new]) }
      return
    }
    if !old.isEmpty, let before = byNodename[old] {
      byNodename[old] = before.holders.removing(id).map { Nodename(holders: $0, history: before.history) }
      touched.note(nodename: old, of: before)
      if before.holders.isShared { touched.note(.nodename(old), of: before.holders) }
    }
    if !new.isEmpty {
      let before = byNodename.updateValue(Nodename(holders: .one(id)), forKey: new)
      touched.note(nodename: new, of: before)
      guard let before else { return }
      byNodename[new] = Nodename(holders: before.holders.adding(id), history: before.history)
      touched.note(.nodename(new), of: before.holders)
    }
  }

  private mutating func indexKey(
    _ id: NodeIdentity, _ old: String, _ new: String, _ touched: inout Touched
  ) {
    guard old != new else { return }
    if !old.isEmpty, let before = byPublicKey.remove(id, from: old), before.isShared {
      touched.note(.publicKey(old), of: before)
    }
    if !new.isEmpty, let before = byPublicKey.add(id, to: new) {
      touched.note(.publicKey(new), of: before)
    }
  }

  private mutating func indexAddresses(
    _ id: NodeIdentity, _ old: Affiliate?, _ new: Affiliate?, _ touched: inout Touched
  ) {
    if let old, let new, old.addresses == new.addresses, old.kubeSpan?.address == new.kubeSpan?.address {
      return
    }
    let (old, new) = (old?.tellingAddresses ?? [], new?.tellingAddresses ?? [])
    for address in old.items(notIn: new) {
      if let before = byAddress.remove(id, from: address), before.isShared {
        touched.note(.address(address), of: before)
      }
    }
    for address in new.items(notIn: old) {
      if let before = byAddress.add(id, to: address) { touched.note(.address(address), of: before) }
    }
  }
}

extension Affiliate {
  /// The addresses that only one node should have: its own and its KubeSpan one, but none that is good on
  /// one machine or one link alone.
  var tellingAddresses: [IPAddress] {
    var telling = addresses
    if let address = kubeSpan?.address { telling.append(address) }
    if telling.contains(where: { $0.isLoopback || $0.isLinkLocal }) {
      telling.removeAll { $0.isLoopback || $0.isLinkLocal }
    }
    return telling
  }
}
