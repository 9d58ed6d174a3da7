import ClusterModel
import Glibc
import Netlink

/// The route of all addresses in one table, as rtnetlink tells of it (`linux/rtnetlink.h`).
struct DefaultRoute: Hashable, Sendable {
  /// Where packets go.
  enum Target: Hashable, Sendable {
    /// Out by the interface of that number, with packets of at most so many bytes; 0: the interface's own limit.
    case interface(UInt32, mtu: UInt32)
    /// Nowhere: they are refused.
    case unreachable
    /// Anywhere else, of which nothing is known here.
    case other
  }

  var family: IPAddress.Family
  var table: UInt32
  /// Which of several counts: the lowest.
  var metric: UInt32
  var target: Target

  private static let newRoute: UInt16 = 24
  private static let deleteRoute: UInt16 = 25
  private static let getRoute: UInt16 = 26

  private enum Attribute {
    static let destination: UInt16 = 1
    static let interface: UInt16 = 4
    static let gateway: UInt16 = 5
    static let metric: UInt16 = 6
    static let metrics: UInt16 = 8
    static let multipath: UInt16 = 9
    static let table: UInt16 = 15
    /// Within `metrics`: RTAX_MTU.
    static let mtu: UInt16 = 2
  }

  /// RTN_UNICAST, RTN_UNREACHABLE
  private enum Kind {
    static let unicast: UInt8 = 1
    static let unreachable: UInt8 = 7
  }

  init(family: IPAddress.Family, table: UInt32, metric: UInt32, target: Target) {
    self.family = family
    self.table = table
    self.metric = metric
    self.target = target
  }

  /// What `message` tells; nil where it is about something else than all addresses.
  init?(_ message: NetlinkMessage) {
    // struct rtmsg: family, lengths of destination and source, service, table, protocol, scope, type; flags.
    let head = Array(message.body.prefix(12))
    guard message.type == Self.newRoute, head.count == 12, head[1] == 0, head[2] == 0,
      let family: IPAddress.Family =
        switch Int32(head[0]) {
        case AF_INET: .v4
        case AF_INET6: .v6
        default: nil
        }
    else { return nil }
    var (table, metric, interface, mtu) = (UInt32(head[4]), UInt32(0), UInt32(0), UInt32(0))
    var isPlain = true
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(12)) {
      let number = Netlink.integer(value, at: 0, as: UInt32.self) ?? 0
      switch type {
      case Attribute.table: table = number
      case Attribute.metric: metric = number
      case Attribute.interface: interface = number
      case Attribute.gateway, Attribute.multipath: isPlain = false
      case Attribute.metrics:
        for (type, value) in NetlinkAttributes.read(value) where type == Attribute.mtu {
          mtu = Netlink.integer(value, at: 0, as: UInt32.self) ?? 0
        }
      default: break
      }
    }
    let target: Target =
      switch head[7] {
      case Kind.unicast where isPlain: .interface(interface, mtu: mtu)
      case Kind.unreachable: .unreachable
      default: .other
      }
    self.init(family: family, table: table, metric: metric, target: target)
  }

  /// Asks for those of one table; an older kernel answers with those of all.
  static func dump(_ family: IPAddress.Family, table: UInt32) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.table, table)
    return NetlinkMessage(
      getRoute, head: [UInt8(family == .v4 ? AF_INET : AF_INET6), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], attributes
    )
  }

  /// Puts it in place of the one with its metric, if there is one.
  var replace: NetlinkMessage {
    NetlinkMessage(Self.newRoute, flags: [.create, .replace], head: head, attributes)
  }

  /// Takes it away.
  var delete: NetlinkMessage { NetlinkMessage(Self.deleteRoute, head: head, attributes) }

  private var head: [UInt8] {
    let kind = if case .unreachable = target { Kind.unreachable } else { Kind.unicast }
    // RT_TABLE_UNSPEC, as an attribute names it; RTPROT_STATIC; RT_SCOPE_UNIVERSE.
    return [UInt8(family == .v4 ? AF_INET : AF_INET6), 0, 0, 0, 0, 4, 0, kind, 0, 0, 0, 0]
  }

  private var attributes: NetlinkAttributes {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.table, table)
    attributes.append(Attribute.metric, metric)
    if case .interface(let index, let mtu) = target {
      attributes.append(Attribute.interface, index)
      var metrics = NetlinkAttributes()
      metrics.append(Attribute.mtu, mtu)
      if mtu != 0 { attributes.append(Attribute.metrics, nested: metrics) }
    }
    return attributes
  }
}
