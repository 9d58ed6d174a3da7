import ClusterModel
import DiscoveryProtocol
import Foundation
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("A service is kept read", .timeLimit(.minutes(3)))
struct RunnerTests {
  let cluster: Cluster
  let clock = ManualClock()
  let service = FakeService()
  let recorder = SessionRecorder()

  init() throws { cluster = try Cluster() }

  func registry(_ options: ServiceOptions = ServiceOptions(endpoint: "http://service.test:3000")) throws
    -> ServiceRegistry
  {
    ServiceRegistry(try TestSettings.settings(options), connector: service, random: { 0.5 })
  }

  /// Runs the registry while `body` runs, by a clock that stands still.
  func running(
    _ registry: ServiceRegistry? = nil, _ body: @escaping @Sendable () async throws -> Void
  ) async throws { try await recorder.run(try registry ?? self.registry(), clock: clock, body) }

  /// Waits for something that waits until `time`.
  func expectDeadline(_ time: Duration) async throws {
    try await eventually("something waits until \(time), of \(clock.deadlines)") {
      clock.deadlines.contains(time)
    }
  }

  /// Lets the time pass until the next attempt, of a service that has been reported as away.
  ///
  /// - Parameter wait: how long it is to be.
  func passWait(_ wait: Duration) async throws {
    try await eventually("the service is away") { recorder.problem(.reading) != nil }
    try await expectDeadline(clock.now.offset + wait)
    clock.advance(by: wait)
  }

  /// The waits between attempts, from the first on.
  static let waits = Array(
    sequence(first: Duration.milliseconds(500)) { min($0 * 1.5, .seconds(60)) }.prefix(100))

  @Test("hello goes before each watch, and a snapshot makes it well")
  func start() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.hello?.clientIp = Data([192, 0, 2, 7])
    }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
    }
    #expect(service.state.hellos.map(\.clusterID) == [Cluster.id])
    #expect(service.state.hellos.map(\.clientVersion) == ["rollcall/\(RollcallVersion.current)"])
    #expect(recorder.addresses == ["192.0.2.7"])
    #expect(recorder.batches == ["snapshot, reading"])
  }

  @Test("an address mapped into IPv6 is given as the IPv4 address it is, and none that is none")
  func addresses() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.hello?.clientIp = Data([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 7])
    }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
      #expect(recorder.addresses == ["192.0.2.7"])
      service.change { $0.hello?.clientIp = Data([1, 2, 3]) }
      service.cut()
      try await passWait(.milliseconds(500))
      try await eventually("again") { recorder.snapshots == 2 }
    }
    #expect(recorder.addresses.count == 1)
  }

  @Test("attempts are further and further apart, and near again after success")
  func backoff() async throws {
    service.change {
      $0.connectError = CallError(
        kind: .connection, message: "no connection to http://service.test:3000: refused")
      $0.snapshot = cluster.answer()
    }
    try await running {
      for wait in [500, 750, 1125] { try await passWait(.milliseconds(wait)) }
      try await eventually("four attempts") { service.state.connected.count == 4 }
      #expect(recorder.status.contains("http://service.test:3000: refused"))
      #expect(recorder.snapshots == 0)
      // The same trouble is one report.
      #expect(recorder.now.batches.flatMap(\.reports).count == 1)
      service.change { $0.connectError = nil }
      try await passWait(.milliseconds(500) * 1.5 * 1.5 * 1.5)
      try await eventually("well") { recorder.snapshots == 1 && recorder.status.isEmpty }
      service.cut()
      try await expectDeadline(clock.now.offset + .milliseconds(500))
      #expect(recorder.problem(.reading)?.message == "cut")
    }
  }

  @Test("a service that never answers Hello is reported as such after 10 s")
  func helloDeadline() async throws {
    service.change { $0.hello = nil }
    try await running {
      try await expectDeadline(.seconds(10))
      clock.advance(by: .seconds(10))
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status == "http://service.test:3000 didn't answer Hello within 10 s")
    #expect(recorder.problem(.reading)?.code == .deadlineExceeded)
  }

  @Test("a service that never answers Watch is reported as such after 30 s")
  func watchDeadline() async throws {
    try await running {
      try await expectDeadline(.seconds(30))
      clock.advance(by: .seconds(30))
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("didn't answer Watch within 30 s"))
  }

  /// Runs the registry while `body` runs, whose service has been read for longer than a proxy's first cut.
  private func runningForLong(_ body: @escaping @Sendable () async throws -> Void) async throws {
    service.change { $0.snapshot = cluster.answer() }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 && service.state.watch != nil }
      clock.advance(by: .seconds(60))
      try await body()
    }
  }

  @Test("a session that lasted, is ended, and goes on at once, is information: nothing is reported")
  func shortLoss() async throws {
    try await runningForLong {
      for round in 2..<5 {
        service.cut()
        try await expectDeadline(clock.now.offset + .milliseconds(500))
        clock.advance(by: .milliseconds(500))
        try await eventually("read again") { recorder.snapshots == round }
        clock.advance(by: .seconds(60))
      }
    }
    #expect(recorder.batches == ["snapshot, reading", "snapshot", "snapshot", "snapshot"])
    #expect(!recorder.now.log.contains { $0.contains("warning") })
  }

  @Test("a service that isn't back 5 s after such an end is reported, with why it ended")
  func longLoss() async throws {
    try await runningForLong {
      let hello = service.state.hello
      service.change { $0.hello = nil }
      let start = clock.now.offset
      service.cut()
      try await expectDeadline(start + .milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("it asks again") { service.state.hellos.count == 2 }
      #expect(recorder.problem(.reading) == nil)
      clock.advance(by: .milliseconds(4500))
      try await eventually("reported") { recorder.problem(.reading)?.message == "cut" }
      service.change { $0.hello = hello }
      clock.advance(by: .seconds(60))
      try await eventually("Hello wasn't answered") { recorder.status.contains("didn't answer Hello") }
      try await passWait(.milliseconds(750))
      try await eventually("read again") { recorder.problem(.reading) == nil }
    }
  }

  @Test("a service that fails when it is asked again is reported at once")
  func realLoss() async throws {
    try await runningForLong {
      service.change { $0.connectError = CallError(kind: .connection, message: "away") }
      service.cut()
      try await expectDeadline(clock.now.offset + .milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("reported") { recorder.problem(.reading)?.message == "away" }
    }
    #expect(recorder.batches == ["snapshot, reading", "reading: away"])
  }

  @Test("a redirect is followed")
  func redirect() async throws {
    service.change {
      $0.hello?.redirect.endpoint = "other.test:3001"
      $0.snapshot = cluster.answer()
    }
    try await running {
      try await eventually("redirected") { service.state.connected.count >= 2 }
    }
    #expect(service.state.connected.prefix(2) == ["http://service.test:3000", "http://other.test:3001"])
  }

  @Test("a redirect loop is reported, with its way")
  func redirectLoop() async throws {
    service.change { $0.hello?.redirect.endpoint = "http://service.test:3000" }
    try await running {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status == "redirect loop: http://service.test:3000 to http://service.test:3000")
  }

  @Test("no more than five redirects in a row are followed")
  func redirects() async throws {
    let network = FakeNetwork(
      services: Dictionary(
        uniqueKeysWithValues: (0..<9).map { number in
          let service = FakeService()
          service.change { $0.hello?.redirect.endpoint = "http://n\(number + 1).test" }
          return ("http://n\(number).test", service)
        }))
    let settings = try TestSettings.settings(ServiceOptions(endpoint: "http://n0.test"))
    try await running(ServiceRegistry(settings, connector: network, random: { 0.5 })) {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    let way = (0...6).map { "http://n\($0).test" }.joined(separator: " to ")
    #expect(recorder.status == "too many redirects: \(way)")
  }

  @Test(
    "a service that comes back has a new snapshot, after a report that it was away, and nothing in between")
  func outage() async throws {
    service.change { $0.snapshot = cluster.answer() }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
      service.send(cluster.answer(try cluster.wire("a")))
      try await eventually("read") { recorder.nodes() == ["a"] }
      service.change { $0.connectError = CallError(kind: .connection, message: "away") }
      service.cut()
      for (attempt, wait) in zip(2..<30, Self.waits) {
        try await passWait(wait)
        try await eventually("attempt \(attempt)") { service.state.connected.count == attempt }
      }
      #expect(recorder.nodes() == ["a"])
      service.change { $0.connectError = nil }
      try await passWait(.seconds(60))
      try await eventually("read again") { recorder.snapshots == 2 }
    }
    #expect(
      recorder.batches == [
        "snapshot, reading", "upsert a", "reading: cut", "reading: away", "snapshot, reading",
      ])
  }

  @Test("a watch that begins with a deletion is broken off and reported")
  func deletedFirst() async throws {
    service.change { $0.snapshot = Cluster.gone("a") }
    try await running {
      try await eventually("reported") { !recorder.status.isEmpty }
    }
    #expect(recorder.status.contains("doesn't begin the watch with what there is"))
  }

  @Test("what can't be used is reported beside what can, until it is gone")
  func content() async throws {
    var bad = try cluster.wire("b")
    bad.data[3] ^= 1
    service.change { $0.snapshot = cluster.answer(bad) }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
      #expect(recorder.problem(.content)?.message.contains("'b'") == true)
      #expect(recorder.problem(.reading) == nil)
      service.send(cluster.answer(try cluster.wire("a")))
      service.send(Cluster.gone("b"))
      try await eventually("well") { recorder.status.isEmpty }
    }
    #expect(recorder.batches.dropFirst() == ["upsert a", "content"])
  }

  @Test("credentials that are refused or can't be read are reported as such too, until a snapshot is there")
  func credentials() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.connectError = CallError(kind: .credentials, message: "unknown token")
    }
    try await running {
      try await eventually("reported") { recorder.problem(.credentials)?.message == "unknown token" }
      #expect(recorder.problem(.reading)?.code == .permissionDenied)
      service.change { $0.connectError = nil }
      try await passWait(.milliseconds(500))
      try await eventually("well") { recorder.snapshots == 1 }
    }
    #expect(recorder.now.isHealthy)
  }

  @Test("several services are sources of their own, named before anything else")
  func several() async throws {
    let wire = try cluster.wire("a")
    service.change { $0.snapshot = cluster.answer(wire) }
    try await running(try registry(ServiceOptions(endpoints: ["http://one.test", "http://two.test"]))) {
      try await eventually("both read") {
        try recorder.nodes(RegistrySource("one.test")) == ["a"]
          && recorder.nodes(RegistrySource("two.test")) == ["a"]
      }
    }
    #expect(recorder.expectedSources == [["one.test", "two.test"]])
  }

  @Test(
    "of several services one that can't be reached is a source like the others, and holds up none of them")
  func severalWithOneAway() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.connectError = CallError(kind: .connection, message: "away")
      $0.unreachable = ["http://two.test"]
    }
    let endpoints = ["http://one.test", "http://two.test", "http://three.test"]
    try await running(try registry(ServiceOptions(endpoints: endpoints))) {
      try await eventually("those that are there are read") { recorder.snapshots == 2 }
      try await eventually("the other is reported") {
        recorder.problem(.reading, try RegistrySource("two.test"))?.message == "away"
      }
    }
    #expect(recorder.expectedSources == [["one.test", "three.test", "two.test"]])
    #expect(recorder.now.reports.values.count { $0 != nil } == 1)
  }

  @Test("a service that is alone is the only source")
  func alone() async throws {
    service.change { $0.connectError = CallError(kind: .connection, message: "away") }
    try await running {
      try await eventually("reported") { recorder.problem(.reading) != nil }
    }
    #expect(recorder.expectedSources == [])
  }

  @Test("a session that takes no more ends the run")
  func sessionOver() async throws {
    service.change { $0.snapshot = cluster.answer() }
    let registry = try registry()
    let session = RegistrySession(context: try TestSettings.context()) { (_) throws(RegistryError) in
      throw RegistryError(.stopped, "enough")
    }
    let error = await #expect(throws: RegistryError.self) { try await registry.run(session) }
    #expect(error?.code == .stopped)
  }
}
