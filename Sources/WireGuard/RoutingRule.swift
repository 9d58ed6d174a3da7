import ClusterModel
import Glibc
import Netlink

/// A rule that sends marked packets to a routing table, as rtnetlink tells of it (`linux/fib_rules.h`).
struct RoutingRule: Hashable, Sendable {
  var family: IPAddress.Family
  /// Which of several is asked first: the lowest.
  var priority: UInt32
  var mark: UInt32
  /// The bits of a packet's mark that are compared.
  var mask: UInt32
  var table: UInt32

  private static let newRule: UInt16 = 32
  private static let deleteRule: UInt16 = 33
  private static let getRule: UInt16 = 34

  private enum Attribute {
    static let priority: UInt16 = 6
    static let mark: UInt16 = 10
    static let table: UInt16 = 15
    static let mask: UInt16 = 16
    /// Those of rules that say nothing: what is suppressed, the protocol.
    static let harmless: Set<UInt16> = [13, 14, 21]
  }

  init(family: IPAddress.Family, priority: UInt32, mark: UInt32, mask: UInt32, table: UInt32) {
    self.family = family
    self.priority = priority
    self.mark = mark
    self.mask = mask
    self.table = table
  }

  /// What `message` tells; nil where it is about something else, or a rule that has other conditions too.
  init?(_ message: NetlinkMessage) {
    // struct fib_rule_hdr: family, lengths of destination and source, service, table, two reserved, action; flags.
    let head = Array(message.body.prefix(12))
    guard message.type == Self.newRule, head.count == 12, head[1] == 0, head[2] == 0, head[7] == 1,
      // FIB_RULE_INVERT
      head[8] & 2 == 0,
      let family: IPAddress.Family =
        switch Int32(head[0]) {
        case AF_INET: .v4
        case AF_INET6: .v6
        default: nil
        }
    else { return nil }
    self.init(family: family, priority: 0, mark: 0, mask: 0, table: UInt32(head[4]))
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(12)) {
      guard let number = Netlink.integer(value.prefix(4) + [0, 0, 0, 0], at: 0, as: UInt32.self) else {
        return nil
      }
      switch type {
      case Attribute.priority: priority = number
      case Attribute.mark: mark = number
      case Attribute.mask: mask = number
      case Attribute.table: table = number
      case _ where Attribute.harmless.contains(type): break
      default: return nil
      }
    }
    guard mask != 0 else { return nil }
  }

  /// Asks for all of one family.
  static func dump(_ family: IPAddress.Family) -> NetlinkMessage {
    NetlinkMessage(
      getRule, head: [UInt8(family == .v4 ? AF_INET : AF_INET6), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  /// Adds it.
  var add: NetlinkMessage {
    NetlinkMessage(Self.newRule, flags: [.create, .exclusive], head: head, attributes)
  }

  /// Takes it away.
  var delete: NetlinkMessage { NetlinkMessage(Self.deleteRule, head: head, attributes) }

  // FR_ACT_TO_TBL
  private var head: [UInt8] {
    [UInt8(family == .v4 ? AF_INET : AF_INET6), 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
  }

  private var attributes: NetlinkAttributes {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.priority, priority)
    attributes.append(Attribute.mark, mark)
    attributes.append(Attribute.mask, mask)
    attributes.append(Attribute.table, table)
    return attributes
  }
}
