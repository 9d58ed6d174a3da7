import ClusterModel
import KubeSpan
import KubeSpanTestSupport
import Mesh
import Platform
import Rollcall
import Synchronization
import TestSupport
import Testing

/// A node's mesh over a simulated machine, pass by pass.
private final class Bench: Sendable {
  let machine: SimulatedMachine
  let reports = MeshReports()
  let amendment = LocalAmendment()
  let logs = LogRecorder()
  let service: MeshService
  let harvests: Harvests
  /// The mesh with all its defaults.
  let definition: MeshService.Definition
  private let elapsed: Elapsed

  init(
    _ settings: KubeSpanSettings? = KubeSpanSettings(), folder: String? = nil,
    keyFailure: String? = nil, addresses: [String] = ["192.0.2.1/24"]
  ) throws {
    let machine = SimulatedMachine(addresses: addresses)
    let (elapsed, harvests) = (Elapsed(), Harvests())
    (self.machine, self.elapsed, self.harvests) = (machine, elapsed, harvests)
    let secret = try #require(DeviceKey(bytes: Array(repeating: 7, count: 32)))
    definition = .init(clusterID: "a-cluster", secret: secret)
    let keys = MeshIdentityFile.Keys(privateKey: secret, publicKey: key(0), warning: nil)
    service = MeshService(
      try NodeIdentity("me"), settings.map { .init(clusterID: "a-cluster", secret: secret, settings: $0) },
      keys: { _ in
        if let keyFailure { throw MeshError(keyFailure) }
        return keys
      }, machine: machine,
      outlets: .init(
        reports: reports, amendment: amendment, harvest: { harvests.take($0) },
        lastGood: folder.map(LastGoodEndpoints.init(folder:))),
      time: TimeSource(reading: { elapsed.now }), logger: logs.logger)
  }

  /// A pass, after so long.
  @discardableResult
  func pass(after pause: Duration = .milliseconds(1)) async -> MeshReport? {
    elapsed.move(by: pause)
    machine.state.withLock { [now = elapsed.now] in $0.device.advance(to: now) }
    _ = await service.pass()
    return reports.current
  }

  /// Passes every quarter of a second for so long.
  func run(for time: Duration) async {
    for _ in 0..<Int(time / .milliseconds(250)) { await pass(after: .milliseconds(250)) }
  }

  /// What this node says of itself.
  func ownRecord() throws -> AffiliateRecord {
    LocalNodeProvider(
      nodeID: try NodeIdentity("me"),
      settings: NodeSettings(hostname: "me", addresses: [try IPAddress("192.0.2.1")]),
      facts: { _ in NodeFacts() }, pulses: { AsyncStream { $0.finish() } }, amendment: amendment
    ).current()
  }
}

private final class Elapsed: Sendable {
  private let time = Mutex(Duration.zero)
  var now: Duration { time.withLock { $0 } }
  func move(by duration: Duration) { time.withLock { $0 += duration } }
}

private final class Harvests: Sendable {
  private let all = Mutex<[[NodeIdentity: [IPEndpoint]]]>([])
  var count: Int { all.withLock { $0.count } }
  var last: [NodeIdentity: [IPEndpoint]]? { all.withLock { $0.last } }
  func take(_ harvest: [NodeIdentity: [IPEndpoint]]) { all.withLock { $0.append(harvest) } }
}

/// A public key of its own for each number.
private func key(_ number: UInt8) -> String {
  Base64.encode([UInt8](repeating: number &+ 1, count: 32))
}

private func peer(
  _ name: String, _ number: UInt8, address: String, endpoints: [String] = []
) throws -> Affiliate {
  var affiliate = Affiliate(
    nodeID: try NodeIdentity(name), addresses: [try IPAddress(address)], hostname: name, nodename: name)
  affiliate.kubeSpan = KubeSpanAffiliate(
    publicKey: key(number), address: try IPAddress("fd00:0:0:200::\(number)"),
    endpoints: try endpoints.map { try IPEndpoint($0) })
  return affiliate
}

private func world(_ affiliates: Affiliate...) -> MeshWorld {
  var world = MeshWorld()
  world.affiliates = affiliates
  return world
}

@Suite("The mesh's service")
struct MeshServiceTests {
  private let endpoint = "198.51.100.2:51820"
  private let answering: IPEndpoint
  private let elsewhere: IPEndpoint
  private let moved: IPEndpoint

  init() throws {
    answering = try IPEndpoint(endpoint)
    elsewhere = try IPEndpoint("203.0.113.50:4242")
    moved = try IPEndpoint("203.0.113.50:4243")
  }

  @Test("gives the device each peer with the cluster's secret, and marks its addresses")
  func configures() async throws {
    let bench = try Bench()
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    let report = try #require(await bench.pass())
    let device = bench.machine.state.withLock { $0.device.state }
    let configured = try #require(device.peers[key(1)])
    #expect(configured.presharedKey == DeviceKey(bytes: Array(repeating: 7, count: 32)))
    #expect(configured.keepAlive == 25)
    #expect(configured.endpoint == (try IPEndpoint(endpoint)))
    #expect(
      configured.allowedIPs.map(\.description) == ["10.0.0.1/32", "fd00:0:0:200::1/128"])
    #expect((device.listenPort, device.firewallMark) == (51820, 0x20))
    #expect(bench.machine.state.withLock { $0.marked?.v4.map(\.description) } == ["10.0.0.1/32"])
    #expect(report.problem == nil)
    #expect(report.statuses.map(\.state) == [.unknown])
    #expect(report.device?.interface == "kubespan")
  }

  @Test("sees a peer up once its endpoint answers, and says since when")
  func up() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.device.answering = [answering] }
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    await bench.run(for: .seconds(1))
    let status = try #require(bench.reports.current?.statuses.first)
    #expect(status.state == .up)
    #expect(status.upSince != nil)
    #expect(bench.logs.lines.contains { $0.contains("a peer") && $0.contains("state=up") })
  }

  @Test("publishes this node's part only once the device stands, its address among the node's")
  func publishes() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.refusal = "no such device here" }
    await bench.pass()
    #expect(try bench.ownRecord().affiliate.kubeSpan == nil)
    bench.machine.state.withLock { $0.refusal = nil }
    let report = try #require(await bench.pass())
    let identity = try #require(report.identity)
    let own = try bench.ownRecord().affiliate
    #expect(own.addresses == [try IPAddress("192.0.2.1"), identity.address.address])
    #expect(own.kubeSpan?.publicKey == key(0))
    #expect(own.kubeSpan?.address == identity.address.address)
    #expect(own.kubeSpan?.endpoints.map(\.description) == ["192.0.2.1:51820"])
    #expect(identity.subnet.contains(identity.address.address))
    #expect(identity.subnet.length == 64)
  }

  @Test("announces the public address that a registry saw, what is extra, and excludes what is to stay out")
  func announces() async throws {
    var settings = KubeSpanSettings()
    settings.extraEndpoints = [try IPEndpoint("203.0.113.9:4000")]
    settings.excludedNetworks = [try IPPrefix("10.9.0.0/16")]
    settings.addressFilter = try AddressFilter(["0.0.0.0/0", "!192.0.2.1"])
    let bench = try Bench(settings)
    var world = MeshWorld()
    world.publicAddresses = [try IPAddress("203.0.113.7")]
    await bench.service.take(world)
    await bench.pass()
    let part = try #require(try bench.ownRecord().affiliate.kubeSpan)
    #expect(
      part.endpoints.map(\.description) == ["192.0.2.1:51820", "203.0.113.7:51820", "203.0.113.9:4000"])
    #expect(part.excludeAdvertisedNetworks.map(\.description) == ["10.9.0.0/16", "192.0.2.1/32"])
  }

  @Test("the networks of pod bridges are reached through this node only where that is on")
  func podNetworks() async throws {
    for isOn in [false, true] {
      var settings = KubeSpanSettings()
      settings.advertisesKubernetesNetworks = isOn
      let bench = try Bench(settings)
      let addresses = try ["cni0": "10.244.3.1/24", "docker0": "172.17.0.1/16"].map {
        LocalNetwork.Address(interface: $0.key, prefix: try IPPrefix($0.value))
      }
      bench.machine.state.withLock { $0.network.addresses += addresses }
      await bench.pass()
      let part = try #require(try bench.ownRecord().affiliate.kubeSpan)
      #expect(part.additionalAddresses.map(\.description) == (isOn ? ["10.244.3.0/24"] : []))
    }
  }

  @Test("reports what fails until it doesn't, logs it once, and keeps what it knew")
  func fails() async throws {
    let bench = try Bench()
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
    await bench.pass()
    bench.machine.state.withLock { $0.refusal = "port 51820 is taken" }
    await bench.pass()
    let failed = try #require(await bench.pass())
    #expect(failed.problem?.message == "port 51820 is taken")
    #expect(failed.specs.map(\.label) == ["w-1"])
    #expect(bench.logs.lines.filter { $0.contains("port 51820 is taken") }.count == 1)
    bench.machine.state.withLock { $0.refusal = nil }
    #expect(await bench.pass()?.problem == nil)
  }

  @Test("a key that can't be had is a problem, and no device is made")
  func keyless() async throws {
    let bench = try Bench(keyFailure: "kubespan-identity.yaml: it is broken")
    let report = try #require(await bench.pass())
    #expect(report.problem?.message == "kubespan-identity.yaml: it is broken")
    #expect(bench.machine.state.withLock { !$0.isOpen })
  }

  @Test("a peer that the device ignores is found by reading back")
  func readsBack() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.ignored = [key(1)] }
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
    let report = try #require(await bench.pass())
    #expect(report.problem?.message.contains("the peer \(key(1))") == true)
    bench.machine.state.withLock { $0.ignored = [] }
    #expect(await bench.pass()?.problem == nil)
  }

  @Test("a peer that answers from another address than it was dialled at is no problem")
  func answersFromElsewhere() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.dialsIn = [key(1): elsewhere] }
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    let report = try #require(await bench.pass())
    #expect(report.problem == nil)
    #expect(await bench.pass()?.statuses.map(\.state) == [.up])
    #expect(!bench.logs.lines.contains { $0.hasPrefix("error") })
  }

  @Test("writes endpoints again when an address of this node changes, once")
  func moves() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.device.answering = [answering] }
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    await bench.run(for: .seconds(1))
    let moved = LocalNetwork.Address(interface: "eth0", prefix: try IPPrefix("192.0.2.77/24"))
    let before = bench.machine.state.withLock { state in
      state.network.addresses = [moved]
      return state.applied.count
    }
    await bench.pass()
    await bench.pass()
    let applied = bench.machine.state.withLock { $0.applied.dropFirst(before).map(\.steps) }
    #expect(applied.count == 1)
    guard case .update(let update)? = applied.first?.first else {
      Issue.record("no update, but \(applied)")
      return
    }
    #expect(update.endpoint == (try IPEndpoint(endpoint)))
  }

  @Test("tells each contradiction of peers once, and that it is over")
  func disputes() async throws {
    let bench = try Bench()
    let both = world(
      try peer("w-1", 1, address: "10.0.0.1"), try peer("w-2", 2, address: "10.0.0.1"))
    await bench.service.take(both)
    for _ in 0..<5 { await bench.pass() }
    #expect(bench.reports.current?.disputes.count == 1)
    #expect(bench.logs.lines.filter { $0.contains("peers contradict each other") }.count == 1)
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
    await bench.pass()
    #expect(bench.reports.current?.disputes == [])
    #expect(bench.logs.lines.filter { $0.contains("don't contradict") }.count == 1)
  }

  @Test("where nothing changed nothing is configured or marked again")
  func quiet() async throws {
    let bench = try Bench()
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
    await bench.pass()
    let before = bench.machine.state.withLock { ($0.applied.count, $0.markCount) }
    for _ in 0..<10 { await bench.pass(after: .seconds(10)) }
    #expect(bench.machine.state.withLock { ($0.applied.count, $0.markCount) } == before)
  }

  @Test("the endpoint at which a peer was up is tried first after a restart")
  func remembers() async throws {
    let folder = try TemporaryFolder()
    let endpoints = ["203.0.113.1:51820", "203.0.113.2:51820", endpoint]
    let cluster = world(try peer("w-1", 1, address: "10.0.0.1", endpoints: endpoints))
    let first = try Bench(folder: folder.url.path)
    first.machine.state.withLock { $0.device.answering = [answering] }
    await first.service.take(cluster)
    await first.run(for: .seconds(5))
    #expect(first.reports.current?.statuses.first?.state == .up)
    await first.service.leave()

    let second = try Bench(folder: folder.url.path)
    await second.service.take(cluster)
    await second.pass()
    #expect(
      second.machine.state.withLock { $0.device.state.peers[key(1)]?.endpoint?.description } == endpoint)
  }

  @Test("a file of last good endpoints that is damaged is as good as its lines")
  func damagedMemory() throws {
    let folder = try TemporaryFolder()
    let file = LastGoodEndpoints(folder: folder.url.path)
    #expect(try file.read() == [:])
    try file.write([try NodeIdentity("n1"): try IPEndpoint("[2001:db8::1]:51820")])
    try folder.replace(
      "kubespan-endpoints", with: "n1 [2001:db8::1]:51820\nn2\nn3 nowhere\n\u{0}\nn4 192.0.2.1:1\r\n")
    #expect(
      try file.read() == [
        try NodeIdentity("n1"): try IPEndpoint("[2001:db8::1]:51820"),
        try NodeIdentity("n4"): try IPEndpoint("192.0.2.1:1"),
      ])
  }

  @Test("leaving removes everything, or leaves it in place where keepOnExit says so")
  func leaves() async throws {
    let bench = try Bench()
    await bench.pass()
    await bench.service.leave()
    #expect(bench.machine.state.withLock { ($0.closeCount, $0.detachCount) } == (1, 0))
    #expect(bench.reports.current == nil)

    var settings = KubeSpanSettings()
    settings.keepsOnExit = true
    let kept = try Bench(settings)
    await kept.pass()
    await kept.service.leave()
    #expect(kept.machine.state.withLock { ($0.closeCount, $0.detachCount) } == (0, 1))
  }

  @Test("a mesh that is switched off at a reload is removed, and this node's part with it")
  func switchedOff() async throws {
    let bench = try Bench()
    await bench.pass()
    #expect(try bench.ownRecord().affiliate.kubeSpan != nil)
    await bench.service.apply(nil)
    await bench.pass()
    #expect(bench.machine.state.withLock { $0.closeCount } == 1)
    #expect(try bench.ownRecord().affiliate.kubeSpan == nil)
    #expect(bench.reports.current == nil)
    await bench.service.apply(bench.definition)
    #expect(await bench.pass()?.problem == nil)
    #expect(try bench.ownRecord().affiliate.kubeSpan != nil)
  }

  @Test(
    "before anything of the cluster is known a tunnel from before a restart stays as it is, marks and all")
  func nothingKnownYet() async throws {
    let bench = try Bench()
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    await bench.pass()
    let next = try Bench()
    next.machine.state.withLock { state in
      bench.machine.state.withLock { (state.device, state.marked) = ($0.device, $0.marked) }
    }
    #expect(await next.pass()?.problem == nil)
    next.machine.state.withLock {
      #expect($0.device.state.peers.count == 1)
      #expect($0.marked?.v4.map(\.description) == ["10.0.0.1/32"])
    }
    #expect(try next.ownRecord().affiliate.kubeSpan != nil)
    await next.service.take(world())
    await next.pass()
    next.machine.state.withLock {
      #expect($0.device.state.peers.isEmpty)
      #expect($0.marked?.v4 == [])
    }
  }

  @Test("what came to be before a start failed is removed where the mesh is switched off")
  func halfMade() async throws {
    let bench = try Bench()
    bench.machine.state.withLock { $0.refusal = "no way" }
    #expect(await bench.pass()?.problem?.message == "no way")
    await bench.service.apply(nil)
    await bench.pass()
    #expect(bench.machine.state.withLock { $0.closeCount } == 1)
    await bench.service.leave()
    #expect(bench.machine.state.withLock { $0.closeCount } == 1)
  }

  @Test("harvested endpoints are given to others only where that is on, and not more often than every 30 s")
  func harvests() async throws {
    for isOn in [false, true] {
      var settings = KubeSpanSettings()
      settings.harvestsExtraEndpoints = isOn
      let bench = try Bench(settings)
      await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
      await bench.pass()
      bench.machine.state.withLock { $0.device.dialIn(key(1), from: elsewhere) }
      await bench.pass()
      bench.machine.state.withLock { $0.device.dialIn(key(1), from: moved) }
      await bench.pass()
      #expect(bench.harvests.count == (isOn ? 1 : 0))
      guard isOn else { continue }
      #expect(bench.harvests.last?.values.first?.map(\.description) == ["203.0.113.50:4242"])
      await bench.pass(after: .seconds(30))
      #expect(bench.harvests.last?.values.first?.map(\.description) == ["203.0.113.50:4243"])
      await bench.service.apply(nil)
      await bench.pass()
      #expect(bench.harvests.last == [:])
    }
  }

  @Test("a peer that is down for longer than degradedAfter is overdue, until it is up")
  func overdue() async throws {
    let bench = try Bench()
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1", endpoints: [endpoint])))
    await bench.pass()
    await bench.pass(after: .seconds(299))
    #expect(bench.reports.current?.overdue == [])
    await bench.pass(after: .seconds(1))
    #expect(bench.reports.current?.overdue == [try NodeIdentity("w-1")])
    bench.machine.state.withLock { $0.device.dialIn(key(1), from: elsewhere) }
    await bench.pass()
    #expect(bench.reports.current?.overdue == [])
  }

  @Test("a run makes passes as the cluster changes, and ends when it is cancelled")
  func runs() async throws {
    let bench = try Bench()
    let running = Task { await bench.service.run() }
    try await eventually("there is a report") { bench.reports.current != nil }
    await bench.service.take(world(try peer("w-1", 1, address: "10.0.0.1")))
    try await eventually("the peer is planned") { bench.reports.current?.specs.count == 1 }
    running.cancel()
    await running.value
    #expect(bench.machine.state.withLock { $0.closeCount } == 0)
  }
}

@Suite("A node's KubeSpan address")
struct MeshAddressTests {
  private func address(
    _ network: LocalNetwork, _ settings: KubeSpanSettings = KubeSpanSettings(), node: String = "me"
  ) throws -> MeshAddress {
    try MeshAddress(settings, clusterID: "a-cluster", nodeID: try NodeIdentity(node), network: network)
  }

  private func network(_ interfaces: [String: [UInt8]], physical: [String]) -> LocalNetwork {
    var network = LocalNetwork()
    network.hardware = interfaces
    network.physical = physical
    return network
  }

  @Test("is made of the first physical interface by name, unless one is named")
  func chosen() throws {
    let machine = network(
      ["eth0": [2, 0, 0, 0, 0, 1], "eth1": [2, 0, 0, 0, 0, 2], "a-bridge": [2, 0, 0, 0, 0, 3]],
      physical: ["eth0", "eth1"])
    let first = try address(machine)
    #expect(first.address.description.hasSuffix(":ff:fe00:1"))
    #expect(first.note == nil)
    var settings = KubeSpanSettings()
    settings.hardwareInterface = "eth1"
    #expect(try address(machine, settings).address.description.hasSuffix(":ff:fe00:2"))
    settings.hardwareAddress = try HardwareAddress("02:00:00:00:00:09")
    #expect(try address(machine, settings).address.description.hasSuffix(":ff:fe00:9"))
  }

  @Test("an interface that isn't there is named, with those that are")
  func missing() throws {
    var settings = KubeSpanSettings()
    settings.hardwareInterface = "eht0"
    let error = #expect(throws: ModelError.self) {
      try address(network(["eth0": [2, 0, 0, 0, 0, 1]], physical: ["eth0"]), settings)
    }
    #expect(error?.message.contains("'eht0'") == true)
    #expect(error?.message.contains("'eth0'") == true)
  }

  @Test("without a physical interface it is the identity's, lasting, and that is said")
  func standIn() throws {
    let container = network(["veth0": [2, 0, 0, 0, 0, 1]], physical: [])
    let one = try address(container)
    #expect(one == (try address(network(["veth7": [2, 0, 0, 0, 9, 9]], physical: []))))
    #expect(one.address != (try address(container, node: "another").address))
    #expect(one.note?.contains("no physical interface") == true)
  }
}
