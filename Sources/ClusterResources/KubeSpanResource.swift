public import ClusterModel
public import KubeSpan

/// The `spec` of KubeSpan's resources. Keys, their order and what stands for nothing are those of existing clusters.
extension ResourceValue {
  /// What stands in the place of a private key.
  public static let redactedKey = "<redacted>"

  /// This node's place in the mesh.
  ///
  /// - Parameters:
  ///   - address: 128 bits long.
  ///   - subnet: 64 bits long.
  ///   - privateKey: shown to nobody but its owner.
  public static func kubeSpanIdentity(
    address: IPPrefix?, subnet: IPPrefix?, privateKey: String = redactedKey, publicKey: String
  ) -> ResourceValue {
    [
      "address": .text(address?.description ?? ""), "subnet": .text(subnet?.description ?? ""),
      "privateKey": .text(privateKey), "publicKey": .text(publicKey),
    ]
  }

  /// What WireGuard is to know of a peer.
  ///
  /// - Parameter label: its nodename.
  public static func kubeSpanPeerSpec(
    address: IPAddress?, allowedIPs: [IPPrefix], endpoints: [IPEndpoint], label: String
  ) -> ResourceValue {
    [
      "address": .text(address?.description ?? ""), "allowedIPs": .texts(allowedIPs),
      "endpoints": .texts(endpoints), "label": .text(label),
    ]
  }

  /// How a peer is.
  public static func kubeSpanPeerStatus(_ status: PeerStatus) -> ResourceValue {
    [
      "endpoint": .text(status.endpoint?.description ?? ""), "label": .text(status.label),
      "state": .text(status.state.rawValue),
      "receiveBytes": .integer(Int64(clamping: status.receivedBytes)),
      "transmitBytes": .integer(Int64(clamping: status.sentBytes)),
      "lastHandshakeTime": .preciseTime(PreciseTime(status.lastHandshake)),
      "lastUsedEndpoint": .text(status.lastUsedEndpoint?.description ?? ""),
      "lastEndpointChange": .preciseTime(PreciseTime(status.lastEndpointChange)),
    ]
  }

  /// Where a peer is up that didn't list it.
  public static func kubeSpanEndpoint(_ endpoint: HarvestedEndpoint) -> ResourceValue {
    ["affiliateID": .text(endpoint.nodeID.text), "endpoint": .text(endpoint.endpoint.description)]
  }
}
