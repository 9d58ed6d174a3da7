/// Attributes of a netlink message, as `linux/netlink.h` lays them out: each a length of 16 bits, a type and a value,
/// padded to four bytes. Integers have the machine's byte order.
package struct NetlinkAttributes: Hashable, Sendable {
  /// The most bytes that the value of one attribute has.
  package static let maximumValue = Int(UInt16.max) - 4

  /// All of them, one behind the other.
  package private(set) var bytes: [UInt8] = []

  /// None yet.
  package init() {}

  /// The bytes that an attribute takes whose value has `count` bytes.
  package static func size(ofValue count: Int) -> Int { aligned(4 + count) }

  /// - Parameter value: no more than ``maximumValue`` bytes, which the caller sees to.
  package mutating func append(_ type: UInt16, bytes value: some Collection<UInt8>) {
    precondition(value.count <= Self.maximumValue, "an attribute of \(value.count) bytes")
    bytes += Netlink.bytes(UInt16(4 + value.count)) + Netlink.bytes(type)
    bytes += value
    bytes += [UInt8](repeating: 0, count: Self.aligned(value.count) - value.count)
  }

  /// An integer, in the machine's byte order.
  package mutating func append(_ type: UInt16, _ value: some FixedWidthInteger) {
    append(type, bytes: Netlink.bytes(value))
  }

  /// A text, ended by a zero.
  package mutating func append(_ type: UInt16, text: String) { append(type, bytes: Array(text.utf8) + [0]) }

  /// Attributes as the value of one (`NLA_F_NESTED`).
  package mutating func append(_ type: UInt16, nested: NetlinkAttributes) {
    append(type | 0x8000, bytes: nested.bytes)
  }

  /// The attributes in `bytes`, up to the first that is cut off, without the flags of their types.
  package static func read(_ bytes: ArraySlice<UInt8>) -> [(type: UInt16, value: ArraySlice<UInt8>)] {
    var attributes: [(UInt16, ArraySlice<UInt8>)] = []
    var rest = bytes
    while let length = Netlink.integer(rest, at: 0, as: UInt16.self).map(Int.init),
      let type = Netlink.integer(rest, at: 2, as: UInt16.self), length >= 4, length <= rest.count
    {
      attributes.append((type & 0x3FFF, rest.dropFirst(4).prefix(length - 4)))
      rest = rest.dropFirst(aligned(length))
    }
    return attributes
  }

  private static func aligned(_ length: Int) -> Int { Netlink.aligned(length) }
}
