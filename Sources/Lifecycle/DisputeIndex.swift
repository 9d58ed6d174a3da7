import ClusterModel

/// Which nodes dispute what, both ways. Disputes are few.
struct DisputeIndex: Sendable {
  private var nodes: [DisputedValue: [NodeIdentity]] = [:]
  private var values: [NodeIdentity: [DisputedValue]] = [:]

  /// Sets which nodes dispute `value`.
  ///
  /// - Returns: the nodes that did or do.
  mutating func set(_ value: DisputedValue, to new: [NodeIdentity]) -> Set<NodeIdentity> {
    let old = nodes[value] ?? []
    if old == new { return [] }
    nodes[value] = new.isEmpty ? nil : new
    for id in old { values[id]?.removeAll { $0 == value } }
    for id in Set(new) { values[id, default: []].append(value) }
    for id in old where values[id]?.isEmpty == true { values[id] = nil }
    return Set(old).union(new)
  }

  /// What the node disputes, with all nodes that do, in the order of their texts.
  func of(_ id: NodeIdentity) -> [(value: DisputedValue, nodes: [NodeIdentity])] {
    guard let values = values[id] else { return [] }
    return values.sorted { $0.description < $1.description }.map { ($0, nodes[$0] ?? []) }
  }

  /// The other nodes that dispute something with the node.
  func partners(of id: NodeIdentity) -> [NodeIdentity] {
    (values[id] ?? []).flatMap { nodes[$0] ?? [] }.filter { $0 != id }
  }
}
