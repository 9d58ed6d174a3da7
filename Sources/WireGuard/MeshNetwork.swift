public import ClusterModel
import Glibc
public import KubeSpan
import Netlink
import Platform

/// What sends packets into the tunnel: the link's address, the routes behind it, the rules that choose those, and
/// nftables, which marks the packets. Whatever is there already stays.
///
/// One for each interface. After a crash a new one takes over what the last one left.
public actor MeshNetwork {
  /// How packets find their way into the tunnel. The defaults are the existing system's (siderolabs/talos).
  public struct Settings: Hashable, Sendable {
    /// The device's interface, which is there and ours.
    public var interface: String
    /// This node's address within KubeSpan, with the length of the network: 64.
    public var address: IPPrefix
    /// An IPv4 address of this node, for the link where the machine's reverse path filter demands that it has one; nil:
    /// it has none, and nothing of IPv4 comes out of the tunnel.
    public var ownIPv4: IPAddress?
    /// The largest packet in the tunnel, in bytes: that of the network below minus 80, and at least 1280.
    public var mtu: UInt32 = 1420
    /// The routing table for what goes into the tunnel.
    public var table: UInt32 = 180
    /// The priority of the rules that choose it.
    public var rulePriority: UInt32 = 32500
    /// The mark of what the device itself sends, within the mask.
    public var firewallMark: UInt32 = 0x20
    /// The mark of what goes into the tunnel, within the mask.
    public var routingMark: UInt32 = 0x40
    /// The bits of marks that are used here; the others are left to others.
    public var markMask: UInt32 = 0x60
    /// Whether what is to go into the tunnel and can't is refused. Else it goes the plain way, in clear
    /// (`allowDownPeerBypass`), and so do the replies to what came that way.
    public var forced = true
    /// The name of the table of nftables, of family inet, that is ours.
    public var nftTable = "rollcall"

    /// The defaults for this interface and address.
    public init(interface: String, address: IPPrefix, ownIPv4: IPAddress? = nil) {
      self.interface = interface
      self.address = address
      self.ownIPv4 = ownIPv4
    }
  }

  /// What was given to nftables, and what it made of it.
  private struct Applied {
    var text: String
    var table: FilterTable?
    var generation: UInt32?
  }

  private let mark: String
  private let nft: String
  private let executor = BlockingExecutor("rollcall.mesh")
  private var settings: Settings?
  private var applied: Applied?
  /// How often nftables was given something.
  private(set) var nftRuns = 0

  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - mark: by which our interfaces are known: that of ``WireGuardDevices``.
  ///   - nft: nftables' program: a path, or a name that is looked for in PATH.
  public init(mark: String = WireGuardDevices.standardMark, nft: String = "nft") {
    self.mark = mark
    self.nft = nft
  }

  // MARK: Links, addresses, routes and rules

  /// Makes all so. Looks first, and changes what differs; what earlier settings of this instance made elsewhere is
  /// removed. To be called again when addresses or links of the machine changed, and every now and then.
  ///
  /// - Throws: ``DeviceError``; with ``DeviceError/Code/gone`` where the interface isn't there. What came before the error
  ///   stays done.
  public func configure(_ settings: Settings) throws {
    try Self.check(settings)
    if let before = self.settings, !before.isInPlace(of: settings) { removeNow(before) }
    let socket = try routeSocket()
    let link = try ourLink(settings.interface, socket)
    let linkAddress = try passReversePathFilter(settings)
    let plan = try MeshPlan(
      from: try state(link, settings, socket), to: settings, linkAddress: linkAddress)
    for step in plan.steps { try perform(step, link, socket) }
    self.settings = settings
  }

  private static func check(_ settings: Settings) throws(DeviceError) {
    try DeviceError.checkName(settings.interface)
    let name = settings.nftTable.utf8
    guard let first = name.first, Character(UnicodeScalar(first)).isLetter, name.count <= 64,
      name.allSatisfy({
        $0 < 0x80 && (Character(UnicodeScalar($0)).isLetter || (0x30...0x39).contains($0) || $0 == 0x5F)
      })
    else {
      throw DeviceError(
        .invalid,
        "\(quoted(settings.nftTable)) can't be the name of a table of nftables: a letter, then letters, digits and '_'"
      )
    }
    guard settings.mtu >= 1280, settings.mtu <= 65_535 else {
      throw DeviceError(
        .invalid, "the MTU \(settings.mtu) isn't possible: 1280, which IPv6 demands, to 65535")
    }
    let (mask, own, routing) = (settings.markMask, settings.firewallMark, settings.routingMark)
    guard own != 0, routing != 0, own != routing, own & ~mask == 0, routing & ~mask == 0 else {
      throw DeviceError(
        .invalid,
        "the marks 0x\(String(own, radix: 16)) and 0x\(String(routing, radix: 16)) must be two different ones within "
          + "the mask 0x\(String(mask, radix: 16)), neither of them 0")
    }
    // RT_TABLE_DEFAULT, RT_TABLE_MAIN, RT_TABLE_LOCAL
    guard settings.table != 0, !(253...255).contains(settings.table) else {
      throw DeviceError(
        .invalid,
        "routing table \(settings.table) is the system's own: choose another 'routingTable', such as 180")
    }
    guard settings.ownIPv4.map({ $0.family == .v4 }) ?? true, settings.address.address.family == .v6 else {
      throw DeviceError(
        .invalid, "a KubeSpan address is one of IPv6, and a node's own IPv4 address one of IPv4")
    }
  }

  private func routeSocket() throws(DeviceError) -> NetlinkSocket {
    do throws(NetlinkError) {
      return try NetlinkSocket(Netlink.route)
    } catch {
      throw DeviceError("can't ask for network interfaces", error)
    }
  }

  private func ourLink(_ interface: String, _ socket: NetlinkSocket) throws(DeviceError) -> NetworkInterface {
    let link: NetworkInterface?
    do throws(NetlinkError) {
      link = try NetworkInterface.find(interface, through: socket)
    } catch {
      throw DeviceError("can't ask for the interface \(quoted(interface))", error)
    }
    guard let link else { throw DeviceError(.gone, "there is no interface \(quoted(interface))") }
    guard link.alias == mark else {
      throw DeviceError(.notOurs, "the interface \(quoted(interface)) isn't ours, and is left alone")
    }
    return link
  }

  private func state(
    _ link: NetworkInterface, _ settings: Settings, _ socket: NetlinkSocket
  ) throws(DeviceError) -> MeshState {
    do throws(NetlinkError) {
      var state = MeshState(link: link)
      state.addresses = try addresses(socket)
      state.routes = try routes(settings.table, socket)
      state.rules = try rules(socket)
      return state
    } catch {
      throw DeviceError("can't ask for addresses, routes and rules", error)
    }
  }

  private func addresses(_ socket: NetlinkSocket) throws(NetlinkError) -> [InterfaceAddress] {
    try socket.dump(InterfaceAddress.dump).compactMap(InterfaceAddress.init)
  }

  private func routes(_ table: UInt32, _ socket: NetlinkSocket) throws(NetlinkError) -> [DefaultRoute] {
    var routes: [DefaultRoute] = []
    for family in [IPAddress.Family.v4, .v6] {
      do throws(NetlinkError) {
        routes += try socket.dump(DefaultRoute.dump(family, table: table)).compactMap(DefaultRoute.init)
          .filter { $0.table == table && $0.family == family }
      } catch {
        // A table without routes isn't there.
        guard error.code == ENOENT else { throw error }
      }
    }
    return routes
  }

  private func rules(_ socket: NetlinkSocket) throws(NetlinkError) -> [RoutingRule] {
    var rules: [RoutingRule] = []
    for family in [IPAddress.Family.v4, .v6] {
      rules += try socket.dump(RoutingRule.dump(family)).compactMap(RoutingRule.init)
    }
    return rules
  }

  private func perform(
    _ step: MeshPlan.Step, _ link: NetworkInterface, _ socket: NetlinkSocket
  ) throws(DeviceError) {
    let name = quoted(link.name)
    let (action, message): (String, NetlinkMessage) =
      switch step {
      case .setMTU(let mtu): ("can't set the MTU of \(name) to \(mtu)", link.setMTU(mtu))
      case .add(let address):
        ("can't give \(name) the address \(address.address)/\(address.length)", address.add)
      case .delete(let address): ("can't take \(address.address) from \(name)", address.delete)
      case .setUp: ("can't take \(name) into use", link.setUp())
      case .replace(let route): ("can't add a route to table \(route.table)", route.replace)
      case .deleteRoute(let route): ("can't remove a route from table \(route.table)", route.delete)
      case .addRule(let rule): ("can't add the rule for table \(rule.table)", rule.add)
      case .deleteRule(let rule): ("can't remove a rule for table \(rule.table)", rule.delete)
      }
    do throws(NetlinkError) {
      try socket.perform(message)
    } catch {
      switch (step, error.code) {
      // Somebody was faster, or it went with the address.
      case (.addRule, EEXIST), (.delete, EADDRNOTAVAIL), (.deleteRoute, ESRCH), (.deleteRule, ENOENT): return
      case (.setUp, EADDRINUSE): throw DeviceError.portInUse(nil, interface: link.name)
      case (.add(let address), EACCES) where address.address.family == .v6:
        throw DeviceError(
          .failed, "\(action): IPv6 is off there; set net.ipv6.conf.\(link.name).disable_ipv6 to 0")
      default: throw DeviceError(action, error)
      }
    }
  }

  /// Sees to it that IPv4 packets out of the tunnel aren't dropped.
  ///
  /// - Returns: the address that the link needs for that; nil: none.
  private func passReversePathFilter(_ settings: Settings) throws(DeviceError) -> IPAddress? {
    let interface = settings.interface
    guard let address = settings.ownIPv4, let filter = ReversePathFilter(interface: interface) else {
      return nil
    }
    let remedy = filter.remedy(isWritable: ReversePathFilter.isWritable(interface: interface))
    switch remedy {
    case .off(let value)?, .loose(let value)?:
      if value == filter.link || ReversePathFilter.set(value, interface: interface) {
        return remedy == .loose(linkValue: value) ? address : nil
      }
    case nil: break
    }
    throw DeviceError(
      .reversePathFilter,
      "IPv4 packets out of the tunnel would be dropped: net.ipv4.conf.all.rp_filter is \(filter.all), "
        + "net.ipv4.conf.\(interface).rp_filter is \(filter.link) and may not be set from here; set the latter to "
        + "\(filter.all == 0 ? 0 : 2)")
  }

  // MARK: Marks

  /// Has the packets to the addresses of `set` marked, and so routed into the tunnel. Does nothing where that is so
  /// already; where somebody else removed the table, it is made again.
  ///
  /// - Returns: whether nftables was given something.
  /// - Throws: ``DeviceError``: before ``configure(_:)``, where there is no `nft`, and where that refuses.
  @discardableResult
  public func mark(_ set: MarkedSet) throws -> Bool {
    guard let settings else {
      throw DeviceError(.invalid, "packets can't be marked before there is a way into the tunnel")
    }
    let text = MarkingRules(settings: settings, set: set).text
    if applied?.text == text, isInPlace(settings.nftTable) { return false }
    applied = nil
    try run(text)
    let socket = try? NetlinkSocket(Netlink.netfilter)
    // The generation first: a change after it is looked at next time.
    let generation = socket.flatMap { socket in try? FilterTable.generation(through: socket) }
    applied = Applied(
      text: text,
      table: socket.flatMap { socket in try? FilterTable.find(settings.nftTable, through: socket) },
      generation: generation)
    return true
  }

  /// Whether the table is the one that was made last.
  private func isInPlace(_ name: String) -> Bool {
    guard let applied, let table = applied.table, let generation = applied.generation,
      let socket = try? NetlinkSocket(Netlink.netfilter),
      let current = try? FilterTable.generation(through: socket)
    else { return false }
    if current == generation { return true }
    // Others changed something, as they do all the time.
    guard (try? FilterTable.find(name, through: socket)) == table else { return false }
    self.applied?.generation = current
    return true
  }

  private func run(_ text: String) throws(DeviceError) {
    nftRuns += 1
    let end: ChildProgram.End
    do throws(ChildProgram.Failure) {
      end = try Self.run(nft, text)
    } catch {
      switch error {
      case .notStarted(_, isMissing: true):
        throw DeviceError(
          .missingProgram,
          "packets can't be led into the tunnel: there is no \(quoted(nft)) in PATH; install the package nftables"
        )
      case .notStarted(let why, _): throw DeviceError(.failed, "\(nft) can't be started: \(why)")
      default: throw DeviceError(.failed, "\(nft) -f - didn't end within 30 s")
      }
    }
    guard end.status == 0 else {
      let complaint =
        end.errors.lines.first { !$0.isEmpty }.map { String($0.prefix(500)) } ?? "no reason given"
      let code: DeviceError.Code = end.errors.contains("not permitted") ? .notPermitted : .failed
      throw DeviceError(code, "\(nft) -f - failed with status \(end.status): \(complaint)")
    }
  }

  private static func run(_ nft: String, _ text: String) throws(ChildProgram.Failure) -> ChildProgram.End {
    var program = ChildProgram(nft, ["-f", "-"])
    program.input = Array(text.utf8)
    program.environment = ["LC_ALL": "C"]
    return try program.run(within: .seconds(30), maximumOutput: 1 << 20)
  }

  // MARK: Removing

  /// Removes all of this, also where only a part of it is there, or an earlier process made it. The device's interface
  /// stays, if it is there.
  ///
  /// - Parameter settings: as they were when it was made; those of ``configure(_:)`` are removed too.
  public func remove(_ settings: Settings) {
    if let before = self.settings, before != settings { removeNow(before) }
    removeNow(settings)
    self.settings = nil
  }

  /// Each part for itself: one that can't be removed keeps no other.
  private func removeNow(_ settings: Settings) {
    guard (try? Self.check(settings)) != nil else { return }
    // Who marks comes first.
    let netfilter = try? NetlinkSocket(Netlink.netfilter)
    let isThere = netfilter.map { socket in (try? FilterTable.find(settings.nftTable, through: socket)) != nil
    }
    if isThere ?? false { try? run(MarkingRules.removal(settings.nftTable)) }
    applied = nil
    guard let socket = try? routeSocket() else { return }
    let link = try? ourLink(settings.interface, socket)
    let steps = MeshPlan.removal(
      link: link, addresses: (try? addresses(socket)) ?? [],
      routes: (try? routes(settings.table, socket)) ?? [], rules: (try? rules(socket)) ?? [], settings)
    for step in steps {
      try? perform(step, link ?? NetworkInterface(index: 0, name: settings.interface), socket)
    }
  }
}

extension MeshNetwork.Settings {
  /// Whether what these made is taken over, or replaced, by what `other` makes.
  fileprivate func isInPlace(of other: Self) -> Bool {
    interface == other.interface && table == other.table && markMask == other.markMask
      && nftTable == other.nftTable
  }
}
