import ClusterModel
import Testing

@testable import Rollcall

@Suite("Messages of the kernel")
struct RouteMessageTests {
  private func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

  private func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    return bytes(UInt16(4 + value.count)) + bytes(type) + value + padding
  }

  private func message(_ type: UInt16, flags: UInt16 = 2, sequence: UInt32 = 7, _ body: [UInt8]) -> [UInt8] {
    bytes(UInt32(16 + body.count)) + bytes(type) + bytes(flags) + bytes(sequence) + bytes(UInt32(0)) + body
  }

  private func address(_ text: String, flags: UInt8 = 0x80, scope: UInt8 = 0, more: [UInt8] = []) throws
    -> [UInt8]
  {
    let address = try IPAddress(text)
    return message(
      RouteMessage.newAddress,
      [address.family == .v4 ? 2 : 10, 24, flags, scope] + bytes(UInt32(3)) + attribute(1, address.bytes)
        + more)
  }

  private func read(_ datagram: [UInt8]) -> (RouteMessage.Progress, NetworkState) {
    var state = NetworkState()
    let progress = RouteMessage.read(datagram[...], sequence: 7, into: &state)
    return (progress, state)
  }

  @Test("interfaces with their kind, state and master")
  func interfaces() {
    let head: [UInt8] = [0, 0, 1, 0] + bytes(UInt32(4)) + bytes(UInt32(0x1003)) + bytes(UInt32(0))
    let name = attribute(3, Array("lanbridge".utf8) + [0]) + attribute(1, [2, 0, 0, 0, 0, 7])
    let kind = attribute(18 | 0x8000, attribute(1, Array("bridge".utf8) + [0]))
    let (progress, state) = read(
      message(RouteMessage.newLink, head + name + attribute(10, bytes(UInt32(9))) + kind)
        + message(RouteMessage.done, bytes(UInt32(0))))
    #expect(progress == .done)
    #expect(
      state.interfaces == [
        NetworkInterface(
          index: 4, name: "lanbridge", kind: "bridge", isUp: true, master: 9, isEthernet: true,
          hardwareAddress: [2, 0, 0, 0, 0, 7])
      ])
  }

  @Test("addresses with their flags; the wider flags of an attribute count before the narrow ones")
  func addresses() throws {
    let (progress, state) = read(
      try address("10.0.0.2", flags: 0x81) + address("fd00::2", flags: 0x01)
        + address("fd00::3", flags: 0x00, more: attribute(8, bytes(UInt32(0x120))))
        + address("fe80::3", flags: 0x40, scope: 253))
    #expect(progress == .more)
    #expect(state.addresses.map(\.address.description) == ["10.0.0.2", "fd00::2", "fd00::3", "fe80::3"])
    // A second IPv4 address is an address like others.
    #expect(state.addresses.map(\.isTemporary) == [false, true, false, false])
    #expect(state.addresses.map(\.isDeprecated) == [false, false, true, false])
    #expect(state.addresses.map(\.isUnusable) == [false, false, false, true])
    #expect(state.addresses.map(\.scope) == [.global, .global, .global, .link])
    #expect(state.addresses.map(\.prefixLength) == [24, 24, 24, 24])
  }

  @Test("on a point-to-point link the local end is ours")
  func pointToPoint() throws {
    let (_, state) = read(try address("10.0.0.1", more: attribute(2, IPAddress("10.0.0.2").bytes)))
    #expect(state.addresses.map(\.address.description) == ["10.0.0.2"])
  }

  @Test("refusals and interruptions are told; answers to others aren't ours")
  func progress() throws {
    #expect(read(message(RouteMessage.error, bytes(Int32(-1)))).0 == .refused(1))
    #expect(read(message(RouteMessage.done, bytes(Int32(-16)))).0 == .refused(16))
    #expect(read(message(RouteMessage.error, bytes(Int32.min))).0 == .refused(.min))
    let (progress, state) = read(message(RouteMessage.done, sequence: 6, []))
    #expect(progress == .more)
    #expect(state == NetworkState())
  }

  @Test("an answer that a change interrupted is read to its end, as nothing may be asked before that")
  func interrupted() throws {
    let cut = message(RouteMessage.newAddress, flags: 0x12, [])
    var state = NetworkState()
    #expect(RouteMessage.read(cut[...], sequence: 7, into: &state) == .more)
    let rest = try address("10.0.0.2") + message(RouteMessage.done, [])
    #expect(RouteMessage.read(rest[...], sequence: 7, into: &state) == .interrupted)
  }

  @Test("every cut and every changed byte of a datagram is survived")
  func garbage() throws {
    let whole = try address("fd00::2") + address("10.0.0.2") + message(RouteMessage.done, [])
    for length in 0..<whole.count { _ = read(Array(whole[..<length])) }
    for index in whole.indices {
      for value: UInt8 in [0, 1, 3, 0x7F, 0xFF] {
        var changed = whole
        changed[index] = value
        _ = read(changed)
      }
    }
  }
}
