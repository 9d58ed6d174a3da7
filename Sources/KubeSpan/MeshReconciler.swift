public import ClusterModel

/// What the mesh is made by, beside its peers.
public struct MeshSettings: Hashable, Sendable {
  /// This node's private key.
  public var privateKey: DeviceKey
  /// The cluster's secret, which all peers share.
  public var presharedKey: DeviceKey?
  /// The UDP port to listen on.
  public var listenPort: UInt16 = OwnEndpoints.defaultPort
  /// The mark of the packets that the device sends: the existing system's.
  public var firewallMark: UInt32 = 0x20
  /// `allowDownPeerBypass`.
  public var allowsBypass = false
  /// How long what lasts.
  public var timings = MeshTimings()

  /// The defaults with these keys.
  public init(privateKey: DeviceKey, presharedKey: DeviceKey?) {
    self.privateKey = privateKey
    self.presharedKey = presharedKey
  }
}

/// What a pass over the mesh says is to be.
public struct MeshPass: Hashable, Sendable {
  /// The device as it is to be.
  public let device: DesiredDevice
  /// What to configure for that.
  public let changes: DeviceDifference
  /// The addresses whose packets are routed into the tunnel.
  public let marked: MarkedSet
  /// How each peer is, by node id.
  public let statuses: [PeerStatus]
  /// Where peers are up that didn't list it, by node id.
  public let harvested: [HarvestedEndpoint]
  /// Where peers were up last: to be kept over a restart.
  public let lastGood: [NodeIdentity: IPEndpoint]
  /// When the next pass is due, by the steady clock, where nothing changes before.
  public let nextCheck: Duration
}

/// Makes of peers and a reading of the device what is to be configured. Does no I/O: who calls it reads the device,
/// applies the changes, reads again, and sleeps until the next check or change.
///
/// One pass is the existing system's (siderolabs/talos, `kubespan.ManagerController`), with ``PeerTracker``'s rules in
/// place of its own.
public struct MeshReconciler: Sendable {
  /// What was read and is known at one moment.
  public struct Input: Sendable {
    /// The peers, by node id.
    public var specs: [PeerSpec]
    /// How their endpoints are ranked.
    public var ranking: EndpointRanking
    /// The device as it was read; nil: it isn't there yet.
    public var device: DeviceState?
    /// The moment, by a steady clock: later than that of the pass before.
    public var now: Duration
    /// The moment, as people are shown it.
    public var wallClock: Timestamp
    /// Whether an address of this node changed since the last pass.
    public var ownAddressChanged: Bool
    /// How long packets to peers and their answers take, where that is known.
    public var roundTrips: [NodeIdentity: Duration]
    /// Whether the peers are all that there are. While they aren't, as after a start, the device keeps those that it
    /// has from before: a tunnel that works isn't torn down by who doesn't know better yet.
    public var isComplete = true

    /// What was read.
    public init(
      specs: [PeerSpec], ranking: EndpointRanking, device: DeviceState?, now: Duration, wallClock: Timestamp,
      ownAddressChanged: Bool = false, roundTrips: [NodeIdentity: Duration] = [:]
    ) {
      self.specs = specs
      self.ranking = ranking
      self.device = device
      self.now = now
      self.wallClock = wallClock
      self.ownAddressChanged = ownAddressChanged
      self.roundTrips = roundTrips
    }
  }

  /// By public key: a node with another key is another peer.
  private var trackers: [String: PeerTracker] = [:]
  /// The nodes that were peers at the last pass, by public key.
  private var nodes: [String: NodeIdentity] = [:]
  /// What was harvested at the last pass, by public key. It stays harvested though registries list it by now: they do
  /// because of this node, and would forget it if it weren't said any more.
  private var harvested: [String: IPEndpoint] = [:]
  /// Where nodes were up last. A node that is no peer any more is forgotten, one that wasn't one yet isn't: registries
  /// may still be on their way to tell of it.
  private var lastGood: [NodeIdentity: IPEndpoint]

  /// A mesh of which `lastGood` is known from before.
  public init(lastGood: [NodeIdentity: IPEndpoint] = [:]) { self.lastGood = lastGood }

  /// Keys that several nodes had until lately.
  private var disputed: Set<String> = []

  /// Another node had that key too, and hasn't any more: what the device shows of the peer may be that one's, so it is
  /// looked for anew.
  public mutating func endDispute(of publicKey: String) {
    trackers[publicKey] = nil
    // It may be where the other one was.
    if let node = nodes[publicKey] { lastGood[node] = nil }
    disputed.insert(publicKey)
  }

  /// One pass.
  public mutating func pass(_ input: Input, _ settings: MeshSettings) -> MeshPass {
    let specs = input.specs.sorted { $0.nodeID < $1.nodeID }
    let nodesBefore = nodes
    nodes = Dictionary(specs.map { ($0.publicKey, $0.nodeID) }) { first, _ in first }
    trackers = trackers.filter { nodes[$0.key] == nodesBefore[$0.key] }
    let gone = Set(nodesBefore.values).subtracting(specs.map(\.nodeID))
    lastGood = lastGood.filter { !gone.contains($0.key) }

    var peers: [DesiredPeer] = []
    var statuses: [PeerStatus] = []
    var harvested: [HarvestedEndpoint] = []
    var nextCheck = input.now + settings.timings.poll
    for spec in specs {
      let present = input.device?.peers[spec.publicKey]
      // Another node with the key of one before is elsewhere, whatever the device still shows.
      let isSuccessor =
        nodesBefore[spec.publicKey].map { $0 != spec.nodeID } == true || disputed.contains(spec.publicKey)
      var tracker =
        trackers[spec.publicKey]
        ?? PeerTracker(
          lastGoodEndpoint: lastGood[spec.nodeID], stranger: isSuccessor ? present?.lastHandshake : nil)
      let endpoint = tracker.advance(
        .init(
          peer: present,
          candidates: input.ranking.candidates(of: spec.endpoints, lastGood: tracker.lastGoodEndpoint),
          now: input.now, wallClock: input.wallClock, roundTrip: input.roundTrips[spec.nodeID],
          ownAddressChanged: input.ownAddressChanged), settings.timings)
      trackers[spec.publicKey] = tracker
      lastGood[spec.nodeID] = tracker.lastGoodEndpoint
      nextCheck = min(nextCheck, tracker.nextCheck)
      peers.append(
        DesiredPeer(
          publicKey: spec.publicKey, presharedKey: settings.presharedKey,
          keepAlive: settings.timings.keepAlive, allowedIPs: spec.allowedIPs, endpoint: endpoint))
      statuses.append(Self.status(spec, tracker, present, endpoint, input))
      if tracker.state == .up, let seen = present?.endpoint,
        !spec.endpoints.contains(seen) || self.harvested[spec.publicKey] == seen
      {
        harvested.append(
          HarvestedEndpoint(publicKey: spec.publicKey, nodeID: spec.nodeID, endpoint: seen))
      }
    }
    disputed = []
    self.harvested = Dictionary(harvested.map { ($0.publicKey, $0.endpoint) }) { first, _ in first }
    var device = DesiredDevice(
      privateKey: settings.privateKey, listenPort: settings.listenPort, firewallMark: settings.firewallMark,
      peers: peers)
    device.keepsOtherPeers = !input.isComplete
    return MeshPass(
      device: device, changes: DeviceDifference(from: input.device ?? DeviceState(), to: device),
      marked: MarkedSet(
        peers: zip(statuses, specs).map { (state: $0.state, allowedIPs: $1.allowedIPs) },
        allowsBypass: settings.allowsBypass),
      statuses: statuses, harvested: harvested, lastGood: lastGood, nextCheck: nextCheck)
  }

  private static func status(
    _ spec: PeerSpec, _ tracker: PeerTracker, _ present: DevicePeer?, _ endpoint: DesiredEndpoint,
    _ input: Input
  ) -> PeerStatus {
    var refused: [IPEndpoint: EndpointRanking.Refusal] = [:]
    for endpoint in spec.endpoints { refused[endpoint] = input.ranking.refusal(of: endpoint) }
    var status = PeerStatus(publicKey: spec.publicKey, nodeID: spec.nodeID, label: spec.label)
    status.endpoint = endpoint.endpoint ?? present?.endpoint
    status.state = tracker.state
    status.receivedBytes = tracker.receivedBytes
    status.sentBytes = tracker.sentBytes
    status.lastHandshake = present?.lastHandshake
    status.handshakeAge = tracker.handshakeAge(at: input.now)
    status.lastUsedEndpoint = tracker.lastUsedEndpoint
    status.lastEndpointChange = tracker.lastEndpointChange
    status.upSince = tracker.upSince
    status.endpointChanges = tracker.endpointChanges
    status.trouble = tracker.trouble(at: input.wallClock)
    status.refused = refused
    return status
  }
}
