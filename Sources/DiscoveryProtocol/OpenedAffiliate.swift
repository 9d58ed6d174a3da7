public import ClusterModel

/// An affiliate that was opened, and what of it had to be left out.
public struct OpenedAffiliate: Hashable, Sendable {
  /// What could be opened.
  public private(set) var affiliate: Affiliate
  /// What is wrong with each item that was left out. In the order of the message, endpoints last.
  public private(set) var skipped: [OpenError]

  /// What `message` says of `nodeID`, whose it is known to be. Never fails: a bad item is left out.
  public init(_ message: PlainAffiliate, nodeID: NodeIdentity) {
    var reader = ItemReader()
    affiliate = Affiliate(
      nodeID: nodeID,
      addresses: reader.list(message.addresses, "address") { data throws(OpenError) in
        try ItemReader.nodeAddress(data, "an address")
      },
      hostname: reader.text(message.hostname, "its hostname"),
      nodename: reader.text(message.nodename, "its nodename"),
      operatingSystem: reader.text(message.operatingSystem, "its operating system"),
      machineType: reader.machineType(message.machineType),
      kubeSpan: Self.unlessEmpty(reader.kubeSpan(message.kubespan)),
      controlPlane: message.hasControlPlane ? reader.controlPlane(message.controlPlane) : nil)
    skipped = reader.skipped
  }

  private static func unlessEmpty(_ kubeSpan: KubeSpanAffiliate) -> KubeSpanAffiliate? {
    kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  /// Adds endpoints that were opened beside the message.
  mutating func take(_ opened: (endpoints: [IPEndpoint], skipped: [OpenError])) {
    skipped += opened.skipped
    guard !opened.endpoints.isEmpty else { return }
    var kubeSpan = affiliate.kubeSpan ?? KubeSpanAffiliate()
    kubeSpan.endpoints = opened.endpoints
    affiliate.kubeSpan = kubeSpan
  }
}
