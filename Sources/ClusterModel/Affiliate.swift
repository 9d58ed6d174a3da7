/// A proposed member: what is known of a node that shares the cluster's id and secret.
///
/// What one registry knows of it is a raw affiliate; the merge of all of them is the affiliate. Text is
/// empty where nobody said it. Lists keep their order, the first being the preferred one.
///
/// A value of one pointer: copies share their content until one of them changes.
public struct Affiliate: Sendable {
  private var storage: Storage

  /// An affiliate of what is known; what isn't given is what nobody said.
  public init(
    nodeID: NodeIdentity, addresses: [IPAddress] = [], hostname: String = "", nodename: String = "",
    operatingSystem: String = "", machineType: MachineType = .unknown,
    kubeSpan: KubeSpanAffiliate? = nil, controlPlane: ControlPlane? = nil
  ) {
    storage = Storage(
      Content(
        nodeID: nodeID, addresses: addresses, hostname: hostname,
        // Most nodes are called alike by themselves and by Kubernetes: they keep the name once.
        nodename: nodename == hostname ? hostname : nodename, operatingSystem: operatingSystem,
        kubeSpan: kubeSpan, controlPlane: controlPlane, machineType: machineType))
  }

  /// Who this is about.
  public var nodeID: NodeIdentity {
    get { storage.content.nodeID }
    set { change { $0.nodeID = newValue } }
  }

  /// The addresses at which the node itself is reached.
  public var addresses: [IPAddress] {
    get { storage.content.addresses }
    set { change { $0.addresses = newValue } }
  }

  /// The node's name for itself.
  public var hostname: String {
    get { storage.content.hostname }
    set { change { $0.hostname = newValue } }
  }

  /// The name of the node's Kubernetes Node; only an affiliate with one is a ``Member``.
  public var nodename: String {
    get { storage.content.nodename }
    set { change { $0.nodename = newValue } }
  }

  /// The operating system for people: `Talos (v1.3.0)`.
  public var operatingSystem: String {
    get { storage.content.operatingSystem }
    set { change { $0.operatingSystem = newValue } }
  }

  /// What the machine is for in its cluster.
  public var machineType: MachineType {
    get { storage.content.machineType }
    set { change { $0.machineType = newValue } }
  }

  /// What WireGuard needs to reach the node, where it takes part in KubeSpan.
  public var kubeSpan: KubeSpanAffiliate? {
    get { storage.content.kubeSpan }
    set { change { $0.kubeSpan = newValue } }
  }

  /// The API server of a control-plane node.
  public var controlPlane: ControlPlane? {
    get { storage.content.controlPlane }
    set { change { $0.controlPlane = newValue } }
  }

  /// Whether both are one object: then they are equal, which costs nothing to see.
  package func isIdentical(to other: Affiliate) -> Bool { storage === other.storage }

  /// Takes over the buffers of whatever is equal in one of `others`: several registries mostly say the same.
  package mutating func shareBuffers(with others: [Affiliate]) {
    change { content in
      for other in others { content.shareBuffers(with: other.storage.content) }
    }
  }

  private mutating func change(_ body: (inout Content) -> Void) {
    if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.content) }
    body(&storage.content)
  }

  private struct Content: Hashable, Sendable {
    var nodeID: NodeIdentity
    var addresses: [IPAddress]
    var hostname: String
    var nodename: String
    var operatingSystem: String
    var kubeSpan: KubeSpanAffiliate?
    var controlPlane: ControlPlane?
    var machineType: MachineType

    mutating func shareBuffers(with other: Content) {
      if nodeID == other.nodeID { nodeID = other.nodeID }
      if addresses == other.addresses { addresses = other.addresses }
      if hostname == other.hostname { hostname = other.hostname }
      if nodename == other.nodename { nodename = other.nodename }
      if nodename == hostname { nodename = hostname }
      if operatingSystem == other.operatingSystem { operatingSystem = other.operatingSystem }
      if let theirs = other.kubeSpan { kubeSpan?.shareBuffers(with: theirs) }
    }
  }

  /// Changed only while one affiliate alone refers to it.
  private final class Storage: @unchecked Sendable {
    var content: Content

    init(_ content: Content) { self.content = content }
  }
}

extension Affiliate: Hashable {
  public static func == (left: Affiliate, right: Affiliate) -> Bool {
    left.storage === right.storage || left.storage.content == right.storage.content
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(storage.content) }
}

extension Affiliate: CustomReflectable {
  /// What it holds, for debugging and for the messages of tests.
  public var customMirror: Mirror { Mirror(reflecting: storage.content) }
}

/// What an affiliate tells of its API server.
public struct ControlPlane: Hashable, Sendable {
  /// The TCP port on which the node's API server listens.
  public var apiServerPort: UInt16

  /// The API server at `apiServerPort`, 1 to 65535.
  public init(apiServerPort: UInt16) { self.apiServerPort = apiServerPort }
}

/// What an affiliate tells of its WireGuard peer.
///
/// Registries may know parts of it: endpoints seen by others come without a key.
public struct KubeSpanAffiliate: Hashable, Sendable {
  /// The WireGuard public key as base64 text; empty where nobody said it.
  public var publicKey: String
  /// Further networks that are reached through the node, such as its pods'.
  public var additionalAddresses: [IPPrefix]
  /// Networks that must not be reached through the node although its addresses lie in them.
  public var excludeAdvertisedNetworks: [IPPrefix]
  /// Where the node's WireGuard listens, as seen by itself and by others.
  public var endpoints: [IPEndpoint]
  /// The node's own address within KubeSpan.
  public var address: IPAddress?

  /// What is known of a peer; what isn't given is what nobody said.
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

extension KubeSpanAffiliate {
  fileprivate mutating func shareBuffers(with other: KubeSpanAffiliate) {
    if publicKey == other.publicKey { publicKey = other.publicKey }
    if additionalAddresses == other.additionalAddresses { additionalAddresses = other.additionalAddresses }
    if excludeAdvertisedNetworks == other.excludeAdvertisedNetworks {
      excludeAdvertisedNetworks = other.excludeAdvertisedNetworks
    }
    if endpoints == other.endpoints { endpoints = other.endpoints }
  }
}
