public import ClusterModel

/// The addresses whose packets are marked and so routed into the tunnel.
///
/// Rule (siderolabs/talos, `kubespan.ManagerController`): the allowed IPs of all peers, or with
/// `allowDownPeerBypass` of those that are up, without the KubeSpan networks, which the link's own route covers.
public struct MarkedSet: Hashable, Sendable {
  /// The fewest IPv4 prefixes, ascending.
  public let v4: [IPPrefix]
  /// The fewest IPv6 prefixes, ascending.
  public let v6: [IPPrefix]

  /// The set for `peers`.
  ///
  /// A prefix is a KubeSpan network's by its first address, each of a peer's prefixes for itself: one that only
  /// joins with such a network to a larger prefix stays marked.
  ///
  /// - Parameters:
  ///   - peers: each one's state and allowed IPs.
  ///   - allowsBypass: whether packets to peers that aren't up go the plain way, in clear. Else they go into the
  ///     tunnel and are lost.
  public init(
    peers: some Sequence<(state: PeerState, allowedIPs: [IPPrefix])>, allowsBypass: Bool
  ) {
    let marked = peers.lazy.filter { !allowsBypass || $0.state == .up }.flatMap(\.allowedIPs)
      .filter { !$0.network.address.isUniqueLocal(for: .kubeSpan) }
    let prefixes = PrefixSet(marked).prefixes
    v4 = prefixes.filter { $0.address.family == .v4 }
    v6 = prefixes.filter { $0.address.family == .v6 }
  }
}
