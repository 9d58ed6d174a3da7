public import ClusterModel

/// What WireGuard is to know of one peer, and how people call it.
public struct PeerSpec: Hashable, Sendable {
  /// The node that the peer is.
  public let nodeID: NodeIdentity
  /// Its WireGuard public key: base64 of 32 bytes.
  public let publicKey: String
  /// Its address within KubeSpan.
  public let address: IPAddress
  /// What is sent to it, and believed to come from it: the fewest prefixes, IPv4 first, ascending. No address is in
  /// those of two peers. Empty where earlier peers hold all of it: it stays a peer.
  public let allowedIPs: [IPPrefix]
  /// Where it says that it listens, as it lists them.
  public let endpoints: [IPEndpoint]
  /// Its nodename.
  public let label: String

  /// The peer that is so.
  public init(
    nodeID: NodeIdentity, publicKey: String, address: IPAddress, allowedIPs: [IPPrefix],
    endpoints: [IPEndpoint], label: String
  ) {
    self.nodeID = nodeID
    self.publicKey = publicKey
    self.address = address
    self.allowedIPs = allowedIPs
    self.endpoints = endpoints
    self.label = label
  }
}

/// Why a node with a public key is no peer.
public enum PeerOmission: Hashable, Sendable {
  /// It says no address within KubeSpan.
  case noAddress
  /// Its public key isn't one.
  case invalidKey
  /// That node has the same public key and goes before it, or is this node.
  case sameKey(as: NodeIdentity)
}

/// What a person should know of peers that contradict each other.
///
/// Hashable, so that what is new and what is over follow from two sets of them, and each is told once.
public enum PeerConflict: Hashable, Sendable {
  /// `node` says addresses that `holder` has already: `prefixes`, which `node` loses.
  case overlap(node: NodeIdentity, holder: NodeIdentity, prefixes: [IPPrefix])
  /// Nodes, in order, with one address within KubeSpan: machines with one hardware address.
  case sameAddress(IPAddress, nodes: [NodeIdentity])
  /// Nodes, in order, with one public key: a copied disk, or a machine that was named anew. One of them is the peer.
  case samePublicKey(String, nodes: [NodeIdentity])
  /// Others hold every address that `node` has: nothing is sent to it.
  case emptied(node: NodeIdentity)
}

extension PeerConflict: CustomStringConvertible {
  /// One line for a person.
  public var description: String {
    switch self {
    case .overlap(let node, let holder, let prefixes):
      "\(node) and \(holder) both have \(Self.list(prefixes)), which \(holder) keeps"
    case .sameAddress(let address, let nodes):
      "\(Self.list(nodes)) have one KubeSpan address, \(address): machines with one hardware address?"
    case .samePublicKey(let key, let nodes):
      "\(Self.list(nodes)) have one public key, \(key): a copied disk?"
    case .emptied(let node):
      "\(node) has no allowed IPs left: other nodes hold all of its addresses"
    }
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    items.map(\.description).joined(separator: ", ")
  }
}
