/// What all netlink messages have in common: numbers of `linux/netlink.h`, which never change.
package enum Netlink {
  /// `NETLINK_ROUTE`: links, addresses, routes, rules.
  package static let route: Int32 = 0
  /// `NETLINK_NETFILTER`: nftables.
  package static let netfilter: Int32 = 12
  /// `NETLINK_GENERIC`: families by name, WireGuard's among them.
  package static let generic: Int32 = 16

  /// The length of a message's header.
  static let headerLength = 16
  /// `NLMSG_ERROR`: an acknowledgement, or a refusal.
  static let error: UInt16 = 2
  /// `NLMSG_DONE`: the end of an answer of several messages.
  static let done: UInt16 = 3

  /// What a request asks for, `NLM_F_...`.
  package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    static let request = Flags(rawValue: 0x1)
    static let acknowledge = Flags(rawValue: 0x4)
    /// All there are.
    package static let dump = Flags(rawValue: 0x300)
    /// In place of what is there.
    package static let replace = Flags(rawValue: 0x100)
    /// Only where there is nothing.
    package static let exclusive = Flags(rawValue: 0x200)
    /// Where there is nothing.
    package static let create = Flags(rawValue: 0x400)
  }

  /// The bytes of `value`, in the machine's order.
  package static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  /// The integer at `offset`; nil where there are too few bytes.
  package static func integer<Integer: FixedWidthInteger>(
    _ bytes: ArraySlice<UInt8>, at offset: Int, as type: Integer.Type
  ) -> Integer? {
    guard bytes.count >= offset + MemoryLayout<Integer>.size else { return nil }
    return bytes.dropFirst(offset).withUnsafeBytes { $0.loadUnaligned(as: Integer.self) }
  }

  /// The text that `bytes` begin with, up to a zero.
  package static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// `length` with the padding to four bytes.
  package static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}
