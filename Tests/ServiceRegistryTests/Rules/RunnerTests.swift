import ClusterModel
import DiscoveryProtocol
import Foundation
import Logging
import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("A service is kept told and heard", .timeLimit(.minutes(1)))
struct RunnerTests {
  let cluster: Cluster
  let clock = ManualClock()
  let service = FakeService()
  let recorder = Recorder()

  init() throws { cluster = try Cluster() }

  func registry(_ options: ServiceOptions = ServiceOptions(endpoint: "http://service.test:3000")) throws
    -> ServiceRegistry
  {
    ServiceRegistry(
      try TestSettings.settings(options), dialer: service, clock: clock.clock, random: { 0.5 },
      logger: Logger(label: "test"))
  }

  /// A time at which something waits to go on.
  func expectDeadline(_ duration: Duration) async throws {
    try await eventually("something waits until \(duration), of \(clock.deadlines)") {
      clock.deadlines.contains(duration)
    }
  }

  @Test("hello goes before each watch, and a snapshot makes it well")
  func start() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.hello?.clientIp = Data([192, 0, 2, 7])
    }
    try await running(try registry(), recorder) {
      try await eventually("synced") { recorder.state.snapshots == 1 }
    }
    #expect(service.state.hellos.map(\.clusterID) == [Cluster.id])
    #expect(service.state.hellos.first?.clientVersion.hasPrefix("rollcall/") == true)
    #expect(recorder.state.addresses.map(\.description) == ["192.0.2.7"])
    #expect(recorder.state.statuses.isEmpty)
  }

  @Test("an address mapped into IPv6 is told as the IPv4 address it is, and none that is none")
  func addresses() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.hello?.clientIp = Data([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 7])
    }
    try await running(try registry(), recorder) {
      try await eventually("synced") { recorder.state.snapshots == 1 }
      #expect(recorder.state.addresses.map(\.description) == ["192.0.2.7"])
      service.change { $0.hello?.clientIp = Data([1, 2, 3]) }
      service.cut()
      try await expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("again") { recorder.state.snapshots == 2 }
    }
    #expect(recorder.state.addresses.count == 1)
  }

  @Test("attempts are further and further apart, and near again after success")
  func backoff() async throws {
    service.change {
      $0.connectError = CallError(
        kind: .connection, message: "no connection to http://service.test:3000: refused")
      $0.snapshot = cluster.answer()
    }
    try await running(try registry(), recorder) {
      for wait in [500, 750, 1125] {
        try await expectDeadline(clock.now.offset + .milliseconds(wait))
        clock.advance(by: .milliseconds(wait))
      }
      try await eventually("four attempts") { service.state.dialled.count == 4 }
      #expect(recorder.status.contains("http://service.test:3000: refused"))
      #expect(recorder.state.snapshots == 0)
      service.change { $0.connectError = nil }
      try await eventually("it waits again") { !clock.deadlines.isEmpty }
      clock.advance(by: .seconds(60))
      try await eventually("well") { recorder.state.snapshots == 1 && recorder.state.status == nil }
      service.cut()
      try await expectDeadline(clock.now.offset + .milliseconds(500))
      #expect(recorder.status.contains("cut"))
    }
  }

  @Test("a service that never answers Hello is told as such after 10 s")
  func helloDeadline() async throws {
    service.change { $0.hello = nil }
    try await running(try registry(), recorder) {
      try await expectDeadline(.seconds(10))
      clock.advance(by: .seconds(10))
      try await eventually("told") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("http://service.test:3000 didn't answer Hello within 10 s"))
    #expect(recorder.state.statuses.last??.code == .deadlineExceeded)
  }

  @Test("a service that never answers Watch is told as such after 30 s")
  func watchDeadline() async throws {
    try await running(try registry(), recorder) {
      try await expectDeadline(.seconds(30))
      clock.advance(by: .seconds(30))
      try await eventually("told") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("didn't answer Watch within 30 s"))
  }

  @Test("a redirect is followed")
  func redirect() async throws {
    service.change {
      $0.hello?.redirect.endpoint = "other.test:3001"
      $0.snapshot = cluster.answer()
    }
    try await running(try registry(), recorder) {
      try await eventually("redirected") { service.state.dialled.count >= 2 }
    }
    #expect(service.state.dialled.prefix(2) == ["http://service.test:3000", "http://other.test:3001"])
  }

  @Test("a redirect loop is told, with its way")
  func redirectLoop() async throws {
    service.change { $0.hello?.redirect.endpoint = "http://service.test:3000" }
    try await running(try registry(), recorder) {
      try await eventually("told") { !recorder.status.isEmpty }
    }
    #expect(recorder.status == "redirect loop: http://service.test:3000 to http://service.test:3000")
  }

  @Test("this node is published, again at half the ttl, and at each change")
  func publishing() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    try await running(registry, recorder) {
      var local = try cluster.affiliate("local", endpoints: ["1.2.3.4:51820"])
      try await registry.publish(Publication(local: local))
      var updates = service.state.updates
      #expect(updates.map(\.affiliateID) == ["local"])
      #expect(updates[0].clusterID == Cluster.id)
      #expect(updates[0].ttl.seconds == 1800)
      let opened = try cluster.cipher.openMessage(updates[0].affiliateData)
      #expect(opened.nodename == "node-local")
      #expect(updates[0].affiliateEndpoints.count == 1)

      try await expectDeadline(.seconds(900))
      clock.advance(by: .seconds(900))
      try await eventually("refreshed") { service.state.updates.count == 2 }
      updates = service.state.updates
      #expect(updates[1] == updates[0])

      local.hostname = "new"
      let seen = [try NodeIdentity("b"): [try IPEndpoint("5.6.7.8:51820")]]
      try await registry.publish(Publication(local: local, seenEndpoints: seen))
      updates = service.state.updates
      #expect(updates.dropFirst(2).map(\.affiliateID) == ["local", "b"])
      #expect(updates.last?.hasAffiliateData == false)
    }
  }

  @Test("a node that leaves is withdrawn")
  func withdrawal() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    try await running(registry, recorder) {
      try await registry.publish(Publication(local: try cluster.affiliate("local")))
      try await registry.publish(Publication(local: nil))
    }
    #expect(service.state.deletes == ["local"])
  }

  @Test("a refresh that fails is tried again at once, in a new session that tells everything")
  func refreshFails() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    try await running(registry, recorder) {
      try await registry.publish(Publication(local: try cluster.affiliate("local")))
      try await expectDeadline(.seconds(900))
      service.change { $0.updateError = CallError(kind: .connection, message: "gone") }
      clock.advance(by: .seconds(900))
      // The clock stands still from here on: the second session begins without a wait, the third with one.
      try await eventually("a second session") { service.state.dialled.count == 2 }
      try await expectDeadline(.seconds(900) + .milliseconds(500))
      service.change { $0.updateError = nil }
      clock.advance(by: .milliseconds(500))
      try await eventually("published again") { service.state.updates.count == 2 }
      try await eventually("well") { recorder.state.status == nil }
    }
  }

  @Test("what is published while no service can be reached goes out when one is back")
  func unreachable() async throws {
    service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
    let registry = try registry()
    try await running(registry, recorder) {
      async let published: Void = registry.publish(Publication(local: try cluster.affiliate("local")))
      try await expectDeadline(.milliseconds(500))
      service.change {
        $0.connectError = nil
        $0.snapshot = cluster.answer()
      }
      clock.advance(by: .milliseconds(500))
      try await published
    }
    #expect(service.state.updates.count == 1)
  }

  @Test("a withdrawal isn't held up by a service that is away")
  func withdrawalUnreachable() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    try await running(registry, recorder) {
      try await registry.publish(Publication(local: try cluster.affiliate("local")))
      service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
      try await eventually("synced") { recorder.state.snapshots == 1 }
      service.cut()
      try await expectDeadline(.milliseconds(500))
      let error = await #expect(throws: RegistryError.self) {
        try await registry.publish(Publication(local: nil))
      }
      #expect(error?.message == "cut")
    }
  }

  @Test("a watch that begins with a deletion is broken off and told")
  func deletedFirst() async throws {
    service.change { $0.snapshot = Cluster.gone("a") }
    try await running(try registry(), recorder) {
      try await eventually("told") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("doesn't begin the watch with what there is"))
  }

  @Test("several services are sources of their own, one of which may fail")
  func several() async throws {
    let wire = try cluster.wire("a")
    service.change { $0.snapshot = cluster.answer(wire) }
    let registry = try registry(ServiceOptions(endpoints: ["http://one.test", "http://two.test"]))
    try await running(registry, recorder) {
      try await eventually("both heard") {
        try recorder.nodes(RegistrySource("one.test")) == ["a"]
          && recorder.nodes(RegistrySource("two.test")) == ["a"]
      }
      try await registry.publish(Publication(local: try cluster.affiliate("local")))
      try await registry.publish(Publication(local: nil))
    }
    #expect(service.state.deletes == ["local", "local"])
    #expect(recorder.state.named == [["one.test", "two.test"]])
    #expect(recorder.state.snapshotsBeforeNames == 0)
  }

  @Test("of several services one that can't be reached is named like the others, and holds up none of them")
  func severalWithOneAway() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.connectError = CallError(kind: .connection, message: "away")
      $0.unreachable = ["http://two.test"]
    }
    let endpoints = ["http://one.test", "http://two.test", "http://three.test"]
    try await running(try registry(ServiceOptions(endpoints: endpoints)), recorder) {
      try await eventually("those that are there tell") { recorder.state.snapshots == 2 }
      try await eventually("the other is told") { recorder.status == "away" }
    }
    #expect(recorder.state.named == [["one.test", "three.test", "two.test"]])
    #expect(recorder.state.snapshotsBeforeTrouble == 2)
  }

  @Test("a service that is alone isn't named")
  func alone() async throws {
    service.change { $0.connectError = CallError(kind: .connection, message: "away") }
    try await running(try registry(), recorder) {
      try await eventually("told") { recorder.state.status != nil }
    }
    #expect(recorder.state.named == [])
  }

  @Test("an aggregator that takes no more ends the run")
  func hostRefuses() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    let updates = RegistryUpdates { _ throws(RegistryError) in throw RegistryError(.stopped, "enough") }
    let error = await #expect(throws: RegistryError.self) { try await registry.run(updates: updates) }
    #expect(error?.code == .stopped)
  }
}
