import ClusterModel
import KubeSpan
import KubeSpanTestSupport
import TestSupport
import Testing

/// A node with one peer or more, in simulated time.
private struct Mesh {
  var reconciler = MeshReconciler()
  var device = SimulatedDevice()
  var specs: [PeerSpec]
  var settings: MeshSettings
  var ranking = EndpointRanking()
  var ownAddressChanged = false
  var isComplete = true
  private(set) var last: MeshPass?

  init(_ endpoints: [String]..., lastGood: [NodeIdentity: IPEndpoint] = [:]) throws {
    reconciler = MeshReconciler(lastGood: lastGood)
    settings = MeshSettings(privateKey: try secretKey(1), presharedKey: try secretKey(2))
    specs = try endpoints.enumerated().map { number, endpoints in
      PeerSpec(
        nodeID: try NodeIdentity("n\(number)"), publicKey: publicKey(number),
        address: try IPAddress("fd00:0:0:2::\(number + 1)"),
        allowedIPs: try prefixes("10.0.0.\(number + 1)/32", "fd00:0:0:2::\(number + 1)/128"),
        endpoints: try endpoints.map { try IPEndpoint($0) }, label: "node-\(number)")
    }
  }

  /// One pass, now.
  @discardableResult
  mutating func pass() -> MeshPass {
    var input = MeshReconciler.Input(
      specs: specs, ranking: ranking, device: device.state, now: device.now, wallClock: device.wallClock,
      ownAddressChanged: ownAddressChanged)
    input.isComplete = isComplete
    let pass = reconciler.pass(input, settings)
    ownAddressChanged = false
    device.apply(pass.changes)
    last = pass
    return pass
  }

  /// Passes as they are due, until `condition` holds.
  ///
  /// - Returns: how long that took; nil: not within `limit`.
  mutating func run(
    within limit: Duration, until condition: (MeshPass) -> Bool
  ) -> Duration? {
    let start = device.now
    while device.now - start <= limit {
      let pass = pass()
      if condition(pass) { return device.now - start }
      #expect(pass.nextCheck > device.now)
      device.advance(to: pass.nextCheck)
    }
    return nil
  }

  mutating func run(for time: Duration) {
    let end = device.now + time
    while device.now < end { device.advance(to: min(end, pass().nextCheck)) }
  }

  var states: [PeerState] { last?.statuses.map(\.state) ?? [] }
}

@Suite("A mesh in simulated time")
struct MeshReconcilerTests {
  private let first = "10.0.0.1:51820"
  private let second = "172.16.0.1:51820"
  private let third = "203.0.113.1:51820"

  @Test("is up within a second where the first endpoint answers")
  func firstWorks() throws {
    var mesh = try Mesh([first])
    mesh.device.answering = [try IPEndpoint(first)]
    let pass = mesh.pass()
    #expect(pass.statuses.map(\.state) == [.unknown])
    #expect(pass.device.peers.map(\.endpoint) == [.reconnect(try IPEndpoint(first))])
    let time = try #require(mesh.run(within: .seconds(5)) { $0.statuses.allSatisfy { $0.state == .up } })
    #expect(time <= .seconds(1))
    #expect(mesh.last?.statuses.first?.trouble == nil)
    #expect(mesh.last?.lastGood == [try NodeIdentity("n0"): try IPEndpoint(first)])
  }

  @Test("is up within three seconds where only the third endpoint answers")
  func thirdWorks() throws {
    var mesh = try Mesh([first, second, third])
    mesh.device.answering = [try IPEndpoint(third)]
    let time = try #require(mesh.run(within: .seconds(10)) { $0.statuses.allSatisfy { $0.state == .up } })
    #expect(time <= .seconds(3))
  }

  @Test("gives an endpoint three round trips where that is more than a second")
  func slowPath() throws {
    var tracker = PeerTracker()
    let candidates = try [first, second].map { try IPEndpoint($0) }
    func reading(_ now: Int) -> PeerTracker.Reading {
      PeerTracker.Reading(
        peer: DevicePeer(publicKey: publicKey(1)), candidates: candidates, now: .milliseconds(now),
        wallClock: Timestamp(milliseconds: 0), roundTrip: .milliseconds(800))
    }
    #expect(tracker.advance(reading(0)) == .reconnect(candidates[0]))
    #expect(tracker.advance(reading(2399)) == .keep)
    #expect(tracker.advance(reading(2400)) == .reconnect(candidates[1]))
  }

  @Test("notices a dead path within 45 s, and is on the next endpoint within 3 s more", arguments: 0..<30)
  func deadPath(second offset: Int) throws {
    var mesh = try Mesh([first, second])
    mesh.device.answering = [try IPEndpoint(first), try IPEndpoint(second)]
    mesh.run(for: .seconds(200 + offset))
    #expect(mesh.states == [.up])
    mesh.device.answering = [try IPEndpoint(second)]
    let noticed = try #require(mesh.run(within: .seconds(100)) { $0.statuses.first?.state != .up })
    #expect(noticed <= .seconds(45))
    let moved = try #require(mesh.run(within: .seconds(100)) { $0.statuses.first?.state == .up })
    #expect(moved <= .seconds(3))
    #expect(mesh.last?.statuses.first?.endpoint == (try IPEndpoint(second)))
  }

  @Test("leaves a healthy peer alone for a day, and needs nothing written")
  func healthy() throws {
    var mesh = try Mesh([first, second])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(5))
    let received = try #require(mesh.last?.statuses.first?.receivedBytes)
    for _ in 0..<24 {
      for _ in 0..<360 {
        let pass = mesh.pass()
        #expect(pass.changes.isEmpty && pass.statuses.first?.state == .up)
        mesh.device.advance(to: pass.nextCheck)
      }
    }
    #expect(mesh.device.additions == [publicKey(0): 1])
    #expect(try #require(mesh.last?.statuses.first?.receivedBytes) > received)
  }

  @Test("never overwrites the endpoint of a peer that dialled in, and harvests it")
  func dialledIn() throws {
    var mesh = try Mesh([first, second])
    mesh.pass()
    mesh.device.advance(to: .milliseconds(100))
    let seen = try IPEndpoint("198.51.100.9:4444")
    mesh.device.dialIn(publicKey(0), from: seen)
    for _ in 0..<50 {
      let pass = mesh.pass()
      #expect(pass.changes.isEmpty)
      #expect(pass.statuses.first?.state == .up && pass.statuses.first?.endpoint == seen)
      #expect(pass.harvested.map(\.endpoint) == [seen])
      mesh.device.advance(to: pass.nextCheck)
    }
  }

  @Test("goes on harvesting an endpoint that is listed because it was harvested")
  func listedByHarvest() throws {
    var mesh = try Mesh([first])
    mesh.pass()
    mesh.device.advance(to: .milliseconds(100))
    let seen = try IPEndpoint("198.51.100.9:4444")
    mesh.device.dialIn(publicKey(0), from: seen)
    #expect(mesh.pass().harvested.map(\.endpoint) == [seen])
    let spec = mesh.specs[0]
    mesh.specs = [
      PeerSpec(
        nodeID: spec.nodeID, publicKey: spec.publicKey, address: spec.address, allowedIPs: spec.allowedIPs,
        endpoints: spec.endpoints + [seen], label: spec.label)
    ]
    mesh.device.advance(to: .milliseconds(200))
    #expect(mesh.pass().harvested.map(\.endpoint) == [seen])
    // Who has seen it in the list only harvests nothing.
    mesh.reconciler = MeshReconciler()
    mesh.device.advance(to: .milliseconds(300))
    #expect(mesh.pass().harvested.isEmpty)
  }

  @Test(
    "looks anew for another node with the key of one that is gone, though the device shows that one still")
  func successor() throws {
    var mesh = try Mesh([first])
    mesh.device.answering = [try IPEndpoint(first), try IPEndpoint(second)]
    mesh.run(for: .seconds(20))
    #expect(mesh.states == [.up])
    let spec = mesh.specs[0]
    mesh.specs = [
      PeerSpec(
        nodeID: try NodeIdentity("successor"), publicKey: spec.publicKey, address: spec.address,
        allowedIPs: spec.allowedIPs, endpoints: [try IPEndpoint(second)], label: "successor")
    ]
    let pass = mesh.pass()
    #expect(pass.device.peers.first?.endpoint == .reconnect(try IPEndpoint(second)))
    #expect(mesh.states == [.unknown])
    #expect(mesh.run(within: .seconds(1)) { $0.statuses.first?.state == .up } != nil)
  }

  @Test("looks anew for a peer whose key another node had too, which may be the one that the device shows")
  func endedDispute() throws {
    var mesh = try Mesh([first])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(5))
    mesh.device.dialIn(publicKey(0), from: try IPEndpoint(second))
    mesh.run(for: .seconds(1))
    #expect(mesh.last?.statuses.first?.endpoint == (try IPEndpoint(second)))
    mesh.reconciler.endDispute(of: publicKey(0))
    mesh.run(for: .seconds(3))
    #expect(mesh.states == [.up])
    #expect(mesh.last?.statuses.first?.endpoint == (try IPEndpoint(first)))
  }

  @Test("leaves the peers that a device has from before alone until all peers are known")
  func incomplete() throws {
    var mesh = try Mesh([first], [second])
    mesh.run(for: .seconds(5))
    let specs = mesh.specs
    mesh.reconciler = MeshReconciler()
    (mesh.specs, mesh.isComplete) = ([], false)
    #expect(mesh.pass().changes.isEmpty)
    #expect(mesh.device.state.peers.count == 2)
    mesh.device.advance(to: .seconds(6))
    (mesh.specs, mesh.isComplete) = ([specs[0]], true)
    mesh.pass()
    #expect(Set(mesh.device.state.peers.keys) == [publicKey(0)])
  }

  @Test("takes a peer without endpoints up when it dials in, and says before that there are none")
  func noEndpoints() throws {
    var mesh = try Mesh([])
    mesh.run(for: .seconds(60))
    #expect(mesh.states == [.unknown])
    #expect(mesh.last?.statuses.first?.trouble == .noEndpoints)
    mesh.device.dialIn(publicKey(0), from: try IPEndpoint("198.51.100.9:4444"))
    #expect(mesh.run(within: .seconds(11)) { $0.statuses.first?.state == .up } != nil)
    #expect(mesh.last?.statuses.first?.lastUsedEndpoint == nil)
  }

  @Test("tries the last good endpoint first after a restart, though it isn't listed")
  func lastGood() throws {
    let good = try IPEndpoint("198.51.100.9:4444")
    var mesh = try Mesh([first, second], lastGood: [try NodeIdentity("n0"): good])
    #expect(mesh.pass().device.peers.first?.endpoint == .reconnect(good))
    let empty = try Mesh()
    var other = empty
    other.reconciler = MeshReconciler(lastGood: [try NodeIdentity("n0"): good])
    #expect(other.pass().lastGood == [try NodeIdentity("n0"): good])
    mesh.specs = []
    #expect(mesh.pass().lastGood.isEmpty)
  }

  @Test("adopts the peers of a device that was left behind without touching them")
  func reclaimed() throws {
    var mesh = try Mesh([first, second])
    mesh.device.answering = [try IPEndpoint(second)]
    mesh.run(for: .seconds(100))
    mesh.reconciler = MeshReconciler()
    for _ in 0..<20 {
      let pass = mesh.pass()
      #expect(pass.changes.isEmpty && pass.statuses.first?.state == .up)
      mesh.device.advance(to: pass.nextCheck)
    }
  }

  @Test("shows a peer that nobody answers for as down after 15 s, and tries ever more rarely")
  func down() throws {
    var mesh = try Mesh([first, second])
    mesh.run(for: .seconds(14))
    #expect(mesh.states == [.unknown])
    mesh.run(for: .seconds(3))
    #expect(mesh.states == [.down])
    guard case .noAnswer(let tried, let since) = mesh.last?.statuses.first?.trouble else {
      Issue.record("\(String(describing: mesh.last?.statuses))")
      return
    }
    #expect(try tried == [IPEndpoint(first), IPEndpoint(second)])
    #expect(since.milliseconds == 1_800_000_000_000)
    mesh.run(for: .seconds(3600))
    let before = try #require(mesh.device.additions[publicKey(0)])
    mesh.run(for: .seconds(3600))
    #expect(try #require(mesh.device.additions[publicKey(0)]) - before <= 3600 / 16 + 1)
  }

  @Test("tries a new endpoint of a peer that is down within a second")
  func newEndpoint() throws {
    var mesh = try Mesh([first, second])
    mesh.run(for: .seconds(300))
    mesh.device.answering = [try IPEndpoint(third)]
    mesh.specs[0] = PeerSpec(
      nodeID: mesh.specs[0].nodeID, publicKey: mesh.specs[0].publicKey, address: mesh.specs[0].address,
      allowedIPs: mesh.specs[0].allowedIPs, endpoints: mesh.specs[0].endpoints + [try IPEndpoint(third)],
      label: "renamed")
    let time = try #require(mesh.run(within: .seconds(5)) { $0.statuses.first?.state == .up })
    #expect(time <= .seconds(2))
    #expect(mesh.last?.statuses.first?.label == "renamed")
  }

  @Test("writes the endpoints of peers that are up again when an own address changed")
  func ownAddress() throws {
    var mesh = try Mesh([first], [second])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(30))
    mesh.ownAddressChanged = true
    let pass = mesh.pass()
    #expect(
      pass.device.peers.map(\.endpoint) == [
        .write(try IPEndpoint(first)), .reconnect(try IPEndpoint(second)),
      ])
    #expect(mesh.device.additions[publicKey(0)] == 1)
    #expect(mesh.pass().changes.isEmpty)
  }

  @Test("takes no notice of a clock that is set while tunnels work", arguments: [-3600, 7200])
  func clockSet(seconds: Int) throws {
    var mesh = try Mesh([first])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(30))
    mesh.device.clockOffset = .seconds(seconds)
    for _ in 0..<60 {
      let pass = mesh.pass()
      #expect(pass.changes.isEmpty && pass.statuses.first?.state == .up)
      mesh.device.advance(to: pass.nextCheck)
    }
  }

  @Test("says that the own clock is behind the last handshake where nothing answers because of that")
  func clockBehind() throws {
    var mesh = try Mesh([first])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(30))
    let handshake = try #require(mesh.last?.statuses.first?.lastHandshake?.timestamp)
    mesh.device.clockOffset = .seconds(-3600)
    mesh.device.answering = []
    mesh.run(for: .seconds(60))
    #expect(mesh.last?.statuses.first?.trouble == .clockBehind(latestHandshake: handshake))
  }

  @Test("adds a peer again that somebody removed from the device, where it was last")
  func removed() throws {
    var mesh = try Mesh([first, second])
    mesh.device.answering = [try IPEndpoint(second)]
    mesh.run(for: .seconds(30))
    var none = try #require(mesh.last?.device)
    none.peers = []
    mesh.device.apply(DeviceDifference(from: mesh.device.state, to: none))
    mesh.device.advance(to: mesh.device.now + .seconds(1))
    let pass = mesh.pass()
    #expect(pass.device.peers.map(\.endpoint) == [.reconnect(try IPEndpoint(second))])
    #expect(pass.statuses.map(\.state) == [.unknown])
    let time = try #require(mesh.run(within: .seconds(5)) { $0.statuses.first?.state == .up })
    #expect(time <= .seconds(1))
  }

  @Test("goes on with the same endpoint while the device isn't there")
  func noDevice() throws {
    var tracker = PeerTracker()
    let candidates = try [first, second].map { try IPEndpoint($0) }
    for pass in 1...20 {
      let reading = PeerTracker.Reading(
        peer: nil, candidates: candidates, now: .milliseconds(100 * pass),
        wallClock: Timestamp(milliseconds: 0))
      #expect(tracker.advance(reading) == .reconnect(candidates[0]))
    }
    #expect(tracker.endpointChanges == 1)
  }

  @Test("counts bytes on where a peer was removed and added")
  func totals() throws {
    var mesh = try Mesh([first, second])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(100))
    var before = try #require(mesh.last?.statuses.first)
    mesh.device.answering = [try IPEndpoint(second)]
    for _ in 0..<100 {
      let pass = mesh.pass()
      let status = try #require(pass.statuses.first)
      #expect(status.receivedBytes >= before.receivedBytes && status.sentBytes >= before.sentBytes)
      before = status
      mesh.device.advance(to: pass.nextCheck)
    }
    #expect(before.endpoint == (try IPEndpoint(second)))
    #expect(try #require(mesh.device.additions[publicKey(0)]) > 1)
  }

  @Test("counts all bytes of a peer that was added anew, though its counter is past the old one already")
  func pastOldCounter() throws {
    var tracker = PeerTracker()
    let candidates = [try IPEndpoint(first)]
    func reading(_ milliseconds: Int, sent: UInt64) -> PeerTracker.Reading {
      PeerTracker.Reading(
        peer: DevicePeer(publicKey: publicKey(1), endpoint: candidates[0], sentBytes: sent),
        candidates: candidates, now: .milliseconds(milliseconds), wallClock: Timestamp(milliseconds: 0))
    }
    #expect(tracker.advance(reading(1, sent: 148)) == .reconnect(candidates[0]))
    #expect(tracker.advance(reading(500, sent: 296)) == .keep)
    #expect(tracker.sentBytes == 148 + 296)
    #expect(tracker.advance(reading(600, sent: 444)) == .keep)
    #expect(tracker.sentBytes == 148 + 444)
  }

  @Test("keeps the marked set whole while a peer is down, and leaves the peer out with bypass")
  func bypass() throws {
    var mesh = try Mesh([first], [second])
    mesh.device.answering = [try IPEndpoint(first)]
    mesh.run(for: .seconds(30))
    #expect(mesh.pass().marked.v4 == (try prefixes("10.0.0.1/32", "10.0.0.2/32")))
    mesh.settings.allowsBypass = true
    #expect(mesh.pass().marked.v4 == (try prefixes("10.0.0.1/32")))
    #expect(mesh.pass().marked.v6.isEmpty)
  }

  @Test("says which endpoints aren't tried")
  func refused() throws {
    var mesh = try Mesh([first, "[fe80::1]:51820"])
    mesh.ranking.filter = try AddressFilter(["172.16.0.0/12"])
    let status = try #require(mesh.pass().statuses.first)
    #expect(status.trouble == .noEndpoints)
    #expect(
      status.refused == [try IPEndpoint(first): .filtered, try IPEndpoint("[fe80::1]:51820"): .unusable])
  }

  @Test("comes to rest with every peer that answers up, whatever happens, in any order", arguments: 1...10)
  func property(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var mesh = try Mesh()
    for _ in 0..<10 {
      let plan = PeerPlan(
        affiliates: try RandomAffiliates.make(8, &generator),
        local: PeerPlan.LocalPeer(nodeID: try NodeIdentity("L")))
      mesh.specs = plan.specs.shuffled(using: &generator)
      let all = plan.specs.flatMap(\.endpoints)
      mesh.device.answering = Set(all.filter { _ in Bool.random(using: &generator) })
      // Long enough for a path that died, and for three endpoints in the rarest rhythm.
      mesh.run(for: .seconds(160))
      for (spec, status) in zip(plan.specs, try #require(mesh.last).statuses) {
        #expect(spec.nodeID == status.nodeID)
        let answers = spec.endpoints.contains(where: mesh.device.answering.contains)
        if answers { #expect(status.state == .up, "\(spec.nodeID) \(seed)") }
        #expect((status.state == .up) == (status.trouble == nil))
      }
      var copy = mesh.reconciler
      let input = MeshReconciler.Input(
        specs: plan.specs, ranking: mesh.ranking, device: mesh.device.state, now: mesh.device.now,
        wallClock: mesh.device.wallClock)
      var shuffled = input
      shuffled.specs.shuffle(using: &generator)
      var other = mesh.reconciler
      #expect(copy.pass(input, mesh.settings) == other.pass(shuffled, mesh.settings))
    }
  }
}
