package import ClusterModel
import Glibc

/// An address of an interface, as rtnetlink tells of it (`linux/if_addr.h`).
package struct InterfaceAddress: Hashable, Sendable {
  package var address: IPAddress
  /// How many of its leading bits are those of the link's network.
  package var length: Int
  /// The interface's index.
  package var interface: UInt32
  package var scope: Scope
  /// A privacy address, which goes after a day.
  package var isTemporary: Bool
  /// No longer to be used for anything new.
  package var isDeprecated: Bool
  /// Not known yet to be free, or known not to be.
  package var isUnusable: Bool

  /// How far an address reaches.
  package enum Scope: Hashable, Sendable {
    case global, link, host
  }

  private enum Message {
    static let new: UInt16 = 20
    static let delete: UInt16 = 21
    static let get: UInt16 = 22
  }

  private enum Attribute {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
    static let flags: UInt16 = 8
  }

  /// `IFA_F_...`
  private enum Flag {
    static let temporary: UInt32 = 0x01
    static let noDetection: UInt32 = 0x02
    static let optimistic: UInt32 = 0x04
    static let failed: UInt32 = 0x08
    static let deprecated: UInt32 = 0x20
    static let tentative: UInt32 = 0x40
    static let permanent: UInt32 = 0x80
  }

  /// - Parameter length: nil: the address alone.
  package init(
    address: IPAddress, length: Int? = nil, interface: UInt32, scope: Scope = .global,
    isTemporary: Bool = false, isDeprecated: Bool = false, isUnusable: Bool = false
  ) {
    self.address = address
    self.length = length ?? address.family.bitCount
    self.interface = interface
    self.scope = scope
    self.isTemporary = isTemporary
    self.isDeprecated = isDeprecated
    self.isUnusable = isUnusable
  }

  /// What `message` tells; nil where it is about something else.
  package init?(_ message: NetlinkMessage) {
    // struct ifaddrmsg: family, length, flags, scope; index.
    let head = Array(message.body.prefix(8))
    guard message.type == Message.new, head.count == 8,
      let index = Netlink.integer(message.body, at: 4, as: UInt32.self)
    else { return nil }
    var flags = UInt32(head[2])
    var local: IPAddress?
    var peer: IPAddress?
    for (type, value) in NetlinkAttributes.read(message.body.dropFirst(8)) {
      switch type {
      // With a point-to-point link the address is the other end's, and the local one is ours.
      case Attribute.address: peer = IPAddress(bytes: value)
      case Attribute.local: local = IPAddress(bytes: value)
      case Attribute.flags: flags = Netlink.integer(value, at: 0, as: UInt32.self) ?? flags
      default: break
      }
    }
    guard let address = local ?? peer else { return nil }
    self.init(
      address: address, length: Int(head[1]), interface: index,
      scope: head[3] < 200 ? .global : head[3] == 253 ? .link : .host,
      // For IPv4 it marks a second address, which is an address like others.
      isTemporary: flags & Flag.temporary != 0 && address.family == .v6,
      isDeprecated: flags & Flag.deprecated != 0,
      // An optimistic one can be used while it is looked whether others have it.
      isUnusable: flags & Flag.failed != 0
        || (flags & Flag.tentative != 0 && flags & Flag.optimistic == 0))
  }

  /// Asks for all.
  package static let dump = NetlinkMessage(Message.get, head: [0, 0, 0, 0, 0, 0, 0, 0])

  /// Adds it for good, without looking whether somebody on the link has it.
  package var add: NetlinkMessage {
    NetlinkMessage(
      Message.new, flags: [.create, .replace],
      head: head(flags: UInt8(truncatingIfNeeded: Flag.permanent | Flag.noDetection)), attributes)
  }

  /// Takes it away.
  package var delete: NetlinkMessage { NetlinkMessage(Message.delete, head: head(flags: 0), attributes) }

  private func head(flags: UInt8) -> [UInt8] {
    let family = UInt8(address.family == .v4 ? AF_INET : AF_INET6)
    return [family, UInt8(truncatingIfNeeded: length), flags, 0] + Netlink.bytes(interface)
  }

  private var attributes: NetlinkAttributes {
    var attributes = NetlinkAttributes()
    attributes.append(Attribute.local, bytes: address.bytes)
    attributes.append(Attribute.address, bytes: address.bytes)
    return attributes
  }
}
