import Glibc
import Testing

@testable import Netlink

@Suite("Messages of netlink")
struct NetlinkMessageTests {
  @Test("a message is a header, a fixed part and padded attributes")
  func written() {
    var inner = NetlinkAttributes()
    inner.append(1, text: "tun")
    var attributes = NetlinkAttributes()
    attributes.append(3, text: "wg0")
    attributes.append(4, UInt32(1420))
    attributes.append(7, bytes: [9])
    attributes.append(18, nested: inner)
    let message = NetlinkMessage(16, flags: [.create], sequence: 7, head: [1, 2, 3, 4], attributes)
    #expect(
      message.bytes == [
        56, 0, 0, 0, 16, 0, 0, 4, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4,
        8, 0, 3, 0, 0x77, 0x67, 0x30, 0,
        8, 0, 4, 0, 0x8C, 5, 0, 0,
        5, 0, 7, 0, 9, 0, 0, 0,
        12, 0, 18, 0x80, 8, 0, 1, 0, 0x74, 0x75, 0x6E, 0,
      ])
  }

  @Test("what was written is read again, several messages of one datagram")
  func read() throws {
    var attributes = NetlinkAttributes()
    attributes.append(0x8000 | 5, bytes: [1, 2, 3])
    let first = NetlinkMessage(20, sequence: 1, head: [0, 0, 0, 0], attributes)
    let second = NetlinkMessage(21, sequence: 2)
    let messages = try NetlinkMessage.read((first.bytes + second.bytes)[...])
    #expect(messages == [first, second])
    let read = NetlinkAttributes.read(messages[0].body.dropFirst(4))
    #expect(read.map(\.type) == [5])
    #expect(read.map { Array($0.value) } == [[1, 2, 3]])
  }

  @Test("a message that is cut off is an error, an attribute that is ends the list")
  func cutOff() throws {
    var attributes = NetlinkAttributes()
    attributes.append(1, UInt32(1))
    attributes.append(2, UInt32(2))
    let bytes = NetlinkMessage(20, attributes).bytes
    #expect(throws: NetlinkError.malformed) { try NetlinkMessage.read(bytes.dropLast(1)) }
    #expect(throws: NetlinkError.malformed) {
      try NetlinkMessage.read(([3, 0, 0, 0] + bytes.dropFirst(4))[...])
    }
    #expect(NetlinkAttributes.read(attributes.bytes.dropLast(1)).map(\.type) == [1])
    // A length below that of an attribute's own head doesn't go round for ever.
    #expect(NetlinkAttributes.read([0, 0, 1, 0, 0, 0, 0, 0]).isEmpty)
    #expect(Netlink.integer([1, 2, 3], at: 0, as: UInt32.self) == nil)
  }

  @Test("any bytes are read without a trap")
  func anyBytes() {
    var generator = SystemRandomNumberGenerator()
    for count in 0..<600 {
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if count > 4, count.isMultiple(of: 2) {
        bytes.replaceSubrange(0..<4, with: Netlink.bytes(UInt32(count)))
      }
      for message in (try? NetlinkMessage.read(bytes[...])) ?? [] {
        _ = message.refusal
        _ = NetlinkAttributes.read(message.body)
      }
    }
  }

  @Test("a refusal has its number, and the kernel's own words where it says some")
  func refusals() {
    let header = [UInt8](repeating: 0, count: 16)
    var words = NetlinkAttributes()
    words.append(1, text: "Unknown device type")
    let plain = NetlinkMessage(2, head: Netlink.bytes(-ENODEV) + header)
    #expect(plain.refusal == NetlinkError(code: ENODEV))
    let explained = NetlinkMessage(
      2, flags: .init(rawValue: 0x300), head: Netlink.bytes(-EOPNOTSUPP) + header, words)
    #expect(explained.refusal == NetlinkError(code: EOPNOTSUPP, explanation: "Unknown device type"))
    #expect(explained.refusal?.description.hasSuffix("(Unknown device type)") == true)
    #expect(NetlinkMessage(2, head: Netlink.bytes(Int32(0)) + header).refusal == nil)
    #expect(NetlinkMessage(3, head: Netlink.bytes(Int32(-16))).refusal?.code == EBUSY)
    #expect(NetlinkMessage(2).refusal == .malformed)
  }

  @Test("the kernel answers: what is there, what isn't, and all there are")
  func kernel() throws {
    let socket = try NetlinkSocket(Netlink.route)
    var name = NetlinkAttributes()
    name.append(3, text: "lo")
    let head = [UInt8](repeating: 0, count: 16)
    let loopback = try socket.answer(to: NetlinkMessage(18, head: head, name))
    #expect(loopback.type == 16)
    #expect(throws: NetlinkError.self) {
      var name = NetlinkAttributes()
      name.append(3, text: "no-such-link")
      _ = try socket.answer(to: NetlinkMessage(18, head: head, name))
    }
    // After a refusal too.
    #expect(try socket.dump(NetlinkMessage(18, head: head)).contains { $0.type == 16 })
  }
}
