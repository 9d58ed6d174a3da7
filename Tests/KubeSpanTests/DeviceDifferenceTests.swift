import ClusterModel
import KubeSpan
import KubeSpanTestSupport
import TestSupport
import Testing

@Suite("The difference of a device")
struct DeviceDifferenceTests {
  private func desired(_ peers: [DesiredPeer], port: UInt16 = 51820) throws -> DesiredDevice {
    DesiredDevice(privateKey: try secretKey(1), listenPort: port, firewallMark: 0x20, peers: peers)
  }

  private func peer(
    _ number: Int, _ allowedIPs: [IPPrefix], _ endpoint: DesiredEndpoint = .keep
  ) throws -> DesiredPeer {
    DesiredPeer(
      publicKey: publicKey(number), presharedKey: try secretKey(2), keepAlive: 25, allowedIPs: allowedIPs,
      endpoint: endpoint)
  }

  @Test("to what it is already is empty")
  func same() throws {
    var device = SimulatedDevice()
    let wanted = try desired([try peer(1, try prefixes("10.0.0.1/32", "10.1.0.0/24"))])
    device.apply(DeviceDifference(from: device.state, to: wanted))
    var present = device.state
    present.peers[publicKey(1)]?.endpoint = try IPEndpoint("192.0.2.1:1")
    present.peers[publicKey(1)]?.allowedIPs.reverse()
    #expect(DeviceDifference(from: present, to: wanted).isEmpty)
    present.listenPort = 4000
    #expect(DeviceDifference(from: present, to: try desired(wanted.peers, port: 0)).isEmpty)
    #expect(DeviceDifference(from: present, to: wanted).listenPort == 51820)
  }

  @Test("sends of a changed peer only what differs")
  func onlyChanges() throws {
    var device = SimulatedDevice()
    device.apply(
      DeviceDifference(
        from: device.state, to: try desired([try peer(1, try prefixes("10.0.0.1/32")), try peer(2, [])])))
    let endpoint = try IPEndpoint("192.0.2.1:51820")
    let changes = DeviceDifference(
      from: device.state,
      to: try desired([try peer(1, try prefixes("10.0.0.2/32")), try peer(2, [], .write(endpoint))]))
    var (first, second) = (
      DeviceDifference.PeerUpdate(publicKey: publicKey(1)),
      DeviceDifference.PeerUpdate(publicKey: publicKey(2))
    )
    first.allowedIPs = try prefixes("10.0.0.2/32")
    second.endpoint = endpoint
    #expect(changes.steps == [.update(first), .update(second)])
    #expect(changes.privateKey == nil && changes.listenPort == nil && changes.firewallMark == nil)
  }

  @Test("takes a prefix away before it gives it to another peer")
  func movesInOrder() throws {
    let (left, right) = (try prefixes("10.0.0.1/32"), try prefixes("10.0.0.1/32", "10.0.0.2/32"))
    var device = SimulatedDevice()
    device.apply(
      DeviceDifference(from: device.state, to: try desired([try peer(1, []), try peer(2, right)])))
    let changes = DeviceDifference(
      from: device.state, to: try desired([try peer(1, left), try peer(2, try prefixes("10.0.0.2/32"))]))
    let keys = changes.steps.compactMap { step -> String? in
      if case .update(let update) = step { update.publicKey } else { nil }
    }
    #expect(keys == [publicKey(2), publicKey(1)])
  }

  @Test("removes and adds a peer that is to connect anew, and adds one that isn't there")
  func reconnect() throws {
    let endpoint = try IPEndpoint("192.0.2.1:51820")
    let wanted = try peer(1, try prefixes("10.0.0.1/32"), .reconnect(endpoint))
    let fresh = DeviceDifference(from: DeviceState(), to: try desired([wanted]))
    #expect(fresh.steps == [.add(wanted)])
    var device = SimulatedDevice()
    device.apply(fresh)
    let again = DeviceDifference(from: device.state, to: try desired([wanted]))
    #expect(again.steps == [.remove(publicKey: publicKey(1)), .add(wanted)])
  }

  @Test("is read from a peer that an answer has in several parts")
  func continued() throws {
    let state = DeviceState(peers: [
      DevicePeer(publicKey: "a", receivedBytes: 7, allowedIPs: try prefixes("10.0.0.1/32")),
      DevicePeer(publicKey: "b"), DevicePeer(publicKey: "a", allowedIPs: try prefixes("10.0.0.2/32")),
    ])
    #expect(state.peers.count == 2)
    #expect(state.peers["a"]?.allowedIPs == (try prefixes("10.0.0.1/32", "10.0.0.2/32")))
    #expect(state.peers["a"]?.receivedBytes == 7)
  }

  @Test("never shows a key")
  func secrets() throws {
    let key = try secretKey(0x5A)
    var text = ""
    dump(try desired([try peer(1, [])]), to: &text)
    dump(key, to: &text)
    text += "\(key) \(String(reflecting: key)) \(DeviceState(privateKey: key))"
    #expect(!text.contains("90") && !text.lowercased().contains("5a"))
  }

  @Test("gives the wanted device from any other one, and then nothing", arguments: 1...40)
  func property(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var device = SimulatedDevice()
    for _ in 0..<20 {
      let affiliates = try RandomAffiliates.make(10, &generator)
      let plan = PeerPlan(
        affiliates: affiliates, local: PeerPlan.LocalPeer(nodeID: try NodeIdentity("L")))
      let peers = try plan.specs.map { spec in
        let endpoint: DesiredEndpoint =
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: spec.endpoints.first.map { .write($0) } ?? .keep
          case 1: spec.endpoints.first.map { .reconnect($0) } ?? .keep
          default: .keep
          }
        return DesiredPeer(
          publicKey: spec.publicKey, presharedKey: Bool.random(using: &generator) ? try secretKey(2) : nil,
          keepAlive: Bool.random(using: &generator) ? 25 : 0, allowedIPs: spec.allowedIPs, endpoint: endpoint)
      }
      let wanted = try desired(peers)
      let changes = DeviceDifference(from: device.state, to: wanted)
      #expect(
        DeviceDifference(from: device.state, to: try desired(peers.shuffled(using: &generator))) == changes)
      device.apply(changes)
      #expect(device.state.privateKey == wanted.privateKey && device.state.firewallMark == 0x20)
      #expect(Set(device.state.peers.keys) == Set(peers.map(\.publicKey)))
      for peer in peers {
        let present = try #require(device.state.peers[peer.publicKey])
        #expect(Set(present.allowedIPs) == Set(peer.allowedIPs))
        #expect(present.presharedKey == peer.presharedKey && present.keepAlive == peer.keepAlive)
        if let endpoint = peer.endpoint.endpoint { #expect(present.endpoint == endpoint) }
      }
      let settled = peers.map { peer in
        var peer = peer
        peer.endpoint = .keep
        return peer
      }
      #expect(DeviceDifference(from: device.state, to: try desired(settled)).isEmpty)
    }
  }
}
