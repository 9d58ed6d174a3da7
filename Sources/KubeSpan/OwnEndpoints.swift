public import ClusterModel

/// Where this node's WireGuard is said to listen: what others try.
///
/// Rule (siderolabs/talos, `cluster.LocalAffiliateController`): the node's own addresses, then the public ones that
/// a discovery service told, both through the filter, at the listen port; then the extra announced endpoints, which
/// no filter concerns. Each once.
public struct OwnEndpoints: Hashable, Sendable {
  /// The port of KubeSpan's WireGuard where none is configured.
  public static let defaultPort: UInt16 = 51820

  /// The addresses of this node's interfaces.
  public var currentAddresses: [IPAddress]
  /// This node's address within KubeSpan, which nobody can reach from without.
  public var kubeSpanAddress: IPAddress?
  /// The networks of pods and services: addresses in them aren't the node's own.
  public var clusterNetworks: [IPPrefix]
  /// The addresses that a discovery service saw this node come from.
  public var publicAddresses: [IPAddress]
  /// `filters.endpoints`; nil: all pass.
  public var filter: AddressFilter?
  /// `extraAnnouncedEndpoints`.
  public var extra: [IPEndpoint]
  /// The UDP port on which WireGuard listens.
  public var port: UInt16

  /// What the endpoints follow from.
  public init(
    currentAddresses: [IPAddress], kubeSpanAddress: IPAddress?, clusterNetworks: [IPPrefix] = [],
    publicAddresses: [IPAddress] = [], filter: AddressFilter? = nil, extra: [IPEndpoint] = [],
    port: UInt16 = OwnEndpoints.defaultPort
  ) {
    self.currentAddresses = currentAddresses
    self.kubeSpanAddress = kubeSpanAddress
    self.clusterNetworks = clusterNetworks
    self.publicAddresses = publicAddresses
    self.filter = filter
    self.extra = extra
    self.port = port
  }

  /// The endpoints to announce, the preferred one first.
  public var endpoints: [IPEndpoint] {
    let own = currentAddresses.filter { address in
      address != kubeSpanAddress && !address.isUniqueLocal(for: .sideroLink)
        && !clusterNetworks.contains { $0.contains(address) }
    }
    let addresses = own + publicAddresses
    let announced = (filter?.select(addresses) ?? addresses).map { IPEndpoint(address: $0, port: port) }
    var seen: Set<IPEndpoint> = []
    return (announced + extra).filter { seen.insert($0).inserted }
  }
}
