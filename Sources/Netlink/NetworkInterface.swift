import Glibc

/// A network interface, as rtnetlink tells of it (`linux/rtnetlink.h`, `linux/if_link.h`).
package struct NetworkInterface: Hashable, Sendable {
  /// The kernel's number for it, which no later one has.
  package var index: UInt32
  package var name: String
  /// The kind of a virtual one: `bridge`, `veth`, `wireguard`; empty for hardware.
  package var kind: String
  package var isUp: Bool
  package var isLoopback: Bool
  /// The bridge or bond that it is a part of, by index; nil for none.
  package var master: UInt32?
  /// What somebody has written to it, as a mark.
  package var alias: String
  /// Its largest packet, in bytes; 0: unknown.
  package var mtu: UInt32
  /// Whether it is one of Ethernet: ARPHRD_ETHER.
  package var isEthernet: Bool
  /// Its hardware address; empty for none.
  package var hardwareAddress: [UInt8]

  /// What interfaces of ours carry as their alias whose networks are laid over those that there are.
  package static let overlayMark = "rollcall KubeSpan"

  private enum Message {
    static let new: UInt16 = 16
    static let delete: UInt16 = 17
    static let get: UInt16 = 18
  }

  private enum Attribute {
    static let hardwareAddress: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let master: UInt16 = 10
    static let information: UInt16 = 18
    static let alias: UInt16 = 20
    /// Within `information`.
    static let kind: UInt16 = 1
  }

  private enum Flag {
    static let up: UInt32 = 0x1
    static let loopback: UInt32 = 0x8
  }

  package init(
    index: UInt32, name: String, kind: String = "", isUp: Bool = true, isLoopback: Bool = false,
    master: UInt32? = nil, alias: String = "", mtu: UInt32 = 0, isEthernet: Bool = false,
    hardwareAddress: [UInt8] = []
  ) {
    self.index = index
    self.name = name
    self.kind = kind
    self.isUp = isUp
    self.isLoopback = isLoopback
    self.master = master
    self.alias = alias
    self.mtu = mtu
    self.isEthernet = isEthernet
    self.hardwareAddress = hardwareAddress
  }

  /// What `message` tells; nil where it is about something else.
  package init?(_ message: NetlinkMessage) {
    guard message.type == Message.new, message.body.count >= 16,
      let index = Netlink.integer(message.body, at: 4, as: UInt32.self),
      let flags = Netlink.integer(message.body, at: 8, as: UInt32.self)
    else { return nil }
    self.init(
      index: index, name: "", isUp: flags & Flag.up != 0, isLoopback: flags & Flag.loopback != 0)
    // ARPHRD_ETHER
    isEthernet = Netlink.integer(message.body, at: 2, as: UInt16.self) == 1
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(16)) {
      switch type {
      case Attribute.hardwareAddress: hardwareAddress = Array(value)
      case Attribute.name: name = Netlink.text(value)
      case Attribute.alias: alias = Netlink.text(value)
      case Attribute.mtu: mtu = Netlink.integer(value, at: 0, as: UInt32.self) ?? 0
      case Attribute.master: master = Netlink.integer(value, at: 0, as: UInt32.self)
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

  /// Asks for all.
  package static let dump = NetlinkMessage(Message.get, head: head())

  /// Asks for the interface of that name.
  package static func get(_ name: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.name, text: name)
    return NetlinkMessage(Message.get, head: head(), attributes)
  }

  /// The interface of that name; nil where there is none.
  package static func find(
    _ name: String, through socket: NetlinkSocket
  ) throws(NetlinkError) -> NetworkInterface? {
    do throws(NetlinkError) {
      return NetworkInterface(try socket.answer(to: get(name)))
    } catch {
      guard error.code == ENODEV else { throw error }
      return nil
    }
  }

  /// A number for an interface that is to be made: of so many that no other one has it, and none that the kernel gives
  /// by itself.
  package static func unusedIndex() -> UInt32 { .random(in: 1 << 20..<1 << 30) }

  /// Makes an interface, and marks it: two messages for one datagram, so that none stays unmarked.
  ///
  /// The second one is done even where the first one is refused. So it goes by the number: by its name it would mark the
  /// interface of somebody who was faster.
  ///
  /// - Parameter index: the number that it gets, from ``unusedIndex()``.
  package static func create(
    _ name: String, kind: String, alias: String, index: UInt32
  ) -> [NetlinkMessage] {
    var information = NetlinkAttributes()
    information.append(Attribute.kind, text: kind)
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.name, text: name)
    attributes.append(Attribute.information, nested: information)
    // The alias isn't taken at making.
    return [
      NetlinkMessage(Message.new, flags: [.create, .exclusive], head: head(index: index), attributes),
      NetworkInterface(index: index, name: name).setAlias(alias),
    ]
  }

  /// Marks it.
  package func setAlias(_ alias: String) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.alias, text: alias)
    return NetlinkMessage(Message.new, head: Self.head(index: index), attributes)
  }

  /// Sets its largest packet.
  package func setMTU(_ mtu: UInt32) -> NetlinkMessage {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.mtu, mtu)
    return NetlinkMessage(Message.new, head: Self.head(index: index), attributes)
  }

  /// Takes it into use.
  package func setUp() -> NetlinkMessage {
    NetlinkMessage(Message.new, head: Self.head(index: index, flags: Flag.up, changing: Flag.up))
  }

  /// Removes it.
  package func delete() -> NetlinkMessage {
    NetlinkMessage(Message.delete, head: Self.head(index: index))
  }
}
