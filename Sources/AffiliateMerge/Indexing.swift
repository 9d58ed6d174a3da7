import ClusterModel

/// The indexes over the merged view.
extension ClusterMerge {
  /// Brings the indexes from `old` to `new`, and notes which shared things are touched by it.
  mutating func index(_ id: NodeIdentity, _ old: NodeEntry?, _ new: NodeEntry?, _ touched: inout Touched) {
    if let old, let new, old.history == new.history {
      if old.merged.isNodenameFresh != new.merged.isNodenameFresh { touch(nodenameOf: new, &touched) }
      return
    }
    if let old { touch(nodenameOf: old, &touched) }
    if let new { touch(nodenameOf: new, &touched) }
    indexNodename(id, old?.merged.affiliate.nodename ?? "", new?.merged.affiliate.nodename ?? "", &touched)
    indexKey(
      id, old?.merged.affiliate.kubeSpan?.publicKey ?? "", new?.merged.affiliate.kubeSpan?.publicKey ?? "",
      &touched)
    indexAddresses(
      id, old?.merged.affiliate.tellingAddresses ?? [], new?.merged.affiliate.tellingAddresses ?? [],
      &touched)
  }

  private func touch(nodenameOf node: NodeEntry, _ touched: inout Touched) {
    if !node.merged.affiliate.nodename.isEmpty { touched.nodenames.append(node.merged.affiliate.nodename) }
  }

  private mutating func indexNodename(
    _ id: NodeIdentity, _ old: String, _ new: String, _ touched: inout Touched
  ) {
    guard old != new else { return }
    if !old.isEmpty, byNodename.remove(id, from: old) { touched.shared.append(.nodename(old)) }
    if !new.isEmpty, byNodename.add(id, to: new) { touched.shared.append(.nodename(new)) }
  }

  private mutating func indexKey(
    _ id: NodeIdentity, _ old: String, _ new: String, _ touched: inout Touched
  ) {
    guard old != new else { return }
    if !old.isEmpty, byPublicKey.remove(id, from: old) { touched.shared.append(.publicKey(old)) }
    if !new.isEmpty, byPublicKey.add(id, to: new) { touched.shared.append(.publicKey(new)) }
  }

  private mutating func indexAddresses(
    _ id: NodeIdentity, _ old: [IPAddress], _ new: [IPAddress], _ touched: inout Touched
  ) {
    guard old != new else { return }
    for address in old.items(notIn: new) where byAddress.remove(id, from: address) {
      touched.shared.append(.address(address))
    }
    for address in new.items(notIn: old) where byAddress.add(id, to: address) {
      touched.shared.append(.address(address))
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
