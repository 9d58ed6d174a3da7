import ClusterModel
import KubeSpan
import Netlink
import Platform
import Testing

@testable import WireGuard

/// By `include/uapi/linux/wireguard.h`: the layouts are written here by hand a second time.
@Suite("The kernel's messages of a WireGuard device")
struct KernelDeviceMessageTests {
  private let one = [UInt8](repeating: 1, count: 32)
  private let two = [UInt8](repeating: 2, count: 32)

  private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    Netlink.bytes(UInt16(4 + value.count)) + Netlink.bytes(type) + value
      + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
  }

  private func nested(_ type: UInt16, _ value: [UInt8]) -> [UInt8] { attribute(type | 0x8000, value) }

  private func allowedIP(_ family: UInt16, _ address: [UInt8], _ length: UInt8) -> [UInt8] {
    nested(0, attribute(1, Netlink.bytes(family)) + attribute(2, address) + attribute(3, [length]))
  }

  private func difference(
    from current: DeviceState = DeviceState(), port: UInt16 = 0, mark: UInt32 = 0, _ peers: [DesiredPeer]
  ) throws -> DeviceDifference {
    DeviceDifference(
      from: current,
      to: DesiredDevice(
        privateKey: try #require(DeviceKey(bytes: one)), listenPort: port, firewallMark: mark, peers: peers))
  }

  @Test("a device with a peer, byte by byte")
  func vector() throws {
    let peer = DesiredPeer(
      publicKey: Base64.encode(two), presharedKey: DeviceKey(bytes: one), keepAlive: 25,
      allowedIPs: [try IPPrefix("10.1.2.3/16"), try IPPrefix("fd00::1/64")],
      endpoint: .write(try IPEndpoint("192.0.2.1:51820")))
    let messages = KernelDeviceMessage.set(
      try difference(port: 51820, mark: 0x20, [peer]), index: 7, family: 0x1C)
    try #require(messages.count == 1)
    #expect(messages[0].type == 0x1C)
    let allowed =
      // Host bits are masked.
      allowedIP(2, [10, 1, 0, 0], 16) + allowedIP(10, [0xFD] + [UInt8](repeating: 0, count: 15), 64)
    let expected: [UInt8] =
      [1, 1, 0, 0] + attribute(1, [7, 0, 0, 0]) + attribute(7, [0x20, 0, 0, 0]) + attribute(6, [0x6C, 0xCA])
      + attribute(3, one)
      + nested(
        8,
        nested(
          0,
          attribute(1, two) + attribute(3, [2, 0, 0, 0]) + attribute(2, one)
            + attribute(4, [2, 0, 0xCA, 0x6C, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]) + attribute(5, [25, 0])
            + nested(9, allowed)))
    #expect(Array(messages[0].body) == expected)
  }

  @Test("removals, updates and IPv6 endpoints, byte by byte")
  func steps() throws {
    let three = [UInt8](repeating: 3, count: 32)
    let current = DeviceState(
      privateKey: DeviceKey(bytes: one),
      peers: [
        DevicePeer(publicKey: Base64.encode(two), presharedKey: DeviceKey(bytes: one), keepAlive: 25),
        DevicePeer(publicKey: Base64.encode(three)),
      ])
    let peer = DesiredPeer(
      publicKey: Base64.encode(two), presharedKey: nil, keepAlive: 25, allowedIPs: [],
      endpoint: .write(try IPEndpoint("[2001:db8::1]:1")))
    let messages = KernelDeviceMessage.set(try difference(from: current, [peer]), index: 7, family: 0x1C)
    try #require(messages.count == 1)
    let address: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
    let update =
      attribute(1, two) + attribute(3, [4, 0, 0, 0]) + attribute(2, [UInt8](repeating: 0, count: 32))
      + attribute(4, [10, 0, 0, 1, 0, 0, 0, 0] + address + [0, 0, 0, 0])
    let expected: [UInt8] =
      [1, 1, 0, 0] + attribute(1, [7, 0, 0, 0])
      + nested(8, nested(0, attribute(1, three) + attribute(3, [1, 0, 0, 0])) + nested(0, update))
    #expect(Array(messages[0].body) == expected)
  }

  @Test("nothing but a port is one message without peers")
  func portAlone() throws {
    let current = DeviceState(privateKey: DeviceKey(bytes: one))
    let messages = KernelDeviceMessage.set(
      try difference(from: current, port: 1, []), index: 7, family: 0x1C)
    #expect(
      messages.map { Array($0.body) } == [[1, 1, 0, 0] + attribute(1, [7, 0, 0, 0]) + attribute(6, [1, 0])])
  }

  /// What a device would have after `messages`, by the header's rules; nil where one breaks them.
  private func simulate(_ messages: [NetlinkMessage]) -> [String: Set<IPPrefix>]? {
    var peers: [String: Set<IPPrefix>] = [:]
    for message in messages {
      for (type, value) in NetlinkAttributes.read(message.body.dropFirst(4)) where type == 8 {
        for (_, peer) in NetlinkAttributes.read(value) {
          let fields = Dictionary(
            uniqueKeysWithValues: NetlinkAttributes.read(peer).map { ($0.type, $0.value) })
          guard let key = fields[1].map({ Base64.encode($0) }),
            let flags = fields[3].flatMap({ Netlink.integer($0, at: 0, as: UInt32.self) })
          else { return nil }
          if flags & 1 != 0 {
            peers[key] = nil
            continue
          }
          if flags & 4 != 0, peers[key] == nil { continue }
          if flags & 2 != 0 || peers[key] == nil { peers[key] = [] }
          for (_, entry) in NetlinkAttributes.read(fields[9] ?? []) {
            let values = NetlinkAttributes.read(entry)
            guard values.count == 3, let address = IPAddress(bytes: values[1].value),
              let prefix = IPPrefix(address: address, length: Int(values[2].value.first ?? 255))
            else { return nil }
            peers[key]?.insert(prefix)
          }
        }
      }
    }
    return peers
  }

  @Test("more prefixes than an attribute's 65,535 bytes hold come in several messages, and none is lost")
  func manyPrefixes() throws {
    func prefixes(_ peer: Int, _ count: Int) -> [IPPrefix] {
      (0..<count).map { number in
        IPPrefix(
          host: number.isMultiple(of: 3)
            ? IPAddress(v6High: 0xFD00 << 48, low: UInt64(peer << 32 | number))
            : IPAddress(v4: UInt32(peer << 20 | number)))
      }
    }
    let peers = (1...40).map { peer in
      DesiredPeer(
        publicKey: Base64.encode([UInt8](repeating: UInt8(peer), count: 32)),
        presharedKey: DeviceKey(bytes: two),
        keepAlive: 25, allowedIPs: prefixes(peer, peer == 20 ? 6000 : peer * 20))
    }
    let messages = KernelDeviceMessage.set(try difference(port: 1, peers), index: 7, family: 0x1C)
    #expect(messages.count > 5)
    for message in messages {
      for attribute in NetlinkAttributes.read(message.body.dropFirst(4)) {
        #expect(attribute.value.count <= NetlinkAttributes.maximumValue)
      }
    }
    // The key and the port are in the first one alone.
    #expect(messages.map { NetlinkAttributes.read($0.body.dropFirst(4)).count { $0.type == 6 } }.max() == 1)
    let expected = Dictionary(uniqueKeysWithValues: peers.map { ($0.publicKey, Set($0.allowedIPs)) })
    #expect(simulate(messages) == expected)
    // Whatever the limit is.
    for limit in [0, 100, 300, 1000, 5000] {
      let few = try difference(Array(peers.prefix(4)))
      #expect(
        simulate(KernelDeviceMessage.set(few, index: 7, family: 0x1C, limit: limit))
          == expected.filter { key, _ in peers.prefix(4).contains { $0.publicKey == key } })
    }
  }

  @Test("an answer is read, and a peer that comes in pieces is one")
  func read() throws {
    let zero = [UInt8](repeating: 0, count: 32)
    let first =
      attribute(1, two) + attribute(2, zero)
      + attribute(
        4, [10, 0, 0xCA, 0x6C, 0, 0, 0, 0, 0xFD] + [UInt8](repeating: 0, count: 14) + [9, 0, 0, 0, 0])
      + attribute(5, [25, 0])
      + attribute(6, Netlink.bytes(Int64(1_800_000_000)) + Netlink.bytes(Int64(5)))
      + attribute(7, Netlink.bytes(UInt64(10))) + attribute(8, Netlink.bytes(UInt64.max))
      + nested(9, allowedIP(2, [10, 0, 0, 0], 8)) + attribute(10, [1, 0, 0, 0])
    let second = attribute(1, two) + nested(9, allowedIP(2, [11, 0, 0, 0], 8))
    let head: [UInt8] = [0, 1, 0, 0]
    let state = try KernelDeviceMessage.state([
      message(
        head + attribute(2, Array("wg0".utf8) + [0]) + attribute(3, one) + attribute(6, [1, 0])
          + attribute(7, [0x20, 0, 0, 0]) + nested(8, nested(0, first))),
      message(head + nested(8, nested(0, second) + nested(0, attribute(1, one)))),
    ])
    #expect(state.privateKey == DeviceKey(bytes: one))
    #expect(state.listenPort == 1)
    #expect(state.firewallMark == 0x20)
    #expect(state.peers.count == 2)
    #expect(
      state.peers[Base64.encode(two)]
        == DevicePeer(
          publicKey: Base64.encode(two), presharedKey: nil, endpoint: try IPEndpoint("[fd00::9]:51820"),
          lastHandshake: HandshakeTime(seconds: 1_800_000_000, nanoseconds: 5), receivedBytes: 10,
          sentBytes: .max, keepAlive: 25,
          allowedIPs: [try IPPrefix("10.0.0.0/8"), try IPPrefix("11.0.0.0/8")]))
  }

  private func message(_ body: [UInt8]) -> NetlinkMessage { NetlinkMessage(0x1C, head: body) }

  @Test("an answer that can't be is an error without its bytes")
  func malformed() {
    let bodies: [[UInt8]] = [
      attribute(3, [1, 2, 3]), attribute(6, [1]), nested(8, nested(0, attribute(1, [1]))),
      nested(8, nested(0, attribute(5, [25, 0]))),
      nested(8, nested(0, attribute(1, one) + nested(9, allowedIP(2, [10, 0, 0, 0], 33)))),
      nested(8, nested(0, attribute(1, one) + attribute(2, [0x73, 0x65, 0x63]))),
    ]
    for body in bodies {
      #expect {
        try KernelDeviceMessage.state([message([0, 1, 0, 0] + body)])
      } throws: { error in
        "\(error)" == "the kernel's answer about a WireGuard device can't be read"
      }
    }
  }

  @Test("the number of a family is read from its answer")
  func family() {
    var attributes = NetlinkAttributes()
    attributes.append(2, text: "wireguard")
    attributes.append(1, UInt16(0x1C))
    #expect(GenericFamily.number(NetlinkMessage(0x10, head: [1, 2, 0, 0], attributes)) == 0x1C)
    #expect(GenericFamily.number(NetlinkMessage(0x10, head: [1, 2, 0, 0])) == nil)
  }

  @Test("a family that the kernel hasn't is none, and no error")
  func noFamily() throws {
    #expect(try GenericFamily.number(of: "no-such-family", through: NetlinkSocket(Netlink.generic)) == nil)
    // Generic netlink's own.
    #expect(try GenericFamily.number(of: "nlctrl", through: NetlinkSocket(Netlink.generic)) == 0x10)
  }
}
