import ClusterModel
import Glibc
import Netlink

/// An address of an interface, as rtnetlink tells of it (`linux/if_addr.h`).
struct InterfacePrefix: Hashable, Sendable {
  var index: UInt32
  /// The address, and how many of its bits are on the link.
  var prefix: IPPrefix
  /// Whether it is good beyond its link.
  var isGlobal = true

  private static let newAddress: UInt16 = 20
  private static let deleteAddress: UInt16 = 21
  private static let getAddress: UInt16 = 22

  private enum Attribute {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
  }

  init(index: UInt32, prefix: IPPrefix) {
    self.index = index
    self.prefix = prefix
  }

  /// What `message` tells; nil where it is about something else.
  init?(_ message: NetlinkMessage) {
    let head = Array(message.body.prefix(8))
    guard message.type == Self.newAddress, head.count == 8,
      let index = Netlink.integer(message.body, at: 4, as: UInt32.self)
    else { return nil }
    var addresses: [UInt16: IPAddress] = [:]
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(8)) {
      addresses[type] = IPAddress(bytes: value)
    }
    guard let address = addresses[Attribute.local] ?? addresses[Attribute.address],
      let prefix = IPPrefix(address: address, length: Int(head[1]))
    else { return nil }
    self.init(index: index, prefix: prefix)
    isGlobal = head[3] == 0
  }

  /// Asks for all.
  static let dump = NetlinkMessage(getAddress, head: [0, 0, 0, 0, 0, 0, 0, 0])

  /// Adds it, without looking whether somebody on the link has it.
  var add: NetlinkMessage {
    NetlinkMessage(
      Self.newAddress, flags: [.create, .replace],
      // IFA_F_PERMANENT | IFA_F_NODAD; scope global.
      head: [family, UInt8(prefix.length), 0x82, 0] + Netlink.bytes(index), attributes)
  }

  /// Takes it away.
  var delete: NetlinkMessage {
    NetlinkMessage(
      Self.deleteAddress, head: [family, UInt8(prefix.length), 0, 0] + Netlink.bytes(index), attributes)
  }

  private var family: UInt8 { UInt8(prefix.address.family == .v4 ? AF_INET : AF_INET6) }

  private var attributes: NetlinkAttributes {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.local, bytes: prefix.address.bytes)
    attributes.append(Attribute.address, bytes: prefix.address.bytes)
    return attributes
  }
}
