/// The annotations of a Node that carry what a node publishes of itself.
///
/// The names are those that existing nodes write. A list is separated by commas; an empty value is as good as
/// no annotation.
enum NodeAnnotation: String, CaseIterable, Sendable {
  /// The node's identity; a Node without it takes no part.
  case nodeID = "cluster.talos.dev/node-id"
  /// The node's addresses.
  case selfIPs = "networking.talos.dev/self-ips"
  /// The API server's port of a control-plane node.
  case apiServerPort = "networking.talos.dev/api-server-port"
  /// The node's address within KubeSpan.
  case kubeSpanIP = "networking.talos.dev/kubespan-ip"
  /// The WireGuard public key.
  case kubeSpanPublicKey = "networking.talos.dev/kubespan-public-key"
  /// Further networks that are reached through the node.
  case assignedPrefixes = "networking.talos.dev/assigned-prefixes"
  /// Where the node's WireGuard listens.
  case kubeSpanEndpoints = "networking.talos.dev/kubespan-endpoints"
  /// Networks that must not be reached through the node.
  case kubeSpanExcludedNetworks = "networking.talos.dev/kubespan-exclude-advertised-networks"
}
