public import ClusterModel

/// What was found out about this machine.
public struct NodeFacts: Hashable, Sendable {
  /// The machine's name for itself, as the kernel has it.
  public var hostname: String
  /// The operating system for people.
  public var operatingSystem: String
  /// The addresses at which others reach the machine, the preferred one first.
  public var addresses: [IPAddress]

  /// The machine's id as in /etc/machine-id; empty where it has none. Confidential: for comparing alone.
  public var machineID: String

  /// Facts; what isn't given wasn't found.
  public init(
    hostname: String = "", operatingSystem: String = "", addresses: [IPAddress] = [], machineID: String = ""
  ) {
    self.machineID = machineID
    self.hostname = hostname
    self.operatingSystem = operatingSystem
    self.addresses = addresses
  }

  /// What the machine says of itself as ``affiliate(_:settings:)`` has it, with its labels and its machine's id.
  public func record(_ nodeID: NodeIdentity, settings: NodeSettings) -> AffiliateRecord {
    var record = AffiliateRecord(affiliate(nodeID, settings: settings))
    record.labels = settings.labels
    record.machineID = machineID
    return record
  }

  /// What the machine says of itself: `settings` where they say something, else what was found out.
  ///
  /// The nodename is the hostname in lower case, which is what Kubernetes calls a node by default. The
  /// machine type is `controlplane` where there is an API server's port, else `worker`.
  public func affiliate(_ nodeID: NodeIdentity, settings: NodeSettings) -> Affiliate {
    let hostname = settings.hostname ?? hostname
    var affiliate = Affiliate(
      nodeID: nodeID, addresses: settings.addresses ?? addresses, hostname: hostname,
      nodename: settings.nodename ?? hostname.lowercased(),
      operatingSystem: settings.operatingSystem ?? operatingSystem,
      machineType: settings.machineType ?? (settings.controlPlanePort == nil ? .worker : .controlplane),
      controlPlane: settings.controlPlanePort.map { ControlPlane(apiServerPort: $0) })
    if !settings.additionalAddresses.isEmpty {
      affiliate.kubeSpan = KubeSpanAffiliate(additionalAddresses: settings.additionalAddresses)
    }
    return affiliate
  }
}
