public import ClusterModel

/// An affiliate that was opened, and what of it had to be left out.
public struct OpenedAffiliate: Hashable, Sendable {
  /// What could be opened.
  public private(set) var affiliate: Affiliate
  /// The node's labels; none where another program than Rollcall published it.
  public let labels: NodeLabels
  /// The machine's id, 32 hexadecimal digits; empty where nobody said it. Confidential (machine-id(5)).
  public let machineID: String
  /// What is wrong with each item that was left out. In the order of the message, endpoints last.
  public private(set) var skipped: [OpenError]

  /// What `message` says of `nodeID`, whose it is known to be. Never fails: a bad item is left out.
  public init(_ message: PlainAffiliate, nodeID: NodeIdentity) {
    var reader = ItemReader()
    affiliate = Affiliate(
      nodeID: nodeID,
      addresses: reader.list(message.addresses, "address") { data throws(OpenError) in
        try ItemReader.address(data, "an address")
      },
      hostname: reader.text(message.hostname, "its hostname"),
      nodename: reader.text(message.nodename, "its nodename"),
      operatingSystem: reader.text(message.operatingSystem, "its operating system"),
      machineType: reader.machineType(message.machineType),
      kubeSpan: Self.unlessEmpty(reader.kubeSpan(message.kubespan)),
      controlPlane: message.hasControlPlane ? reader.controlPlane(message.controlPlane) : nil)
    labels = reader.labels(message.labels)
    machineID = message.machineID.isEmpty ? "" : reader.machineID(message.machineID)
    skipped = reader.skipped
  }

  private static func unlessEmpty(_ kubeSpan: KubeSpanAffiliate) -> KubeSpanAffiliate? {
    kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan
  }

  /// Leaves out addresses at which no node is reached; one that is mapped into IPv6 becomes the IPv4 address.
  mutating func checkAddresses() {
    var addresses: [IPAddress] = []
    var seen: Set<IPAddress> = []
    var isChanged = false
    for address in affiliate.addresses {
      do throws(ModelError) {
        let checked = try NodeAddress.check(address)
        let isNew = seen.insert(checked).inserted
        if isNew { addresses.append(checked) }
        isChanged = isChanged || checked != address || !isNew
      } catch {
        skipped.append(OpenError(.address, "an address: \(error)"))
        isChanged = true
      }
    }
    if isChanged { affiliate.addresses = addresses }
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
