import Glibc
import Netlink

/// A family of generic netlink, looked up by its name (`linux/genetlink.h`).
enum GenericFamily {
  /// The number by which `name` is spoken to; nil where the kernel has no such family.
  static func number(of name: String, through socket: NetlinkSocket) throws(NetlinkError) -> UInt16? {
    var attributes = NetlinkAttributes()
    attributes.append(2, text: name)  // CTRL_ATTR_FAMILY_NAME
    // GENL_ID_CTRL; CTRL_CMD_GETFAMILY, version 1.
    let request = NetlinkMessage(0x10, head: [3, 1, 0, 0], attributes)
    do {
      return number(try socket.answer(to: request))
    } catch  where error.code == ENOENT {
      return nil
    }
  }

  /// What an answer says: CTRL_ATTR_FAMILY_ID.
  static func number(_ answer: NetlinkMessage) -> UInt16? {
    NetlinkAttributes.read(answer.body.dropFirst(4)).first { $0.type == 1 }
      .flatMap { Netlink.integer($0.value, at: 0, as: UInt16.self) }
  }
}
