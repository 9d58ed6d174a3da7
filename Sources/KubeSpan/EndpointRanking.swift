public import ClusterModel

/// Which of a peer's endpoints this node tries, and in which order.
///
/// The existing system tries all of them as they are listed, each for 30 s. Here those come first that are likely to
/// answer, and what can't answer isn't tried.
public struct EndpointRanking: Hashable, Sendable {
  /// Why an endpoint isn't tried.
  public enum Refusal: Hashable, Sendable {
    /// `filters.peerEndpoints` doesn't let it pass (siderolabs/talos, pull request 14176).
    case filtered
    /// Its address lies in the KubeSpan network: it could only be reached through the tunnel that it is for.
    case insideTunnel
    /// Its address is this node's own, such as a container bridge's, which each machine has.
    case ownAddress
    /// Nothing can be sent there: port 0, or an address that is unspecified, of a group, or of one link or machine.
    case unusable
  }

  /// `filters.peerEndpoints`; nil: all pass.
  public var filter: AddressFilter?
  /// The KubeSpan network.
  public var tunnel: IPPrefix?
  /// The addresses of this node's interfaces with the length of their network.
  public var ownAddresses: [IPPrefix]

  /// What endpoints are ranked by.
  public init(filter: AddressFilter? = nil, tunnel: IPPrefix? = nil, ownAddresses: [IPPrefix] = []) {
    self.filter = filter
    self.tunnel = tunnel
    self.ownAddresses = ownAddresses
  }

  /// Why `endpoint` isn't tried; nil where it is.
  public func refusal(of endpoint: IPEndpoint) -> Refusal? {
    let address = endpoint.address
    if endpoint.port == 0 || address.isUnspecified || address.isMulticast || address.isLoopback
      || address.isLinkLocal
    {
      return .unusable
    }
    if tunnel?.contains(address) == true { return .insideTunnel }
    if ownAddresses.contains(where: { $0.address == address }) { return .ownAddress }
    if filter?.allows(address) == false { return .filtered }
    return nil
  }

  /// What to try, each once: the last good endpoint, though it be listed no more (a peer behind NAT is where it was
  /// seen); those in one of this node's own networks; those of a family that this node has; the rest. Among equals as
  /// they are listed.
  public func candidates(of listed: [IPEndpoint], lastGood: IPEndpoint? = nil) -> [IPEndpoint] {
    var seen: Set<IPEndpoint> = []
    let usable = ((lastGood.map { [$0] } ?? []) + listed).filter {
      refusal(of: $0) == nil && seen.insert($0).inserted
    }
    let families = Set(ownAddresses.map(\.address.family))
    func rank(_ endpoint: IPEndpoint) -> Int {
      if endpoint == lastGood { return 0 }
      if ownAddresses.contains(where: { $0.contains(endpoint.address) }) { return 1 }
      return families.contains(endpoint.address.family) ? 2 : 3
    }
    return usable.enumerated().map { (rank: rank($1), position: $0, endpoint: $1) }
      .sorted { ($0.rank, $0.position) < ($1.rank, $1.position) }.map(\.endpoint)
  }
}
