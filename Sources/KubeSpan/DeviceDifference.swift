public import ClusterModel

/// A peer as a device is to have it.
public struct DesiredPeer: Hashable, Sendable {
  /// Its public key: base64 of 32 bytes.
  public var publicKey: String
  /// The key that both share; nil: none.
  public var presharedKey: DeviceKey?
  /// Seconds between keep-alives; 0: none.
  public var keepAlive: UInt16
  /// What is sent to it; disjoint from that of every other peer.
  public var allowedIPs: [IPPrefix]
  /// Where it is, and how that is set.
  public var endpoint: DesiredEndpoint

  /// The peer that is to be so.
  public init(
    publicKey: String, presharedKey: DeviceKey?, keepAlive: UInt16, allowedIPs: [IPPrefix],
    endpoint: DesiredEndpoint = .keep
  ) {
    self.publicKey = publicKey
    self.presharedKey = presharedKey
    self.keepAlive = keepAlive
    self.allowedIPs = allowedIPs
    self.endpoint = endpoint
  }
}

/// What is to become of a peer's endpoint.
public enum DesiredEndpoint: Hashable, Sendable {
  /// As the device has it, be it none.
  case keep
  /// This one, written even where the device has it already: a userspace device looks up its own source address
  /// only then, which must be after that address changed.
  case write(IPEndpoint)
  /// This one, with the peer removed and added again, so that the handshake begins at once instead of at WireGuard's
  /// next retry, up to 5 s later. Loses the peer's session and counters.
  case reconnect(IPEndpoint)

  /// The endpoint that is set; nil: none.
  public var endpoint: IPEndpoint? {
    switch self {
    case .keep: nil
    case .write(let endpoint), .reconnect(let endpoint): endpoint
    }
  }
}

/// A WireGuard device as it is to be.
public struct DesiredDevice: Hashable, Sendable {
  /// This node's private key.
  public var privateKey: DeviceKey
  /// The UDP port to listen on; 0: whichever the device has.
  public var listenPort: UInt16
  /// The mark of the packets that the device sends.
  public var firewallMark: UInt32
  /// The peers, each key once.
  public var peers: [DesiredPeer]
  /// Whether the device keeps the peers that it has beside these, as it isn't known yet who they are.
  public var keepsOtherPeers = false

  /// The device that is to be so.
  public init(privateKey: DeviceKey, listenPort: UInt16, firewallMark: UInt32, peers: [DesiredPeer]) {
    self.privateKey = privateKey
    self.listenPort = listenPort
    self.firewallMark = firewallMark
    self.peers = peers
  }
}

/// What must be configured so that a device becomes as it is to be: only what differs.
///
/// Rule (siderolabs/talos, `WireguardSpec.Encode`): only changed peers are sent, with all their allowed IPs; where no
/// endpoint or port is wanted, that is no difference.
public struct DeviceDifference: Hashable, Sendable {
  /// A step for one peer.
  public enum Step: Hashable, Sendable {
    case remove(publicKey: String)
    /// Adds a peer that the device doesn't have.
    case add(DesiredPeer)
    case update(PeerUpdate)
  }

  /// What of a peer that the device has is set; nil: left as it is.
  public struct PeerUpdate: Hashable, Sendable {
    /// Which peer.
    public let publicKey: String
    /// The shared key.
    public var presharedKey: DeviceKey?
    /// Whether the shared key is taken away, which a device does by 32 zeros.
    public var removesPresharedKey = false
    /// Seconds between keep-alives.
    public var keepAlive: UInt16?
    /// Where it is.
    public var endpoint: IPEndpoint?
    /// All its prefixes, in place of those that it has.
    public var allowedIPs: [IPPrefix]?

    /// An update that sets nothing yet.
    public init(publicKey: String) { self.publicKey = publicKey }
  }

  /// The private key to set; nil: it has it.
  public let privateKey: DeviceKey?
  /// The port to set; nil: it has it.
  public let listenPort: UInt16?
  /// The mark to set; nil: it has it.
  public let firewallMark: UInt32?
  /// The steps, to be taken in this order: who gives up a prefix comes before who gets it, as a device takes a prefix
  /// from its holder without a word. Where one fails, those before it stay done: read the device again.
  public let steps: [Step]

  /// Whether the device is as it is to be.
  public var isEmpty: Bool {
    privateKey == nil && listenPort == nil && firewallMark == nil && steps.isEmpty
  }

  /// What takes the device from `current` to `desired`. The same whatever the order of their peers.
  public init(from current: DeviceState, to desired: DesiredDevice) {
    privateKey = current.privateKey == desired.privateKey ? nil : desired.privateKey
    listenPort =
      desired.listenPort == 0 || current.listenPort == desired.listenPort ? nil : desired.listenPort
    firewallMark = current.firewallMark == desired.firewallMark ? nil : desired.firewallMark

    let wanted = Set(desired.peers.map(\.publicKey))
    var removals = desired.keepsOtherPeers ? [] : current.peers.keys.filter { !wanted.contains($0) }
    var (givers, others): ([Step], [Step]) = ([], [])
    for peer in desired.peers.sorted(by: { $0.publicKey < $1.publicKey }) {
      guard let present = current.peers[peer.publicKey] else {
        others.append(.add(peer))
        continue
      }
      if case .reconnect = peer.endpoint {
        removals.append(peer.publicKey)
        others.append(.add(peer))
        continue
      }
      guard let update = PeerUpdate(from: present, to: peer) else { continue }
      let kept = Set(peer.allowedIPs.map(\.network))
      let isGiver = update.allowedIPs != nil && present.allowedIPs.contains { !kept.contains($0.network) }
      if isGiver { givers.append(.update(update)) } else { others.append(.update(update)) }
    }
    steps = removals.sorted().map { .remove(publicKey: $0) } + givers + others
  }
}

extension DeviceDifference.PeerUpdate {
  /// What takes the peer from `current` to `desired`; nil: it is so already.
  fileprivate init?(from current: DevicePeer, to desired: DesiredPeer) {
    var update = Self(publicKey: desired.publicKey)
    if current.presharedKey != desired.presharedKey {
      update.presharedKey = desired.presharedKey
      update.removesPresharedKey = desired.presharedKey == nil
    }
    if current.keepAlive != desired.keepAlive { update.keepAlive = desired.keepAlive }
    update.endpoint = desired.endpoint.endpoint
    if Set(current.allowedIPs.map(\.network)) != Set(desired.allowedIPs.map(\.network)) {
      update.allowedIPs = desired.allowedIPs
    }
    guard update != Self(publicKey: desired.publicKey) else { return nil }
    self = update
  }
}
