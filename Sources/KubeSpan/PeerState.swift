/// How the tunnel to a peer is.
public enum PeerState: String, Hashable, Sendable, CaseIterable {
  /// An endpoint is being tried, or there is none to try.
  case unknown
  /// There was a handshake lately.
  case up
  /// Nobody answers.
  case down
}

extension PeerState {
  /// How old a handshake of a working tunnel gets at the most: WireGuard makes a new one every 120 s, and gives up on
  /// it 90 s later; a keep-alive and some slack on top (siderolabs/talos, `PeerDownInterval`).
  public static let handshakeLimit: Duration = .seconds(275)
  /// How long it isn't known yet whether an endpoint answers (siderolabs/talos, `EndpointConnectionTimeout`).
  public static let connectionTimeout: Duration = .seconds(15)

  /// The state by the existing system's rule (siderolabs/talos, `PeerStatusSpec.CalculateStateWithDurations`).
  ///
  /// Past 275 s since the endpoint changed, up means a handshake younger than that; before, one since the change. For
  /// the first 15 s its absence tells nothing yet. A peer that no endpoint was ever chosen for isn't down.
  ///
  /// - Parameters:
  ///   - sinceHandshake: how long ago the last handshake was, by a steady clock; nil: there was none.
  ///   - sinceEndpointChange: how long ago the endpoint was chosen; nil: never.
  ///   - hasUsedEndpoint: whether an endpoint was ever chosen.
  public init(sinceHandshake: Duration?, sinceEndpointChange: Duration?, hasUsedEndpoint: Bool) {
    let change = sinceEndpointChange.map { min($0, Self.handshakeLimit) } ?? Self.handshakeLimit
    if let sinceHandshake, sinceHandshake < change {
      self = .up
    } else if !hasUsedEndpoint || change < Self.connectionTimeout {
      self = .unknown
    } else {
      self = .down
    }
  }
}
