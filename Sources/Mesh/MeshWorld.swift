package import ClusterModel
import Lifecycle
package import Rollcall

/// What a mesh takes of a cluster at one moment.
package struct MeshWorld: Hashable, Sendable {
  /// One for each node, merged.
  package var affiliates: [Affiliate] = []
  /// The nodes that are only known from before. They give way to all others.
  package var stale: Set<NodeIdentity> = []
  /// The nodes that no registry has any more, as one of them can't be asked: peers all the same.
  package var kept: Set<NodeIdentity> = []
  /// The addresses that registries saw this node come from.
  package var publicAddresses: [IPAddress] = []

  /// An empty cluster.
  package init() {}

  /// What there is in `snapshot`.
  ///
  /// Records of a registry that fails stay in the merge. What goes from it is a lease that a peer let end, as one does
  /// that was started anew and empty: such a node stays a peer for `keepFor`, for as long as a registry isn't in sync.
  package init(_ snapshot: ClusterSnapshot, keepFor: Duration) {
    for affiliate in snapshot.affiliates {
      let value = affiliate.value
      affiliates.append(value)
      guard let status = snapshot.life.status(of: value.nodeID) else { continue }
      switch status.state {
      case .stale, .missing, .left: stale.insert(value.nodeID)
      case .ready, .notready: break
      }
    }
    for registry in snapshot.registries {
      guard let address = registry.publicAddress, !publicAddresses.contains(address) else { continue }
      publicAddresses.append(address)
    }
    let isBlind = snapshot.registries.contains { $0.state != .disabled && $0.state != .synced }
    guard isBlind else { return }
    let known = Set(affiliates.map(\.nodeID))
    for tombstone in snapshot.life.tombstones {
      guard tombstone.state == .missing, let affiliate = tombstone.affiliate,
        !known.contains(tombstone.node), affiliate.kubeSpan != nil,
        snapshot.moment.elapsed - tombstone.since.elapsed < keepFor,
        kept.insert(tombstone.node).inserted
      else { continue }
      affiliates.append(affiliate)
      stale.insert(tombstone.node)
    }
  }
}
