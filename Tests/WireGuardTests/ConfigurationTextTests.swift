import ClusterModel
import KubeSpan
import Platform
import Testing

@testable import WireGuard

@Suite("The text that userspace devices understand")
struct ConfigurationTextTests {
  private let one = [UInt8](repeating: 0x1A, count: 32)
  private let two = [UInt8](repeating: 2, count: 32)
  private let oneText = String(repeating: "1a", count: 32)
  private let twoText = String(repeating: "02", count: 32)

  private func state(_ text: String) throws -> DeviceState {
    try ConfigurationText.state(Array(text.utf8)[...])
  }

  @Test("a device is configured: all of a new peer, of others only what differs, what is removed first")
  func set() throws {
    let three = [UInt8](repeating: 3, count: 32)
    let current = DeviceState(
      peers: [
        DevicePeer(publicKey: Base64.encode(two), presharedKey: DeviceKey(bytes: one), keepAlive: 1),
        DevicePeer(publicKey: Base64.encode(three)),
      ])
    let desired = DesiredDevice(
      privateKey: try #require(DeviceKey(bytes: one)), listenPort: 51820, firewallMark: 0x20,
      peers: [
        DesiredPeer(
          publicKey: Base64.encode(one), presharedKey: DeviceKey(bytes: two), keepAlive: 25,
          allowedIPs: [try IPPrefix("10.1.2.3/16"), try IPPrefix("fd00::1/64")],
          endpoint: .write(try IPEndpoint("[2001:db8::1]:51820"))),
        DesiredPeer(publicKey: Base64.encode(two), presharedKey: nil, keepAlive: 1, allowedIPs: []),
      ])
    #expect(
      ConfigurationText.set(DeviceDifference(from: current, to: desired)) == """
        set=1
        private_key=\(oneText)
        fwmark=32
        listen_port=51820
        public_key=\(String(repeating: "03", count: 32))
        remove=true
        public_key=\(twoText)
        update_only=true
        preshared_key=\(String(repeating: "0", count: 64))
        public_key=\(oneText)
        preshared_key=\(twoText)
        endpoint=[2001:db8::1]:51820
        persistent_keepalive_interval=25
        replace_allowed_ips=true
        allowed_ip=10.1.0.0/16
        allowed_ip=fd00::/64


        """)
  }

  @Test("an answer is read, lines of unknown keys passed over")
  func read() throws {
    let state = try state(
      """
      private_key=\(oneText)
      listen_port=51820
      fwmark=32
      public_key=\(twoText)
      preshared_key=\(String(repeating: "0", count: 64))
      protocol_version=1
      endpoint=[fe80::1%eth0]:51820
      last_handshake_time_sec=1800000000
      last_handshake_time_nsec=7
      tx_bytes=148
      rx_bytes=32
      persistent_keepalive_interval=25
      allowed_ip=10.0.0.0/8
      allowed_ip=fd00::/64
      public_key=\(oneText)
      last_handshake_time_sec=0
      last_handshake_time_nsec=0
      something_new=x=y
      errno=0


      """)
    #expect(state.privateKey == DeviceKey(bytes: one))
    #expect(state.listenPort == 51820)
    #expect(state.firewallMark == 32)
    #expect(
      state.peers[Base64.encode(two)]
        == DevicePeer(
          publicKey: Base64.encode(two), presharedKey: nil, endpoint: try IPEndpoint("[fe80::1]:51820"),
          lastHandshake: HandshakeTime(seconds: 1_800_000_000, nanoseconds: 7), receivedBytes: 32,
          sentBytes: 148,
          keepAlive: 25, allowedIPs: [try IPPrefix("10.0.0.0/8"), try IPPrefix("fd00::/64")]))
    #expect(state.peers[Base64.encode(one)]?.lastHandshake == nil)
  }

  @Test(
    "an answer that can't be is an error that names the key and never the value",
    arguments: [
      "private_key=5ec5e7", "public_key=5ec5e7", "listen_port=5ec5e7", "listen_port=70000", "fwmark=-5ec5e7",
      "preshared_key=\(String(repeating: "5ec5e7aa", count: 8))", "allowed_ip=5ec5e7",
      "5ec5e7", "private_key=\(String(repeating: "5ec5e7", count: 100))",
      "public_key=\(String(repeating: "02", count: 32))\npreshared_key=5ec5e7",
      "public_key=\(String(repeating: "02", count: 32))\nallowed_ip=5ec5e7/33",
      "public_key=\(String(repeating: "02", count: 32))\nendpoint=5ec5e7:1",
      "private_key=\(String(repeating: "+1", count: 32))",
    ])
  func malformed(answer: String) {
    #expect {
      try state("\(answer)\nerrno=0\n\n")
    } throws: { error in
      !"\(error)".contains("5ec5e7") && (error as? DeviceError)?.code == .failed
    }
  }

  @Test("the number at the end says whether all went well")
  func errorNumber() throws {
    #expect(try ConfigurationText.errorNumber(Array("errno=0\n\n".utf8)[...]) == 0)
    #expect(try ConfigurationText.errorNumber(Array("errno=-98\n\n".utf8)[...]) == -98)
    #expect(throws: DeviceError.self) { try ConfigurationText.errorNumber([0x0A, 0x0A]) }
    #expect(throws: DeviceError.self) { try state("errno=-22\n\n") }
    #expect(ConfigurationText.isWhole(Array("errno=0\n\n".utf8)))
    #expect(!ConfigurationText.isWhole(Array("errno=0\n".utf8)))
    #expect(!ConfigurationText.isWhole([]))
  }

  @Test("what is configured and read again is the same, for many")
  func many() throws {
    let peers = (0..<200).map { number in
      var bytes = two
      bytes[0] = UInt8(number)
      let prefixes = (0..<20).map { IPPrefix(host: IPAddress(v4: UInt32(number * 20 + $0))) }
      let endpoint = IPEndpoint(address: IPAddress(v4: UInt32(number)), port: 51820)
      return DesiredPeer(
        publicKey: Base64.encode(bytes), presharedKey: DeviceKey(bytes: two), keepAlive: 25,
        allowedIPs: prefixes,
        endpoint: .write(endpoint))
    }
    let desired = DesiredDevice(
      privateKey: try #require(DeviceKey(bytes: one)), listenPort: 51820, firewallMark: 32, peers: peers)
    let text = ConfigurationText.set(DeviceDifference(from: DeviceState(), to: desired))
    // A device answers with the lines that it was given.
    let answer = text.dropFirst("set=1\n".count).replacing("replace_allowed_ips=true\n", with: "")
    let state = try state(String(answer))
    #expect(DeviceDifference(from: state, to: desired).steps.count == 200)
    #expect(state.peers.count == 200)
    #expect(Set(state.peers.values.flatMap(\.allowedIPs)).count == 4000)
    var kept = desired
    for index in kept.peers.indices { kept.peers[index].endpoint = .keep }
    #expect(DeviceDifference(from: state, to: kept).isEmpty)
  }
}
