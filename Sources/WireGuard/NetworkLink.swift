import Glibc
import Netlink

/// A network interface, as rtnetlink tells of it (`linux/rtnetlink.h`, `linux/if_link.h`).
struct NetworkLink: Hashable, Sendable {
  var index: UInt32
  var name: String
  /// What kind of interface: `wireguard`, `tun`; empty for a physical one.
  var kind = ""
  /// What somebody has written to it.
  var alias = ""
  var mtu: UInt32 = 0
  var isUp = false

  private static let newLink: UInt16 = 16
  private static let deleteLink: UInt16 = 17
  private static let getLink: UInt16 = 18

  private enum Attribute {
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let information: UInt16 = 18
    static let alias: UInt16 = 20
    /// Within `information`.
    static let kind: UInt16 = 1
  }

  /// IFF_UP
  private static let up: UInt32 = 1

  init(index: UInt32, name: String) {
    self.index = index
    self.name = name
  }

  /// What `message` tells; nil where it is about something else.
  init?(_ message: NetlinkMessage) {
    guard message.type == Self.newLink,
      let index = Netlink.integer(message.body, at: 4, as: UInt32.self),
      let flags = Netlink.integer(message.body, at: 8, as: UInt32.self)
    else { return nil }
    self.init(index: index, name: "")
    isUp = flags & Self.up != 0
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(16)) {
      switch type {
      case Attribute.name: name = Netlink.text(value)
      case Attribute.alias: alias = Netlink.text(value)
      case Attribute.mtu: mtu = Netlink.integer(value, at: 0, as: UInt32.self) ?? 0
      case Attribute.information:
        for (type, value) in NetlinkAttributes.read(value) where type == Attribute.kind {
          kind = Netlink.text(value)
        }
      default: break
      }
    }
  }

  /// `struct ifinfomsg`: family, padding, type; index; flags, and which of them are set.
  private static func head(index: UInt32 = 0, flags: UInt32 = 0, changing mask: UInt32 = 0) -> [UInt8] {
    [0, 0, 0, 0] + Netlink.bytes(index) + Netlink.bytes(flags) + Netlink.bytes(mask)
  }

  /// Asks for the interface of that name.
  static func get(_ name: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.name, text: name)
    return NetlinkMessage(getLink, head: head(), attributes)
  }

  /// Makes an interface, and marks it: two messages for one datagram, so that none stays unmarked.
  static func create(_ name: String, kind: String, alias: String) -> [NetlinkMessage] {
    var information = NetlinkAttributes()
    information.append(Attribute.kind, text: kind)
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.name, text: name)
    attributes.append(Attribute.information, nested: information)
    var mark = NetlinkAttributes()
    mark.append(Attribute.name, text: name)
    mark.append(Attribute.alias, text: alias)
    // The alias isn't taken at making.
    return [
      NetlinkMessage(newLink, flags: [.create, .exclusive], head: head(), attributes),
      NetlinkMessage(newLink, head: head(), mark),
    ]
  }

  /// Marks it.
  func setAlias(_ alias: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.alias, text: alias)
    return NetlinkMessage(Self.newLink, head: Self.head(index: index), attributes)
  }

  /// Sets its largest packet.
  func setMTU(_ mtu: UInt32) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.mtu, mtu)
    return NetlinkMessage(Self.newLink, head: Self.head(index: index), attributes)
  }

  /// Takes it into use.
  func setUp() -> NetlinkMessage {
    NetlinkMessage(Self.newLink, head: Self.head(index: index, flags: Self.up, changing: Self.up))
  }

  /// Removes it.
  func delete() -> NetlinkMessage { NetlinkMessage(Self.deleteLink, head: Self.head(index: index)) }

  /// The interface of that name; nil where there is none.
  static func find(_ name: String, through socket: NetlinkSocket) throws(NetlinkError) -> NetworkLink? {
    do throws(NetlinkError) {
      return NetworkLink(try socket.answer(to: get(name)))
    } catch {
      guard error.code == ENODEV else { throw error }
      return nil
    }
  }
}
