/// A netlink message, to the kernel or from it: a type, flags, and a body of a fixed part and attributes.
package struct NetlinkMessage: Hashable, Sendable {
  /// What it is about: `RTM_NEWLINK` and the like.
  package var type: UInt16
  /// `NLM_F_...`.
  package var flags: Netlink.Flags
  /// Which request it is, or answers.
  package var sequence: UInt32
  /// What comes behind the header.
  package var body: ArraySlice<UInt8>

  /// A message with a body in two parts.
  ///
  /// - Parameter head: a multiple of four bytes.
  package init(
    _ type: UInt16, flags: Netlink.Flags = [], sequence: UInt32 = 0, head: [UInt8] = [],
    _ attributes: NetlinkAttributes = NetlinkAttributes()
  ) {
    self.type = type
    self.flags = flags
    self.sequence = sequence
    body = (head + attributes.bytes)[...]
  }

  /// As it is sent.
  package var bytes: [UInt8] {
    var bytes = Netlink.bytes(UInt32(Netlink.headerLength + body.count))
    bytes += Netlink.bytes(type) + Netlink.bytes(flags.rawValue) + Netlink.bytes(sequence)
    bytes += Netlink.bytes(UInt32(0)) + body
    bytes += [UInt8](repeating: 0, count: Netlink.aligned(body.count) - body.count)
    return bytes
  }

  /// The messages of a datagram.
  ///
  /// - Throws: ``NetlinkError`` where one is cut off.
  package static func read(_ datagram: ArraySlice<UInt8>) throws(NetlinkError) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = datagram
    while rest.count >= Netlink.headerLength {
      guard let length = Netlink.integer(rest, at: 0, as: UInt32.self).map(Int.init),
        length >= Netlink.headerLength, length <= rest.count,
        let type = Netlink.integer(rest, at: 4, as: UInt16.self),
        let flags = Netlink.integer(rest, at: 6, as: UInt16.self),
        let sequence = Netlink.integer(rest, at: 8, as: UInt32.self)
      else { throw .malformed }
      var message = NetlinkMessage(type, flags: .init(rawValue: flags), sequence: sequence)
      message.body = rest.dropFirst(Netlink.headerLength).prefix(length - Netlink.headerLength)
      messages.append(message)
      rest = rest.dropFirst(Netlink.aligned(length))
    }
    return messages
  }

  /// What an `NLMSG_ERROR` or the end of an answer says; nil: that all went well.
  package var refusal: NetlinkError? {
    guard let code = Netlink.integer(body, at: 0, as: Int32.self) else { return .malformed }
    guard code != 0 else { return nil }
    return NetlinkError(code: 0 &- code, explanation: explanation)
  }

  /// The kernel's own words (`NLMSGERR_ATTR_MSG`), which come behind the header of what it refused.
  private var explanation: String {
    guard flags.contains(.hasExplanation) else { return "" }
    let offset = type == Netlink.error ? 4 + Netlink.headerLength : 4
    let attributes = NetlinkAttributes.read(body.dropFirst(offset))
    // Bounded, as it is shown.
    return attributes.first { $0.type == 1 }.map { Netlink.text($0.value.prefix(256)) } ?? ""
  }
}

extension Netlink.Flags {
  /// `NLM_F_DUMP_INTR`: something changed while the answer was made.
  static let isInterrupted = Self(rawValue: 0x10)
  /// `NLM_F_ACK_TLVS`.
  fileprivate static let hasExplanation = Self(rawValue: 0x200)
}
