public import ClusterModel
public import Logging
public import RollcallConfiguration

extension LocalNodeProvider {
  /// What this machine itself tells: its hostname, its operating system, and the addresses at which others
  /// reach it, which are watched.
  ///
  /// - Parameter logger: is told where addresses can't be found out.
  public convenience init(
    nodeID: NodeIdentity, settings: NodeSettings = NodeSettings(), logger: Logger = Logger(label: "rollcall")
  ) {
    self.init(
      nodeID: nodeID, settings: settings,
      facts: { settings in
        NodeFacts(
          hostname: HostFacts.hostname(), operatingSystem: HostFacts.operatingSystem(),
          addresses: NodeFacts.addresses(settings, logger: logger))
      },
      pulses: { AddressWatch.pulses() },
      // Addresses come and go in groups, as when a cable is plugged in.
      debounce: { try? await Task.sleep(for: .milliseconds(250)) })
  }
}

extension NodeFacts {
  /// The addresses at which others reach this machine now, by the networks of `settings`.
  static func addresses(_ settings: NodeSettings, logger: Logger) -> [IPAddress] {
    // Nothing to find out where a person said it.
    guard settings.addresses == nil else { return [] }
    do {
      return AddressRules.addresses(
        of: try RouteSocket().state(), include: settings.includeNetworks, exclude: settings.excludeNetworks)
    } catch {
      logger.warning("can't find out this machine's addresses", metadata: ["error": "\(error)"])
      return []
    }
  }
}
