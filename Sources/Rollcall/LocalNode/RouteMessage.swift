import ClusterModel

/// The kernel's rtnetlink messages, as far as they tell of interfaces and addresses: reading bytes, and no
/// sockets. Numbers and layouts are those of `linux/netlink.h`, `linux/rtnetlink.h`, `linux/if_link.h` and
/// `linux/if_addr.h`, which never change; integers have the machine's byte order.
enum RouteMessage {
  static let done: UInt16 = 3
  static let error: UInt16 = 2
  static let newLink: UInt16 = 16
  static let getLink: UInt16 = 18
  static let newAddress: UInt16 = 20
  static let getAddress: UInt16 = 22

  /// NLM_F_REQUEST | NLM_F_DUMP
  private static let dumpFlags: UInt16 = 0x0001 | 0x0300
  static let headerLength = 16

  /// What a datagram of an answer came to.
  enum Progress: Hashable {
    case more
    case done
    /// The kernel refused, with this errno.
    case refused(Int32)
    /// The answer is through, and something changed while it was made: to be asked for again.
    case interrupted
  }

  /// A request to tell all interfaces or all addresses.
  static func dump(_ type: UInt16, sequence: UInt32) -> [UInt8] {
    // A header, and a generic message whose family is unspecified, padded to four bytes.
    bytes(UInt32(headerLength + 4)) + bytes(type) + bytes(dumpFlags) + bytes(sequence) + bytes(UInt32(0))
      + [0, 0, 0, 0]
  }

  /// Takes the messages in `datagram` that answer request `sequence` into `state`.
  static func read(_ datagram: ArraySlice<UInt8>, sequence: UInt32, into state: inout NetworkState)
    -> Progress
  {
    var rest = datagram
    while rest.count >= headerLength {
      let length = Int(integer(rest, at: 0, as: UInt32.self))
      guard length >= headerLength, length <= rest.count else { return .refused(74) }  // EBADMSG
      let type = integer(rest, at: 4, as: UInt16.self)
      let flags = integer(rest, at: 6, as: UInt16.self)
      let body = rest.dropFirst(headerLength).prefix(length - headerLength)
      let isOurs = integer(rest, at: 8, as: UInt32.self) == sequence
      rest = rest.dropFirst(aligned(length))
      guard isOurs else { continue }
      // NLM_F_DUMP_INTR. The rest is read all the same: the kernel refuses to be asked anew before (EBUSY).
      if flags & 0x10 != 0 { state.isInterrupted = true }
      switch type {
      case done:
        if let code = errorCode(body), code != 0 { return .refused(code) }
        return state.isInterrupted ? .interrupted : .done
      case error: return .refused(errorCode(body) ?? 74)
      case newLink: if let link = interface(body) { state.interfaces.append(link) }
      case newAddress: if let address = address(body) { state.addresses.append(address) }
      default: break
      }
    }
    return .more
  }

  /// The errno that a message starts with, which the kernel negates.
  private static func errorCode(_ body: ArraySlice<UInt8>) -> Int32? {
    body.count >= 4 ? 0 &- integer(body, at: 0, as: Int32.self) : nil
  }

  /// `struct ifinfomsg` and its attributes.
  private static func interface(_ body: ArraySlice<UInt8>) -> NetworkInterface? {
    guard body.count >= 16 else { return nil }
    let flags = integer(body, at: 8, as: UInt32.self)
    var interface = NetworkInterface(index: integer(body, at: 4, as: UInt32.self), name: "")
    interface.isUp = flags & 0x1 != 0
    interface.isLoopback = flags & 0x8 != 0
    interface.isEthernet = integer(body, at: 2, as: UInt16.self) == 1
    for (type, value) in attributes(body.dropFirst(16)) {
      switch type {
      case 1: interface.hardwareAddress = Array(value)
      case 3: interface.name = text(value)
      case 10 where value.count >= 4: interface.master = integer(value, at: 0, as: UInt32.self)
      case 18:
        for (type, value) in attributes(value) where type == 1 { interface.kind = text(value) }
      default: break
      }
    }
    return interface
  }

  /// `struct ifaddrmsg` and its attributes.
  private static func address(_ body: ArraySlice<UInt8>) -> InterfaceAddress? {
    guard body.count >= 8 else { return nil }
    let head = Array(body.prefix(8))
    var flags = UInt32(head[2])
    var local: IPAddress?
    var peer: IPAddress?
    for (type, value) in attributes(body.dropFirst(8)) {
      switch type {
      // With a point-to-point link the address is the other end's, and the local one is ours.
      case 1: peer = IPAddress(bytes: value)
      case 2: local = IPAddress(bytes: value)
      case 8 where value.count >= 4: flags = integer(value, at: 0, as: UInt32.self)
      default: break
      }
    }
    guard let address = local ?? peer else { return nil }
    let scope: InterfaceAddress.Scope = head[3] < 200 ? .global : head[3] == 253 ? .link : .host
    return InterfaceAddress(
      address: address, interface: integer(body, at: 4, as: UInt32.self), prefixLength: Int(head[1]),
      scope: scope,
      // IFA_F_TEMPORARY is IFA_F_SECONDARY for IPv4, where a second address is an address like others.
      isTemporary: flags & 0x01 != 0 && address.family == .v6,
      isDeprecated: flags & 0x20 != 0,
      // IFA_F_DADFAILED, and IFA_F_TENTATIVE unless IFA_F_OPTIMISTIC lets it be used meanwhile.
      isUnusable: flags & 0x08 != 0 || (flags & 0x40 != 0 && flags & 0x04 == 0))
  }

  /// The attributes in `bytes`, the flags of their types taken off.
  private static func attributes(_ bytes: ArraySlice<UInt8>) -> [(type: UInt16, value: ArraySlice<UInt8>)] {
    var attributes: [(UInt16, ArraySlice<UInt8>)] = []
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(integer(rest, at: 0, as: UInt16.self))
      guard length >= 4, length <= rest.count else { break }
      attributes.append(
        (integer(rest, at: 2, as: UInt16.self) & 0x3FFF, rest.dropFirst(4).prefix(length - 4)))
      rest = rest.dropFirst(aligned(length))
    }
    return attributes
  }

  private static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The integer at `offset`, which the caller has checked to be there.
  private static func integer<Integer: FixedWidthInteger>(
    _ bytes: ArraySlice<UInt8>, at offset: Int, as type: Integer.Type
  ) -> Integer {
    bytes.dropFirst(offset).withUnsafeBytes { $0.loadUnaligned(as: Integer.self) }
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }
}
