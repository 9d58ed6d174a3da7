/// A proposed member: what is known of a node that shares the cluster's id and secret.
///
/// One registry's word for it is a raw affiliate; the merge of all of them is the affiliate. Text is
/// empty where nobody said it. Lists keep their order, the first being the preferred one.
public struct Affiliate: Hashable, Sendable {
  /// Who this is about.
  public var nodeID: NodeIdentity
  /// The addresses at which the node itself is reached.
  public var addresses: [IPAddress]
  /// The node's name for itself.
  public var hostname: String
  /// The name of the node's Kubernetes Node; only an affiliate with one is a ``Member``.
  public var nodename: String
  /// The operating system for people: `Talos (v1.3.0)`.
  public var operatingSystem: String
  public var machineType: MachineType
  /// What WireGuard needs to reach the node, where it takes part in KubeSpan.
  public var kubeSpan: KubeSpanAffiliate?
  /// The API server of a control-plane node.
  public var controlPlane: ControlPlane?

  public init(
    nodeID: NodeIdentity, addresses: [IPAddress] = [], hostname: String = "", nodename: String = "",
    operatingSystem: String = "", machineType: MachineType = .unknown,
    kubeSpan: KubeSpanAffiliate? = nil, controlPlane: ControlPlane? = nil
  ) {
    self.nodeID = nodeID
    self.addresses = addresses
    self.hostname = hostname
    self.nodename = nodename
    self.operatingSystem = operatingSystem
    self.machineType = machineType
    self.kubeSpan = kubeSpan
    self.controlPlane = controlPlane
  }
}

/// What an affiliate tells of its API server.
public struct ControlPlane: Hashable, Sendable {
  /// The TCP port on which the node's API server listens.
  public var apiServerPort: UInt16

  public init(apiServerPort: UInt16) { self.apiServerPort = apiServerPort }
}

/// What an affiliate tells of its WireGuard peer.
///
/// Registries may know parts of it: endpoints seen by others come without a key.
public struct KubeSpanAffiliate: Hashable, Sendable {
  /// The WireGuard public key as base64 text; empty where nobody said it.
  public var publicKey: String
  /// The node's own address within KubeSpan.
  public var address: IPAddress?
  /// Further networks that are reached through the node, such as its pods'.
  public var additionalAddresses: [IPPrefix]
  /// Networks that must not be reached through the node although its addresses lie in them.
  public var excludeAdvertisedNetworks: [IPPrefix]
  /// Where the node's WireGuard listens, as seen by itself and by others.
  public var endpoints: [IPEndpoint]

  public init(
    publicKey: String = "", address: IPAddress? = nil, additionalAddresses: [IPPrefix] = [],
    excludeAdvertisedNetworks: [IPPrefix] = [], endpoints: [IPEndpoint] = []
  ) {
    self.publicKey = publicKey
    self.address = address
    self.additionalAddresses = additionalAddresses
    self.excludeAdvertisedNetworks = excludeAdvertisedNetworks
    self.endpoints = endpoints
  }
}
