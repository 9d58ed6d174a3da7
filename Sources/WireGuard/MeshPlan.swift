import ClusterModel
import Netlink

/// What of a machine's network leads into the tunnel, as it is.
struct MeshState: Hashable, Sendable {
  var link: NetworkInterface
  var addresses: [InterfaceAddress] = []
  /// The default routes of our table.
  var routes: [DefaultRoute] = []
  var rules: [RoutingRule] = []
}

/// What is to be changed so that packets find their way into the tunnel, and none past it.
struct MeshPlan: Hashable, Sendable {
  /// A change. Each is of use, and harmless, without those that come after it.
  enum Step: Hashable, Sendable {
    case setMTU(UInt32)
    case add(InterfaceAddress)
    case delete(InterfaceAddress)
    case setUp
    case replace(DefaultRoute)
    case deleteRoute(DefaultRoute)
    case addRule(RoutingRule)
    case deleteRule(RoutingRule)
  }

  /// Behind the routes into the tunnel, so that what is marked goes nowhere while these aren't there: the kernel drops
  /// them when the link is down.
  static let backstopMetric: UInt32 = 4_278_198_272
  /// Of the routes into the tunnel.
  static let metric: UInt32 = 1

  /// The changes in the order in which they are made.
  let steps: [Step]

  /// - Parameter linkAddress: an IPv4 address of this node that the link needs; nil: it needs none.
  /// - Throws: ``DeviceError`` where somebody else's route is in the way.
  init(
    from state: MeshState, to settings: MeshNetwork.Settings, linkAddress: IPAddress?
  ) throws(DeviceError) {
    var steps: [Step] = []
    let link = state.link
    if link.mtu != settings.mtu { steps.append(.setMTU(settings.mtu)) }
    let prefixes = [settings.address] + (linkAddress.map { [IPPrefix(host: $0)] } ?? [])
    let present = state.addresses.filter { $0.interface == link.index && $0.scope == .global }
    for prefix in prefixes where !present.contains(where: { $0.isAt(prefix) }) {
      steps.append(
        .add(InterfaceAddress(address: prefix.address, length: prefix.length, interface: link.index)))
    }
    if !link.isUp { steps.append(.setUp) }
    // The backstop first, then the ways, then who is sent there.
    var missesRoute = false
    for family in [IPAddress.Family.v4, .v6] {
      let backstop = Self.backstop(family, settings)
      let route = DefaultRoute(
        family: family, table: settings.table, metric: Self.metric,
        target: .interface(link.index, mtu: settings.mtu))
      for (wanted, isThere) in [(backstop, settings.forced), (route, true)] {
        let holder = state.routes.first {
          $0.family == family && $0.table == wanted.table && $0.metric == wanted.metric
        }
        if let holder, !holder.isOurs(link) { throw Self.foreign(holder) }
        switch (isThere, holder) {
        case (true, wanted), (false, nil): break
        case (true, _):
          steps.append(.replace(wanted))
          missesRoute = true
        case (false, let holder?): steps.append(.deleteRoute(holder))
        }
      }
    }
    let rules = [IPAddress.Family.v4, .v6].map { Self.rule($0, settings) }
    for rule in rules where !state.rules.contains(rule) { steps.append(.addRule(rule)) }
    for rule in state.rules where rule.isOurs(settings) && !rules.contains(rule) {
      steps.append(.deleteRule(rule))
    }
    let superfluous = present.filter { address in !prefixes.contains { address.isAt($0) } }
    steps += superfluous.map { .delete($0) }
    // With its last IPv4 address the kernel takes a link's IPv4 routes away.
    if superfluous.contains(where: { $0.address.family == .v4 }), linkAddress == nil, !missesRoute {
      steps.append(
        .replace(
          DefaultRoute(
            family: .v4, table: settings.table, metric: Self.metric,
            target: .interface(link.index, mtu: settings.mtu))))
    }
    self.steps = steps
  }

  /// What is to be removed so that nothing of ours is left, in order: who is sent to the tunnel before the tunnel.
  ///
  /// - Parameter state: without a link where that is gone.
  static func removal(
    link: NetworkInterface?, addresses: [InterfaceAddress], routes: [DefaultRoute], rules: [RoutingRule],
    _ settings: MeshNetwork.Settings
  ) -> [Step] {
    rules.filter { $0.isOurs(settings) }.map { .deleteRule($0) }
      + routes.filter { route in
        switch route.target {
        case .unreachable: route.metric == backstopMetric
        case .interface(let index, _): index == link?.index && route.metric == metric
        case .other: false
        }
      }.map { .deleteRoute($0) }
      + addresses.filter { $0.scope == .global && $0.interface == link?.index }.map { .delete($0) }
  }

  private static func backstop(_ family: IPAddress.Family, _ settings: MeshNetwork.Settings) -> DefaultRoute {
    DefaultRoute(family: family, table: settings.table, metric: backstopMetric, target: .unreachable)
  }

  private static func rule(_ family: IPAddress.Family, _ settings: MeshNetwork.Settings) -> RoutingRule {
    RoutingRule(
      family: family, priority: settings.rulePriority, mark: settings.routingMark, mask: settings.markMask,
      table: settings.table)
  }

  private static func foreign(_ route: DefaultRoute) -> DeviceError {
    DeviceError(
      .notOurs,
      "routing table \(route.table) has a default route of metric \(route.metric) that isn't ours, and is left alone: "
        + "choose another 'routingTable' in kubespan, or remove that route")
  }
}

extension DefaultRoute {
  /// Whether it is a way into the tunnel, or the backstop behind it.
  fileprivate func isOurs(_ link: NetworkInterface) -> Bool {
    switch target {
    case .interface(let index, _): index == link.index
    case .unreachable: metric == MeshPlan.backstopMetric
    case .other: false
    }
  }
}

extension RoutingRule {
  /// Whether it leads to our table, by bits that are ours.
  fileprivate func isOurs(_ settings: MeshNetwork.Settings) -> Bool {
    table == settings.table && mask == settings.markMask
  }
}

extension InterfaceAddress {
  fileprivate func isAt(_ prefix: IPPrefix) -> Bool { address == prefix.address && length == prefix.length }
}
