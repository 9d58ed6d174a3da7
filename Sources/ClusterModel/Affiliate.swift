/// A proposed member: what is known of a node that shares the cluster's id and secret.
///
/// What one registry knows of it is a raw affiliate; the merge of all of them is the affiliate. Text is
/// empty where nobody said it. Lists keep their order, the first being the preferred one.
///
/// A value of one pointer to one block of memory, which copies share. To read a text or a list makes it anew, and
/// to set a property makes another block: what is known from the start is best given to the initializer. Texts
/// are equal where their bytes are.
public struct Affiliate: @unchecked Sendable {  // What it refers to is never changed.
  private var packed: PackedAffiliate

  /// An affiliate of what is known; what isn't given is what nobody said.
  public init(
    nodeID: NodeIdentity, addresses: [IPAddress] = [], hostname: String = "", nodename: String = "",
    operatingSystem: String = "", machineType: MachineType = .unknown,
    kubeSpan: KubeSpanAffiliate? = nil, controlPlane: ControlPlane? = nil
  ) {
    packed = PackedAffiliate.make(
      AffiliateFields(
        nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: nodename,
        operatingSystem: operatingSystem, machineType: machineType, kubeSpan: kubeSpan,
        controlPlane: controlPlane))
  }

  /// Who this is about.
  public var nodeID: NodeIdentity {
    get { packed.nodeID }
    set { packed = packed.renamed(newValue) }
  }

  /// The addresses at which the node itself is reached.
  public var addresses: [IPAddress] {
    get { packed.addresses() }
    set { change { $0.addresses = newValue } }
  }

  /// The node's name for itself.
  public var hostname: String {
    get { packed.text(.hostname) }
    set { change { $0.hostname = newValue } }
  }

  /// The name of the node's Kubernetes Node; only an affiliate with one is a ``Member``.
  public var nodename: String {
    get { packed.text(.nodename) }
    set { change { $0.nodename = newValue } }
  }

  /// The operating system for people: `Talos (v1.3.0)`.
  public var operatingSystem: String {
    get { packed.text(.operatingSystem) }
    set { change { $0.operatingSystem = newValue } }
  }

  /// What the machine is for in its cluster.
  public var machineType: MachineType {
    get { packed.machineType }
    set { change { $0.machineType = newValue } }
  }

  /// What WireGuard needs to reach the node, where it takes part in KubeSpan.
  public var kubeSpan: KubeSpanAffiliate? {
    get {
      guard packed.hasKubeSpan else { return nil }
      return KubeSpanAffiliate(
        publicKey: publicKey, address: kubeSpanAddress, additionalAddresses: additionalAddresses,
        excludeAdvertisedNetworks: excludeAdvertisedNetworks, endpoints: endpoints)
    }
    set { change { $0.kubeSpan = newValue } }
  }

  /// The API server of a control-plane node.
  public var controlPlane: ControlPlane? {
    get { packed.controlPlane }
    set { change { $0.controlPlane = newValue } }
  }

  private var fields: AffiliateFields {
    AffiliateFields(
      nodeID: nodeID, addresses: addresses, hostname: hostname, nodename: nodename,
      operatingSystem: operatingSystem, machineType: machineType, kubeSpan: kubeSpan,
      controlPlane: controlPlane)
  }

  private mutating func change(_ body: (inout AffiliateFields) -> Void) {
    var fields = fields
    body(&fields)
    packed = PackedAffiliate.make(fields)
  }
}

/// What the merge reads without making texts and lists that it doesn't need.
extension Affiliate {
  /// The affiliate of which each text and list is that of another one.
  ///
  /// - Parameter sources: by ``AffiliatePart``'s raw values; nil for what is empty. Those of lists are
  ///   ``isNormal``.
  package init(
    nodeID: NodeIdentity, of sources: [Affiliate?], machineType: MachineType, kubeSpanAddress: IPAddress?,
    controlPlane: ControlPlane?
  ) {
    packed = PackedAffiliate.make(
      nodeID, of: sources.map { $0?.packed }, machineType: machineType, kubeSpanAddress: kubeSpanAddress,
      controlPlane: controlPlane)
  }

  /// Whether nothing was said of `part`.
  package func isEmpty(_ part: AffiliatePart) -> Bool { packed.isEmpty(part) }

  /// Whether both say the same of `part`.
  package func isEqual(_ part: AffiliatePart, to other: Affiliate) -> Bool {
    packed.isEqual(part, to: other.packed)
  }

  /// Whether `part` is that text.
  package func isEqual(_ part: AffiliatePart, to text: String) -> Bool { packed.isEqual(part, to: text) }

  /// The text that `part` is.
  package func text(_ part: AffiliatePart) -> String { packed.text(part) }

  /// The WireGuard public key; empty where nobody said it.
  package var publicKey: String { packed.text(.publicKey) }
  /// The address within KubeSpan.
  package var kubeSpanAddress: IPAddress? { packed.kubeSpanAddress }
  /// Further networks that are reached through the node.
  package var additionalAddresses: [IPPrefix] { packed.prefixes(.additionalAddresses) }
  /// Networks that must not be reached through the node.
  package var excludeAdvertisedNetworks: [IPPrefix] { packed.prefixes(.excludeAdvertisedNetworks) }
  /// Where the node's WireGuard listens.
  package var endpoints: [IPEndpoint] { packed.endpoints() }
  /// Whether it has a KubeSpan, be it without content.
  package var hasKubeSpan: Bool { packed.hasKubeSpan }
  /// Whether each list has each item once, and a KubeSpan has something in it: so is what a merge gives.
  package var isNormal: Bool { packed.isNormal }

  /// Whether both are one block of memory: then they are equal, which costs nothing to see.
  package func isIdentical(to other: Affiliate) -> Bool { packed === other.packed }
}

extension Affiliate: Hashable {
  public static func == (left: Affiliate, right: Affiliate) -> Bool { left.packed.isEqual(to: right.packed) }

  public func hash(into hasher: inout Hasher) { packed.hash(into: &hasher) }
}

extension Affiliate: CustomReflectable {
  /// What it holds, for debugging and for the messages of tests.
  public var customMirror: Mirror { Mirror(reflecting: fields) }
}

/// What an affiliate says of its API server.
public struct ControlPlane: Hashable, Sendable {
  /// The TCP port on which the node's API server listens.
  public var apiServerPort: UInt16

  /// The API server at `apiServerPort`, 1 to 65535.
  public init(apiServerPort: UInt16) { self.apiServerPort = apiServerPort }
}

/// What an affiliate says of its WireGuard peer.
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
