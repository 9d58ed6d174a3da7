public import ClusterModel

/// How a peer is, as people are shown it.
public struct PeerStatus: Hashable, Sendable {
  /// Its public key: base64 of 32 bytes.
  public var publicKey: String
  /// The node that the peer is.
  public var nodeID: NodeIdentity
  /// Its nodename.
  public var label: String
  /// Where the device sends packets to; nil: nowhere yet.
  public var endpoint: IPEndpoint?
  /// How the tunnel is.
  public var state: PeerState
  /// Bytes received from it, whatever happened to the device's counter since.
  public var receivedBytes: UInt64
  /// Bytes sent to it, likewise.
  public var sentBytes: UInt64
  /// When the device says that the last handshake was.
  public var lastHandshake: HandshakeTime?
  /// How long ago that was, by a steady clock.
  public var handshakeAge: Duration?
  /// The endpoint that was tried last.
  public var lastUsedEndpoint: IPEndpoint?
  /// When that was set.
  public var lastEndpointChange: Timestamp?
  /// Since when the peer is up; nil: it isn't.
  public var upSince: Timestamp?
  /// How often an endpoint was set.
  public var endpointChanges: Int
  /// Why the peer isn't up; nil: it is.
  public var trouble: PeerTracker.Trouble?
  /// The listed endpoints that aren't tried, and why.
  public var refused: [IPEndpoint: EndpointRanking.Refusal]

  /// A peer of which nothing more is known.
  public init(publicKey: String, nodeID: NodeIdentity, label: String) {
    self.publicKey = publicKey
    self.nodeID = nodeID
    self.label = label
    endpoint = nil
    state = .unknown
    receivedBytes = 0
    sentBytes = 0
    lastHandshake = nil
    handshakeAge = nil
    lastUsedEndpoint = nil
    lastEndpointChange = nil
    upSince = nil
    endpointChanges = 0
    trouble = nil
    refused = [:]
  }
}

/// An endpoint at which a peer is up: what this node may say of another one.
///
/// Id and columns as the existing system's resource `KubeSpanEndpoint`.
public struct HarvestedEndpoint: Hashable, Sendable {
  /// The peer's public key.
  public let publicKey: String
  /// The node that the peer is.
  public let nodeID: NodeIdentity
  /// Where it is.
  public let endpoint: IPEndpoint

  /// That `endpoint` is where the peer is up.
  public init(publicKey: String, nodeID: NodeIdentity, endpoint: IPEndpoint) {
    self.publicKey = publicKey
    self.nodeID = nodeID
    self.endpoint = endpoint
  }
}
