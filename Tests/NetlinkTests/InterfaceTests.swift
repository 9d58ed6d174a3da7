import ClusterModel
import Testing

@testable import Netlink

@Suite("What the kernel tells of interfaces and addresses")
struct InterfaceTests {
  private func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

  private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    return bytes(UInt16(4 + value.count)) + bytes(type) + value + padding
  }

  private func address(_ text: String, flags: UInt8 = 0x80, scope: UInt8 = 0, more: [UInt8] = []) throws
    -> NetlinkMessage
  {
    let address = try IPAddress(text)
    return NetlinkMessage(
      20,
      head: [address.family == .v4 ? 2 : 10, 24, flags, scope] + bytes(UInt32(3))
        + attribute(1, address.bytes)
        + more)
  }

  @Test("interfaces with their kind, state, alias and master")
  func interfaces() {
    let head: [UInt8] = [0, 0, 1, 0] + bytes(UInt32(4)) + bytes(UInt32(0x1003)) + bytes(UInt32(0))
    let name = attribute(3, Array("lanbridge".utf8) + [0])
    let kind = attribute(18 | 0x8000, attribute(1, Array("bridge".utf8) + [0]))
    let rest =
      attribute(10, bytes(UInt32(9))) + attribute(4, bytes(UInt32(1500))) + attribute(20, Array("ours".utf8))
      + attribute(1, [2, 0, 0, 0, 0, 7])
    #expect(
      NetworkInterface(NetlinkMessage(16, head: head + name + kind + rest))
        == NetworkInterface(
          index: 4, name: "lanbridge", kind: "bridge", isUp: true, master: 9, alias: "ours", mtu: 1500,
          isEthernet: true, hardwareAddress: [2, 0, 0, 0, 0, 7]))
    #expect(NetworkInterface(NetlinkMessage(20, head: head + name)) == nil)
    #expect(NetworkInterface(NetlinkMessage(16, head: Array(head.dropLast(4)))) == nil)
  }

  @Test("addresses with their flags; the wider flags of an attribute count before the narrow ones")
  func addresses() throws {
    let addresses = [
      try address("10.0.0.2", flags: 0x81), try address("fd00::2", flags: 0x01),
      try address("fd00::3", flags: 0x00, more: attribute(8, bytes(UInt32(0x120)))),
      try address("fe80::3", flags: 0x40, scope: 253),
    ].compactMap(InterfaceAddress.init)
    #expect(addresses.map(\.address.description) == ["10.0.0.2", "fd00::2", "fd00::3", "fe80::3"])
    // A second IPv4 address is an address like others.
    #expect(addresses.map(\.isTemporary) == [false, true, false, false])
    #expect(addresses.map(\.isDeprecated) == [false, false, true, false])
    #expect(addresses.map(\.isUnusable) == [false, false, false, true])
    #expect(addresses.map(\.scope) == [.global, .global, .global, .link])
    #expect(addresses.map(\.length) == [24, 24, 24, 24])
    #expect(addresses.map(\.interface) == [3, 3, 3, 3])
  }

  @Test("on a point-to-point link the local end is ours")
  func pointToPoint() throws {
    let message = try address("10.0.0.1", more: attribute(2, IPAddress("10.0.0.2").bytes))
    #expect(InterfaceAddress(message)?.address.description == "10.0.0.2")
  }

  @Test("an interface is made and marked, byte by byte")
  func create() throws {
    let create = NetworkInterface.create("wg0", kind: "wireguard", alias: "ours", index: 7)
    let head: [UInt8] = [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    #expect(create.map(\.type) == [16, 16])
    #expect(create[0].flags == [.create, .exclusive])
    #expect(
      Array(create[0].body) == head + [8, 0, 3, 0] + Array("wg0".utf8) + [0]
        + [20, 0, 18, 0x80, 14, 0, 1, 0] + Array("wireguard".utf8) + [0, 0, 0])
    #expect(Array(create[1].body) == head + [9, 0, 20, 0] + Array("ours".utf8) + [0, 0, 0, 0])
    let up = NetworkInterface(index: 7, name: "").setUp()
    #expect(Array(up.body) == [0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
  }

  @Test("an address is added, byte by byte and back")
  func add() throws {
    let address = InterfaceAddress(address: try IPAddress("10.0.0.1"), interface: 7)
    #expect(
      Array(address.add.body) == [
        2, 32, 0x82, 0, 7, 0, 0, 0, 8, 0, 2, 0, 10, 0, 0, 1, 8, 0, 1, 0, 10, 0, 0, 1,
      ])
    #expect(InterfaceAddress(address.add) == address)
  }

  @Test("every cut and every changed byte of a datagram is survived")
  func garbage() throws {
    let whole = try address("fd00::2").bytes + address("10.0.0.2").bytes + NetlinkMessage(3).bytes
    func read(_ datagram: [UInt8]) {
      for message in (try? NetlinkMessage.read(datagram[...])) ?? [] {
        _ = (InterfaceAddress(message), NetworkInterface(message), message.refusal)
      }
    }
    for length in 0..<whole.count { read(Array(whole[..<length])) }
    for index in whole.indices {
      for value: UInt8 in [0, 1, 3, 0x7F, 0xFF] {
        var changed = whole
        changed[index] = value
        read(changed)
      }
    }
  }
}
