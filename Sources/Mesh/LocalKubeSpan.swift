package import ClusterModel
package import KubeSpan

/// This node's part in KubeSpan, as others are to know of it.
///
/// Rule (siderolabs/talos, `cluster.LocalAffiliateController`): the key, the address, which is also one of the node's
/// `addresses`, what it excludes, and its endpoints.
package struct LocalKubeSpan: Hashable, Sendable {
  /// The WireGuard public key.
  package var publicKey: String
  /// The address within KubeSpan.
  package var address: IPAddress
  /// The UDP port that WireGuard listens on.
  package var port: UInt16
  /// The addresses that registries saw this node come from.
  package var publicAddresses: [IPAddress]
  /// This node's pod networks, which ``KubeSpanSettings/advertisesKubernetesNetworks`` lets others reach through it.
  package var podNetworks: [IPPrefix] = []
  /// What a person set.
  package var settings: KubeSpanSettings

  /// `record` of this node with its part in KubeSpan.
  package func amend(_ record: inout AffiliateRecord) {
    let addresses = record.affiliate.addresses.filter { $0 != address }
    var part = record.affiliate.kubeSpan ?? KubeSpanAffiliate()
    part.publicKey = publicKey
    part.address = address
    if settings.advertisesKubernetesNetworks {
      part.additionalAddresses += podNetworks.filter { !part.additionalAddresses.contains($0) }
    }
    part.endpoints =
      OwnEndpoints(
        currentAddresses: addresses, kubeSpanAddress: address,
        clusterNetworks: settings.advertisesKubernetesNetworks ? part.additionalAddresses : [],
        publicAddresses: publicAddresses, filter: settings.endpointFilter, extra: settings.extraEndpoints,
        port: port
      ).endpoints
    // Others know `addresses` whole; what they shall not reach through the tunnel is excluded one by one.
    let refused = settings.addressFilter.map { filter in addresses.filter { !filter.allows($0) } } ?? []
    var excluded = part.excludeAdvertisedNetworks
    for network in settings.excludedNetworks + refused.map(IPPrefix.init(host:))
    where !excluded.contains(network) {
      excluded.append(network)
    }
    part.excludeAdvertisedNetworks = excluded
    record.affiliate.addresses = addresses + [address]
    record.affiliate.kubeSpan = part
  }
}
