public import ClusterModel
import Platform

/// The peers that follow from a cluster's affiliates, and where these contradict each other.
///
/// Rule (siderolabs/talos, `kubespan.PeerSpecController`): of each other affiliate with a public key, in the order of
/// node ids, the additional addresses and the addresses without what it excludes, then its KubeSpan address, as the
/// fewest prefixes, without what an earlier peer holds.
///
/// Where this goes beyond that rule:
/// - Who isn't fresh comes after those who are, so that a machine that is gone doesn't keep what its successor has
///   (siderolabs/talos issue 4562).
/// - Of nodes with one public key the first is the peer, whole, and the others are left out and named. There the last
///   one replaces the first, and what both had is lost.
/// - This node's own key is no peer, and its own KubeSpan address nobody else's.
public struct PeerPlan: Hashable, Sendable {
  /// This node, as far as it concerns others.
  public struct LocalPeer: Hashable, Sendable {
    /// Who this node is.
    public var nodeID: NodeIdentity
    /// Its WireGuard public key; empty where there is none yet.
    public var publicKey: String
    /// Its address within KubeSpan.
    public var address: IPAddress?

    /// The node that is so.
    public init(nodeID: NodeIdentity, publicKey: String = "", address: IPAddress? = nil) {
      self.nodeID = nodeID
      self.publicKey = publicKey
      self.address = address
    }
  }

  /// What becomes of an address of a node.
  public enum Fate: Hashable, Sendable {
    /// Packets to it go to that node.
    case reachable
    /// The node excludes that network.
    case excluded(by: IPPrefix)
    /// Packets to it go to that node, which has it too.
    case held(by: NodeIdentity)
    /// The node is no peer.
    case omitted(PeerOmission)
    /// The node takes no part in KubeSpan, or is this node.
    case noPeer
    /// The node doesn't say that it has it.
    case notAdvertised
  }

  /// The peers, by node id.
  public let specs: [PeerSpec]
  /// The nodes with a public key that are no peers, and why.
  public let omissions: [NodeIdentity: PeerOmission]
  /// What contradicts itself, always in the same order.
  public let conflicts: [PeerConflict]
  private let local: LocalPeer

  /// The peers that follow from `affiliates`, in whatever order they are given.
  ///
  /// - Parameters:
  ///   - affiliates: one for each node; the local one among them is left out.
  ///   - local: this node.
  ///   - stale: the nodes that are only known from before. They give way to all others.
  public init(
    affiliates: some Sequence<Affiliate>, local: LocalPeer, stale: Set<NodeIdentity> = []
  ) {
    var builder = PeerPlanBuilder(local: local)
    let others = affiliates.filter { $0.nodeID != local.nodeID && !$0.publicKey.isEmpty }
      .sorted { $0.nodeID < $1.nodeID }
    for affiliate in others where !stale.contains(affiliate.nodeID) { builder.add(affiliate) }
    for affiliate in others where stale.contains(affiliate.nodeID) { builder.add(affiliate) }
    let (specs, overlaps) = builder.specs()
    self.specs = specs.sorted { $0.nodeID < $1.nodeID }
    omissions = builder.omissions
    conflicts =
      overlaps + builder.duplicates
      + self.specs.filter(\.allowedIPs.isEmpty).map { .emptied(node: $0.nodeID) }
    self.local = local
  }

  /// What becomes of `address` as one of `affiliate`'s, which is of the same state of the cluster as the plan.
  public func fate(of address: IPAddress, of affiliate: Affiliate) -> Fate {
    Self.fate(of: address, of: affiliate, among: specs, omissions: omissions, local: local)
  }

  static func fate(
    of address: IPAddress, of affiliate: Affiliate, among specs: [PeerSpec],
    omissions: [NodeIdentity: PeerOmission], local: LocalPeer
  ) -> Fate {
    if let omission = omissions[affiliate.nodeID] { return .omitted(omission) }
    guard let spec = specs.first(where: { $0.nodeID == affiliate.nodeID }) else { return .noPeer }
    if spec.allowedIPs.contains(where: { $0.contains(address) }) { return .reachable }
    if address != spec.address {
      guard
        affiliate.addresses.contains(address)
          || affiliate.additionalAddresses.contains(where: { $0.contains(address) })
      else { return .notAdvertised }
      if let network = affiliate.excludeAdvertisedNetworks.first(where: { $0.contains(address) }) {
        return .excluded(by: network)
      }
    }
    return holder(of: address, among: specs, local: local).map { .held(by: $0) } ?? .notAdvertised
  }

  /// The node that packets to `address` go to through the tunnel, which is this node for its KubeSpan address.
  public func holder(of address: IPAddress) -> NodeIdentity? {
    Self.holder(of: address, among: specs, local: local)
  }

  private static func holder(of address: IPAddress, among specs: [PeerSpec], local: LocalPeer)
    -> NodeIdentity?
  {
    if address == local.address { return local.nodeID }
    return specs.first { $0.allowedIPs.contains { $0.contains(address) } }?.nodeID
  }
}

/// Adds peers one after the other: who comes earlier keeps what it has.
private struct PeerPlanBuilder {
  private(set) var omissions: [NodeIdentity: PeerOmission] = [:]
  /// What each node says that it has: this node's own address first, then the peers'.
  private var claims: [(node: NodeIdentity, set: PrefixSet)] = []
  private var peers: [(affiliate: Affiliate, address: IPAddress, claim: Int)] = []
  private var nodesByKey: [String: [NodeIdentity]] = [:]
  private var nodesByAddress: [IPAddress: [NodeIdentity]] = [:]

  init(local: PeerPlan.LocalPeer) {
    if !local.publicKey.isEmpty { nodesByKey[local.publicKey] = [local.nodeID] }
    guard let address = local.address else { return }
    nodesByAddress[address] = [local.nodeID]
    claims = [(local.nodeID, PrefixSet([IPPrefix(host: address)]))]
  }

  mutating func add(_ affiliate: Affiliate) {
    let nodeID = affiliate.nodeID
    let publicKey = affiliate.publicKey
    guard (try? WireGuardKey.parse(publicKey)) != nil else {
      omissions[nodeID] = .invalidKey
      return
    }
    nodesByKey[publicKey, default: []].append(nodeID)
    if let first = nodesByKey[publicKey]?.first, first != nodeID {
      omissions[nodeID] = .sameKey(as: first)
      return
    }
    guard let address = affiliate.kubeSpanAddress else {
      omissions[nodeID] = .noAddress
      return
    }
    nodesByAddress[address, default: []].append(nodeID)
    let advertised = PrefixSet(affiliate.additionalAddresses + affiliate.addresses.map(IPPrefix.init(host:)))
    let claimed =
      advertised.subtracting(PrefixSet(affiliate.excludeAdvertisedNetworks))
      .union(PrefixSet([IPPrefix(host: address)]))
    peers.append((affiliate, address, claims.count))
    claims.append((nodeID, claimed))
  }

  /// The peers in the order in which they were added, and what those lose to earlier ones.
  ///
  /// Hardly any overlap, as a rule: only those that do are compared with each other.
  func specs() -> (specs: [PeerSpec], overlaps: [PeerConflict]) {
    let contested = PrefixSet.overlapping(claims.map(\.set)).sorted()
    var allowed = claims.map(\.set)
    var overlaps: [PeerConflict] = []
    var held = PrefixSet()
    for (count, position) in contested.enumerated() {
      var taken = claims[position].set.intersection(held)
      if !taken.isEmpty {
        allowed[position] = claims[position].set.subtracting(taken)
        for earlier in contested[..<count] where !taken.isEmpty {
          let common = taken.intersection(allowed[earlier])
          guard !common.isEmpty else { continue }
          taken = taken.subtracting(common)
          overlaps.append(
            .overlap(node: claims[position].node, holder: claims[earlier].node, prefixes: common.prefixes))
        }
      }
      held = held.union(allowed[position])
    }
    let specs = peers.map { affiliate, address, claim in
      PeerSpec(
        nodeID: affiliate.nodeID, publicKey: affiliate.publicKey, address: address,
        allowedIPs: allowed[claim].prefixes, endpoints: affiliate.endpoints, label: affiliate.nodename)
    }
    return (specs, overlaps)
  }

  /// What several nodes have that is to be one's alone, in order.
  var duplicates: [PeerConflict] {
    nodesByAddress.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
      .map { .sameAddress($0.key, nodes: $0.value.sorted()) }
      + nodesByKey.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
      .map { .samePublicKey($0.key, nodes: $0.value.sorted()) }
  }
}
