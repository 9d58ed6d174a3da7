import ClusterModel
import Glibc
import KubeSpan
import Netlink
import Testing

@testable import WireGuard

@Suite("What leads packets into the tunnel")
struct MeshPlanTests {
  private let link = NetworkInterface(index: 7, name: "kubespan", isUp: false, mtu: 1420)

  private func settings(forced: Bool = true) throws -> MeshNetwork.Settings {
    var settings = MeshNetwork.Settings(interface: "kubespan", address: try IPPrefix("fd00:0:0:2::5/64"))
    settings.forced = forced
    return settings
  }

  /// How it is after the steps of a plan.
  private func state(after plan: MeshPlan, from state: MeshState) -> MeshState {
    var state = state
    for step in plan.steps {
      switch step {
      case .setMTU(let mtu): state.link.mtu = mtu
      case .setUp: state.link.isUp = true
      case .add(let address): state.addresses.append(address)
      case .delete(let address):
        state.addresses.removeAll { $0 == address }
        if address.address.family == .v4,
          !state.addresses.contains(where: { $0.address.family == .v4 })
        {
          state.routes.removeAll { $0.family == .v4 && $0.metric == MeshPlan.metric }
        }
      case .replace(let route):
        state.routes.removeAll { $0.family == route.family && $0.metric == route.metric }
        state.routes.append(route)
      case .deleteRoute(let route): state.routes.removeAll { $0 == route }
      case .addRule(let rule): state.rules.append(rule)
      case .deleteRule(let rule): state.rules.removeAll { $0 == rule }
      }
    }
    return state
  }

  private func plan(
    _ state: MeshState, _ settings: MeshNetwork.Settings, linkAddress: IPAddress? = nil
  ) throws -> MeshPlan { try MeshPlan(from: state, to: settings, linkAddress: linkAddress) }

  @Test("who is sent into the tunnel comes last, and the backstop before the ways")
  func order() throws {
    let settings = try settings()
    let plan = try plan(MeshState(link: link), settings)
    let kinds = plan.steps.map { step in
      switch step {
      case .add: "address"
      case .setUp: "up"
      case .replace(let route): route.target == .unreachable ? "backstop" : "route"
      case .addRule: "rule"
      default: "other"
      }
    }
    #expect(kinds == ["address", "up", "backstop", "route", "backstop", "route", "rule", "rule"])
    #expect(try self.plan(state(after: plan, from: MeshState(link: link)), settings).steps.isEmpty)
  }

  @Test("only what differs is changed, and the backstop goes where bypass is allowed")
  func differences() throws {
    let settings = try settings()
    let done = state(after: try plan(MeshState(link: link), settings), from: MeshState(link: link))
    var smaller = settings
    smaller.mtu = 1380
    let change = try plan(done, smaller)
    #expect(change.steps.count == 3)
    #expect(change.steps.first == .setMTU(1380))
    let bypass = try plan(done, try self.settings(forced: false))
    #expect(
      bypass.steps.allSatisfy {
        if case .deleteRoute(let route) = $0 { route.target == .unreachable } else { false }
      })
    #expect(bypass.steps.count == 2)
    var otherMark = settings
    otherMark.routingMark = 0x20
    otherMark.firewallMark = 0x40
    // The new rule before the old one goes.
    let rules = try plan(done, otherMark).steps
    #expect(
      rules.map { if case .addRule = $0 { true } else { false } } == [true, true, false, false])
  }

  @Test("a route that the kernel took away comes back, when the link's last IPv4 address goes too")
  func addresses() throws {
    let settings = try settings()
    let own = try IPAddress("10.0.0.1")
    let start = MeshState(link: link)
    let with = state(after: try plan(start, settings, linkAddress: own), from: start)
    #expect(
      with.addresses.compactMap { IPPrefix(address: $0.address, length: $0.length) } == [
        settings.address, IPPrefix(host: own),
      ])
    let without = state(after: try plan(with, settings), from: with)
    #expect(
      without.addresses.compactMap { IPPrefix(address: $0.address, length: $0.length) } == [settings.address])
    #expect(try plan(without, settings).steps.isEmpty)
    var moved = settings
    moved.address = try IPPrefix("fd00:0:0:2::6/64")
    let after = state(after: try plan(without, moved), from: without)
    #expect(
      after.addresses.compactMap { IPPrefix(address: $0.address, length: $0.length) } == [moved.address])
  }

  @Test("addresses and routes of others stay; one that is in the way is an error that says so")
  func others() throws {
    let settings = try settings()
    var state = MeshState(link: link)
    state.addresses = [
      InterfaceAddress(address: try IPAddress("fe80::1"), length: 64, interface: 7, scope: .link),
      InterfaceAddress(address: try IPAddress("10.0.0.1"), length: 24, interface: 3),
    ]
    state.routes = [DefaultRoute(family: .v4, table: 180, metric: 5, target: .other)]
    state.rules = [RoutingRule(family: .v4, priority: 32500, mark: 1, mask: 1, table: 180)]
    let steps = try plan(state, settings).steps
    #expect(steps == (try plan(MeshState(link: link), settings).steps))
    state.routes = [DefaultRoute(family: .v4, table: 180, metric: 1, target: .interface(3, mtu: 0))]
    #expect {
      try plan(state, settings)
    } throws: { error in
      (error as? DeviceError)?.code == .notOurs && "\(error)".contains("table 180")
    }
    #expect(
      MeshPlan.removal(
        link: link, addresses: state.addresses, routes: state.routes, rules: state.rules, settings
      ).isEmpty)
  }

  @Test("all that was made is removed, rules first; without the link what is left of it")
  func removal() throws {
    let settings = try settings()
    let start = MeshState(link: link)
    let done = state(after: try plan(start, settings), from: start)
    let steps = MeshPlan.removal(
      link: link, addresses: done.addresses, routes: done.routes, rules: done.rules, settings)
    #expect(steps.count == 2 + 4 + 1)
    #expect(steps.prefix(2).allSatisfy { if case .deleteRule = $0 { true } else { false } })
    let backstops = done.routes.filter { $0.target == .unreachable }
    #expect(
      MeshPlan.removal(link: nil, addresses: [], routes: backstops, rules: [], settings)
        == backstops.map { .deleteRoute($0) })
  }

  // MARK: rp_filter

  /// all, link, writable -> the remedy; nil: none.
  @Test(
    "the reverse path filter is turned off, or made loose with an address on the link",
    arguments: [
      (0, 0, false, .off(linkValue: 0)),
      (0, 1, true, .off(linkValue: 0)),
      (0, 2, true, .off(linkValue: 0)),
      (0, 2, false, .loose(linkValue: 2)),
      (0, 1, false, nil),
      (2, 0, true, .loose(linkValue: 2)),
      (2, 0, false, .loose(linkValue: 0)),
      (1, 0, true, .loose(linkValue: 2)),
      (1, 2, false, .loose(linkValue: 2)),
      (1, 0, false, nil),
    ] as [(Int, Int, Bool, ReversePathFilter.Remedy?)])
  func reversePathFilter(all: Int, link: Int, isWritable: Bool, expected: ReversePathFilter.Remedy?) {
    #expect(ReversePathFilter(all: all, link: link).remedy(isWritable: isWritable) == expected)
  }

  // MARK: Bytes

  @Test("routes and rules, byte by byte and back")
  func bytes() throws {
    let route = DefaultRoute(family: .v4, table: 180, metric: 1, target: .interface(7, mtu: 1420))
    #expect(route.replace.type == 24)
    #expect(
      Array(route.replace.body) == [
        2, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0, 8, 0, 15, 0, 180, 0, 0, 0, 8, 0, 6, 0, 1, 0, 0, 0,
        8, 0, 4, 0, 7, 0, 0, 0, 12, 0, 8, 0x80, 8, 0, 2, 0, 0x8C, 5, 0, 0,
      ])
    for family in [IPAddress.Family.v4, .v6] {
      for target in [DefaultRoute.Target.interface(7, mtu: 1420), .interface(7, mtu: 0), .unreachable] {
        let route = DefaultRoute(family: family, table: 1000, metric: 4_278_198_272, target: target)
        #expect(DefaultRoute(route.replace) == route)
      }
      let rule = RoutingRule(family: family, priority: 32500, mark: 0x40, mask: 0x60, table: 180)
      #expect(RoutingRule(rule.add) == rule)
    }
    let rule = RoutingRule(family: .v6, priority: 32500, mark: 0x40, mask: 0x60, table: 180)
    #expect(rule.add.type == 32)
    #expect(
      Array(rule.add.body) == [
        10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 6, 0, 0xF4, 0x7E, 0, 0, 8, 0, 10, 0, 0x40, 0, 0, 0,
        8, 0, 16, 0, 0x60, 0, 0, 0, 8, 0, 15, 0, 180, 0, 0, 0,
      ])
  }

  @Test("routes through gateways, other destinations and rules with more conditions aren't ours")
  func foreignMessages() throws {
    var attributes = NetlinkAttributes()
    attributes.append(15, UInt32(180))
    attributes.append(4, UInt32(7))
    attributes.append(5, bytes: [10, 0, 0, 1])
    let head: [UInt8] = [2, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0]
    #expect(DefaultRoute(NetlinkMessage(24, head: head, attributes))?.target == .other)
    #expect(DefaultRoute(NetlinkMessage(24, head: [2, 8, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0], attributes)) == nil)
    var rule = NetlinkAttributes()
    rule.append(10, UInt32(0x40))
    rule.append(16, UInt32(0x60))
    rule.append(15, UInt32(180))
    #expect(RoutingRule(NetlinkMessage(32, head: head, rule)) != nil)
    var inverted = head
    inverted[8] = 2
    #expect(RoutingRule(NetlinkMessage(32, head: inverted, rule)) == nil)
    // FRA_IIFNAME
    rule.append(3, text: "eth0")
    #expect(RoutingRule(NetlinkMessage(32, head: head, rule)) == nil)
  }

  @Test("nftables' generation and table, big-endian, are read")
  func filterTable() {
    var attributes = NetlinkAttributes()
    attributes.append(1, text: "rollcall")
    attributes.append(3, UInt32(4).bigEndian)
    attributes.append(4, UInt64(9).bigEndian)
    let head: [UInt8] = [1, 0, 0, 0]
    #expect(FilterTable(NetlinkMessage(0xA00, head: head, attributes)) == FilterTable(handle: 9, use: 4))
    var generation = NetlinkAttributes()
    generation.append(1, UInt32(77).bigEndian)
    #expect(FilterTable.generation(NetlinkMessage(0xA0F, head: head, generation)) == 77)
    #expect(FilterTable.generation(NetlinkMessage(0xA00, head: head, generation)) == nil)
  }
}
