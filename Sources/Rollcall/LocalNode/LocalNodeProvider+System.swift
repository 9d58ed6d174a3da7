public import ClusterModel
public import Logging

extension LocalNodeProvider {
  /// What this machine itself tells: its hostname, its operating system, and the addresses at which others
  /// reach it, which are watched.
  ///
  /// - Parameters:
  ///   - amendment: adds to what the machine says of itself.
  ///   - logger: is told where addresses can't be found out.
  public convenience init(
    nodeID: NodeIdentity, settings: NodeSettings = NodeSettings(), amendment: LocalAmendment? = nil,
    logger: Logger = Logger(label: "rollcall")
  ) {
    let network = KnownNetwork()
    self.init(
      nodeID: nodeID, settings: settings,
      facts: { settings in
        NodeFacts(
          hostname: HostFacts.hostname(), operatingSystem: HostFacts.operatingSystem(),
          addresses: NodeFacts.addresses(settings, of: network, logger: logger),
          machineID: HostFacts.machineID())
      },
      pulses: { AddressWatch.pulses(amendment: amendment) },
      // Addresses come and go in groups, as when a cable is plugged in.
      debounce: { try? await Task.sleep(for: .milliseconds(250)) }, amendment: amendment)
  }
}

extension NodeFacts {
  /// The addresses in `network` at which others reach this machine, by the networks of `settings`.
  static func addresses(_ settings: NodeSettings, of network: KnownNetwork, logger: Logger) -> [IPAddress] {
    // Nothing to find out where a person said it.
    guard settings.addresses == nil else { return [] }
    return AddressRules.addresses(
      of: network.state(logger: logger), include: settings.includeNetworks, exclude: settings.excludeNetworks)
  }
}
