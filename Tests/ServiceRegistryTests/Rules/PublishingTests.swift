import ClusterModel
import DiscoveryProtocol
import Foundation
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("This node is kept published", .timeLimit(.minutes(3)))
struct PublishingTests {
  let runner: RunnerTests
  var cluster: Cluster { runner.cluster }
  var clock: ManualClock { runner.clock }
  var service: FakeService { runner.service }
  var recorder: SessionRecorder { runner.recorder }

  init() throws {
    runner = try RunnerTests()
    let snapshot = runner.cluster.answer()
    runner.service.change { $0.snapshot = snapshot }
  }

  func local(_ hostname: String = "", seen: [NodeIdentity: [IPEndpoint]] = [:]) throws -> Publication {
    Publication(
      local: try cluster.affiliate("local", hostname: hostname, endpoints: ["1.2.3.4:51820"]),
      seenEndpoints: seen)
  }

  /// Runs against two services, a test each, by a clock that stands still.
  func runningTwo(
    _ body: @escaping @Sendable (_ one: FakeService, _ two: FakeService) async throws -> Void
  ) async throws {
    let other = FakeService()
    let snapshot = cluster.answer()
    other.change { $0.snapshot = snapshot }
    let network = FakeNetwork(services: ["http://one.test": service, "http://two.test": other])
    let options = ServiceOptions(endpoints: ["http://one.test", "http://two.test"])
    let registry = ServiceRegistry(
      try TestSettings.settings(options), connector: network, random: { 0.5 })
    let service = service
    try await runner.running(registry) { try await body(service, other) }
  }

  @Test("at once, again at half the ttl, and at each change")
  func publishing() async throws {
    try await runner.running {
      try await recorder.published(try local())
      var updates = service.state.updates
      #expect(updates.map(\.affiliateID) == ["local"])
      #expect(updates[0].clusterID == Cluster.id)
      #expect(updates[0].ttl.seconds == 1800)
      let opened = try cluster.cipher.openMessage(updates[0].affiliateData)
      #expect(opened.nodename == "node-local")
      #expect(updates[0].affiliateEndpoints.count == 1)

      try await runner.expectDeadline(.seconds(900))
      clock.advance(by: .seconds(900))
      try await eventually("refreshed") { service.state.updates.count == 2 }
      updates = service.state.updates
      #expect(updates[1] == updates[0])

      let seen = [try NodeIdentity("b"): [try IPEndpoint("5.6.7.8:51820")]]
      try await recorder.published(try local("new", seen: seen))
      updates = service.state.updates
      #expect(updates.dropFirst(2).map(\.affiliateID) == ["local", "b"])
      #expect(updates.last?.hasAffiliateData == false)
    }
  }

  @Test("with its labels and machine id, as far as a service has room; what it hasn't is logged and reported")
  func labels() async throws {
    try await runner.running {
      var publication = try local()
      publication.labels = try NodeLabels(["rack": "r7", "zone": "b"])
      publication.machineID = "6a0eceb4cf8de176bd24abff87481ec9"
      try await recorder.published(publication)
      var opened = try cluster.cipher.openMessage(try #require(service.state.updates.last).affiliateData)
      #expect(opened.labels.map(\.key) == ["rack", "zone"] && opened.machineID.count == 16)
      #expect(recorder.now.isHealthy)

      publication.labels = try NodeLabels([
        "rack": "r7", "huge": String(repeating: "x", count: 2000), "zone": "b",
      ])
      try await recorder.published(publication)
      opened = try cluster.cipher.openMessage(try #require(service.state.updates.last).affiliateData)
      #expect(opened.labels.map(\.key) == ["rack", "zone"])
      let record = try await recorder.wait(for: "the report") { $0.error(.publishing) != nil }
      let text = record.error(.publishing)?.message ?? ""
      #expect(text.contains("2048 bytes") && text.contains("left out: 'huge'"), "\(text)")
      #expect(record.log.count { $0.contains("left out: 'huge'") } == 1)

      // Each outcome says that publishing works, so what is wrong all the same is reported after each.
      let reports = record.batches.count { !$0.reports.isEmpty }
      publication.machineID = ""
      try await recorder.published(publication)
      try await recorder.wait(for: "another report") { $0.batches.count { !$0.reports.isEmpty } > reports }
      #expect(recorder.now.error(.publishing) != nil)

      publication.labels = try NodeLabels(["rack": "r7", "zone": "b"])
      try await recorder.published(publication)
      try await recorder.wait(for: "the end of it") { $0.isHealthy }
    }
  }

  @Test("without another call where the same is asked for again, which is answered all the same")
  func again() async throws {
    try await runner.running {
      let revision = recorder.publish(try local())
      try await eventually("published") { recorder.outcomes(revision) == [nil] }
      for count in 2...4 {
        recorder.retry(try local())
        try await eventually("answered") { recorder.outcomes(revision).count == count }
      }
      try await recorder.published(try local())
      #expect(recorder.outcomes(revision) == [nil, nil, nil, nil])
    }
    #expect(service.state.updates.count == 1)
  }

  @Test("until it leaves")
  func withdrawal() async throws {
    try await runner.running {
      try await recorder.published(try local())
      try await recorder.published(nil)
      #expect(service.state.deletes == ["local"])
      try await recorder.published(nil)
      try await recorder.published(try local())
    }
    #expect(service.state.deletes == ["local"])
    #expect(service.state.updates.count == 2)
  }

  @Test("and a withdrawal that is refused is tried again, and good in the end")
  func withdrawalRefused() async throws {
    try await runner.running {
      try await recorder.published(try local())
      service.change { $0.deleteError = CallError(kind: .exhausted, message: "too many requests") }
      let revision = recorder.publish(nil)
      try await eventually("refused") { recorder.outcomes(revision).count == 1 }
      #expect(recorder.outcomes(revision)[0]?.message.contains("too many requests") == true)
      service.change { $0.deleteError = nil }
      try await runner.expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("withdrawn") { recorder.outcomes(revision).last == .some(nil) }
    }
    #expect(service.state.deletes == ["local"])
  }

  @Test("and a refresh that fails is tried again at once, in a new session in which everything is sent")
  func refreshFails() async throws {
    try await runner.running {
      let revision = recorder.publish(try local())
      try await runner.expectDeadline(.seconds(900))
      service.change { $0.updateError = CallError(kind: .connection, message: "gone") }
      clock.advance(by: .seconds(900))
      // The clock stands still from here on: the second session begins without a wait, the third with one.
      try await eventually("a second session") { service.state.connected.count == 2 }
      try await runner.expectDeadline(.seconds(900) + .milliseconds(500))
      service.change { $0.updateError = nil }
      clock.advance(by: .milliseconds(500))
      try await eventually("published again") { service.state.updates.count == 2 }
      try await eventually("well") { recorder.status.isEmpty }
      // The service had it all the time.
      #expect(recorder.outcomes(revision) == [nil])
    }
  }

  @Test("not while no service can be reached, which is the outcome, and as soon as one is back")
  func unreachable() async throws {
    service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
    try await runner.running {
      let revision = recorder.publish(try local())
      try await eventually("it can't be published") { recorder.outcomes(revision).count == 1 }
      #expect(recorder.outcomes(revision)[0]?.message == "http://service.test:3000: refused")
      service.change { $0.connectError = nil }
      try await runner.passWait(.milliseconds(500))
      try await eventually("published") { recorder.outcomes(revision).last == .some(nil) }
    }
    #expect(service.state.updates.count == 1)
  }

  @Test("by a service that went away for as long as it keeps what it has")
  func keptWhileAway() async throws {
    try await runner.running {
      let revision = recorder.publish(try local())
      try await eventually("published") { recorder.outcomes(revision) == [nil] }
      service.change { $0.connectError = CallError(kind: .connection, message: "away") }
      service.cut()
      for (attempt, wait) in zip(2..., RunnerTests.waits) {
        guard clock.now.offset < .seconds(1800) else { break }
        #expect(recorder.outcomes(revision) == [nil])
        try await runner.passWait(wait)
        try await eventually("attempt \(attempt)") { service.state.connected.count == attempt }
      }
      try await eventually("it ended") { recorder.outcomes(revision).last??.message.contains("away") == true }
      service.change { $0.connectError = nil }
      try await runner.passWait(.seconds(60))
      try await eventually("published again") { recorder.outcomes(revision).last == .some(nil) }
      #expect(recorder.outcomes(revision).count == 3)
    }
  }

  @Test("and a withdrawal isn't held up by a service that is away")
  func withdrawalUnreachable() async throws {
    try await runner.running {
      try await recorder.published(try local())
      service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
      try await eventually("synced") { recorder.snapshots == 1 }
      service.cut()
      try await runner.expectDeadline(.milliseconds(500))
      let error = await #expect(throws: RegistryError.self) { try await recorder.published(nil) }
      #expect(error?.message == "http://service.test:3000: cut")
    }
  }

  @Test("and what can't be sealed is the outcome, while what was there stays")
  func tooBig() async throws {
    try await runner.running {
      try await recorder.published(try local())
      let hostname = String(repeating: "x", count: 4000)
      let error = await #expect(throws: RegistryError.self) {
        try await recorder.published(try local(hostname))
      }
      #expect(error?.code == .limitExceeded)
      #expect(error?.message.contains("2048") == true)
      try await runner.expectDeadline(.seconds(900))
      clock.advance(by: .seconds(900))
      try await eventually("refreshed") { service.state.updates.count == 2 }
    }
  }

  // MARK: Refusals

  @Test("and what a service refuses is reported, and others are still read")
  func refused() async throws {
    service.change { $0.updateError = CallError(kind: .refused, message: "says affiliate data is too big") }
    try await runner.running {
      let revision = recorder.publish(try local())
      try await eventually("reported") {
        recorder.problem(.publishing)?.message.contains("affiliate data is too big") == true
      }
      try await eventually("the outcome") { recorder.outcomes(revision).count == 1 }
      #expect(recorder.outcomes(revision)[0]?.message.contains("affiliate data is too big") == true)
      service.send(cluster.answer(try cluster.wire("a")))
      try await eventually("read") { recorder.nodes() == ["a"] }
      service.change { $0.updateError = nil }
      try await runner.expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("published") { recorder.outcomes(revision).last == .some(nil) }
      try await eventually("well") { recorder.status.isEmpty }
    }
    #expect(service.state.updates.count == 1)
    #expect(service.state.connected.count == 1)
  }

  @Test(
    "and where endpoints of another are refused, all else is, and connections come back as soon as ever"
  )
  func refusedForeign() async throws {
    service.change {
      $0.refuse = { request in
        request.affiliateID == "b" ? CallError(kind: .exhausted, message: "too many endpoints of b") : nil
      }
    }
    try await runner.running {
      let seen = [try NodeIdentity("b"): [try IPEndpoint("5.6.7.8:51820")]]
      try await recorder.published(try local(seen: seen))
      for round in 1...3 {
        try await eventually("published, and reported what isn't") {
          service.state.updates.count == round && recorder.snapshots == round
            && recorder.problem(.publishing)?.message.contains("too many endpoints of b") == true
        }
        service.cut()
        // Of what the session waited for nothing is left.
        let next = clock.now.offset + .milliseconds(500)
        try await eventually("it waits as after the first failure") {
          recorder.problem(.reading) != nil && clock.deadlines == [next]
        }
        // What is wrong with publishing is that there is no connection.
        #expect(recorder.problem(.publishing) == nil)
        clock.advance(by: .milliseconds(500))
      }
    }
    #expect(Set(service.state.updates.map(\.affiliateID)) == ["local"])
  }

  @Test("and new data go out to a service that has too many endpoints of this node")
  func tooManyEndpoints() async throws {
    service.change {
      $0.refuse = { request in
        request.affiliateEndpoints.isEmpty ? nil : CallError(kind: .exhausted, message: "too many endpoints")
      }
    }
    try await runner.running {
      for hostname in ["first", "second"] {
        try await recorder.published(try local(hostname))
        let data = try #require(service.state.updates.last).affiliateData
        #expect(try cluster.cipher.openMessage(data).hostname == hostname)
        try await eventually("reported") {
          recorder.problem(.publishing)?.message.contains("too many endpoints") == true
        }
      }
      service.change { $0.refuse = nil }
      try await runner.expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("well") { recorder.status.isEmpty }
    }
    #expect(service.state.updates.count == 3)
    #expect(service.state.updates.last?.hasAffiliateData == false)
    #expect(service.state.connected.count == 1)
  }

  // MARK: Several services

  @Test("by one service of several, while what the other refuses is its report")
  func oneRefuses() async throws {
    try await runningTwo { one, two in
      two.change { $0.updateError = CallError(kind: .credentials, message: "read only") }
      try await recorder.published(try local())
      let (first, second) = (try RegistrySource("one.test"), try RegistrySource("two.test"))
      try await eventually("reported") { recorder.problem(.publishing, second) != nil }
      #expect(recorder.problem(.publishing, second)?.code == .permissionDenied)
      #expect(recorder.problem(.publishing, first) == nil)
      // The other alone doesn't do.
      one.change { $0.updateError = CallError(kind: .refused, message: "no more") }
      let error = await #expect(throws: RegistryError.self) { try await recorder.published(try local("new")) }
      #expect(
        error?.message.contains("http://one.test: what this node publishes isn't taken: no more") == true)
      #expect(error?.message.contains("http://two.test: what this node publishes isn't taken") == true)
    }
  }

  @Test("until all services that had it have it no more, and those that can't be reached are named")
  func withdrawnFromAll() async throws {
    try await runningTwo { one, two in
      try await recorder.published(try local())
      try await eventually("both have it") { one.state.updates.count == 1 && two.state.updates.count == 1 }
      two.change { $0.connectError = CallError(kind: .connection, message: "away") }
      two.cut()
      let second = try RegistrySource("two.test")
      try await eventually("away") { recorder.problem(.reading, second) != nil }
      let revision = recorder.publish(nil)
      try await eventually("an outcome") { recorder.outcomes(revision).count == 1 }
      #expect(one.state.deletes == ["local"])
      #expect(recorder.outcomes(revision)[0]?.message == "http://two.test: cut")
      two.change { $0.connectError = nil }
      try await runner.expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("withdrawn") { recorder.outcomes(revision).last == .some(nil) }
      #expect(two.state.deletes == ["local"])
    }
  }
}
