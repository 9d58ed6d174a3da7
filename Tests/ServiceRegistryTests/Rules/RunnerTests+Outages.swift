import ClusterModel
import DiscoveryProtocol
import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

extension RunnerTests {
  @Test("a service that comes back empty empties nothing until the grace ends")
  func outage() async throws {
    service.change { $0.snapshot = cluster.answer() }
    try await running(try registry(), recorder) {
      try await eventually("synced") { recorder.state.snapshots == 1 }
      service.tell(cluster.answer(try cluster.wire("a")))
      service.tell(cluster.answer(try cluster.wire("b")))
      try await eventually("heard") { recorder.nodes() == ["a", "b"] }
      service.cut()
      try await expectDeadline(.milliseconds(500))
      #expect(recorder.nodes() == ["a", "b"])
      clock.advance(by: .milliseconds(500))
      try await eventually("held") { recorder.nodes() == ["a?", "b?"] }
      service.tell(cluster.answer(try cluster.wire("b")))
      try await eventually("one is back") { recorder.nodes() == ["a?", "b"] }
      try await expectDeadline(.milliseconds(500) + .seconds(300))
      clock.advance(by: .seconds(300))
      try await eventually("the other is dropped") { recorder.nodes() == ["b"] }
    }
    #expect(recorder.state.removed == ["a"])
  }

  @Test("nothing is dropped while the service is away: past the grace it is stale, and fresh when it is back")
  func longOutage() async throws {
    let wire = try cluster.wire("a")
    service.change { $0.snapshot = cluster.answer(wire) }
    try await running(try registry(), recorder) {
      try await eventually("heard") { recorder.nodes() == ["a"] }
      let before = recorder.record("a")?.affiliate
      var wait = Duration.milliseconds(500)
      service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
      service.cut()
      try await expectDeadline(.seconds(300))
      for attempt in 2..<30 {
        try await expectDeadline(clock.now.offset + wait)
        #expect(recorder.nodes() == ["a"])
        guard clock.now.offset + wait < .seconds(300) else { break }
        clock.advance(by: wait)
        wait = min(wait * 1.5, .seconds(60))
        try await eventually("attempt \(attempt)") { service.state.dialled.count == attempt }
      }
      clock.advance(by: .seconds(300) - clock.now.offset)
      try await eventually("stale") { recorder.nodes() == ["a?"] }
      #expect(recorder.record("a")?.affiliate == before)
      for attempt in 0..<30 {
        try await eventually("later attempt \(attempt)") { !clock.deadlines.isEmpty }
        clock.advance(by: .seconds(60))
      }
      #expect(recorder.nodes() == ["a?"])
      service.change { $0.connectError = nil }
      try await eventually("it waits") { !clock.deadlines.isEmpty }
      clock.advance(by: .seconds(60))
      try await eventually("fresh") { recorder.nodes() == ["a"] }
    }
    #expect(recorder.state.removed.isEmpty)
  }

  @Test("of several services only the one that is away gets stale")
  func oneOfSeveralAway() async throws {
    let wire = try cluster.wire("a")
    service.change { $0.snapshot = cluster.answer(wire) }
    let (one, two) = (try RegistrySource("one.test"), try RegistrySource("two.test"))
    try await running(
      try registry(ServiceOptions(endpoints: ["http://one.test", "http://two.test"])), recorder
    ) {
      try await eventually("both heard") { recorder.nodes(one) == ["a"] && recorder.nodes(two) == ["a"] }
      service.change { $0.connectError = CallError(kind: .connection, message: "refused") }
      // Only the later of the watches is cut.
      service.cut()
      try await expectDeadline(.seconds(300))
      clock.advance(by: .seconds(300))
      try await eventually("stale") { recorder.nodes(one) == ["a?"] || recorder.nodes(two) == ["a?"] }
      #expect(recorder.nodes(one) != recorder.nodes(two))
    }
  }

  @Test("the end of an endpoint isn't taken for the end of its node")
  func falseDeletion() async throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    service.change {
      $0.snapshot = cluster.answer(wire)
      $0.list = .with { $0.affiliates = [wire] }
    }
    try await running(try registry(), recorder) {
      try await eventually("heard") { recorder.nodes() == ["a"] }
      service.tell(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(100))
      clock.advance(by: .milliseconds(100))
      try await eventually("asked") { service.state.lists == 1 }
      service.change { $0.list = WireListResponse() }
      service.tell(cluster.answer(try cluster.wire("b")))
      try await eventually("heard on") { recorder.nodes() == ["a", "b"] }
      service.tell(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(200))
      clock.advance(by: .milliseconds(100))
      try await eventually("gone") { recorder.nodes() == ["b"] }
    }
  }

  @Test("where the service doesn't say whether a node is gone, it is held as stale, and asked for again")
  func listFails() async throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    service.change { $0.snapshot = cluster.answer(wire) }
    try await running(try registry(), recorder) {
      try await eventually("heard") { recorder.nodes() == ["a"] }
      service.tell(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(100))
      clock.advance(by: .milliseconds(100))
      try await eventually("in doubt") { recorder.nodes() == ["a?"] }
      try await expectDeadline(.milliseconds(600))
      clock.advance(by: .milliseconds(500))
      try await eventually("asked again") { service.state.lists == 2 }
      try await expectDeadline(.milliseconds(1350))
      service.change { $0.list = .with { $0.affiliates = [wire] } }
      clock.advance(by: .milliseconds(750))
      try await eventually("it is there") { recorder.nodes() == ["a"] }
      // It isn't asked once more.
      service.tell(cluster.answer(try cluster.wire("b")))
      try await eventually("heard on") { recorder.nodes() == ["a", "b"] }
      #expect(service.state.lists == 3)
    }
    #expect(recorder.state.removed.isEmpty)
  }

  @Test("a service that never says whether a node is gone is asked ten times, and the grace ends")
  func listFailsOnAndOn() async throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    service.change { $0.snapshot = cluster.answer(wire) }
    try await running(try registry(), recorder) {
      try await eventually("heard") { recorder.nodes() == ["a"] }
      service.tell(Cluster.gone("a"))
      var wait = Duration.milliseconds(100)
      for count in 1...EndpointRunner.maximumLists {
        try await expectDeadline(clock.now.offset + wait)
        clock.advance(by: wait)
        try await eventually("asked \(count) times") { service.state.lists == count }
        wait = count == 1 ? .milliseconds(500) : wait * 1.5
      }
      #expect(recorder.nodes() == ["a?"])
      try await expectDeadline(.milliseconds(100) + .seconds(300))
      clock.advance(by: .seconds(300))
      try await eventually("the grace ends") { recorder.nodes() == [] }
      #expect(service.state.lists == EndpointRunner.maximumLists)
    }
    #expect(recorder.state.removed == ["a"])
  }

  @Test("the nodes of a large cluster don't ask at once what became of one", arguments: [1, 100, 1000])
  func spread(count: Int) async throws {
    let wires = try (0..<count).map { try cluster.wire("n\($0)", endpoints: ["1.2.3.4:5"]) }
    service.change { $0.snapshot = .with { $0.affiliates = wires } }
    try await running(try registry(), recorder) {
      try await eventually("heard") { recorder.nodes().count == count }
      service.tell(Cluster.gone("n0"))
      // In the middle of the time over which they ask.
      try await expectDeadline(
        [1: .milliseconds(100), 100: .milliseconds(500)][count] ?? .milliseconds(2500))
    }
  }
}
