import ClusterModel
import DiscoveryProtocol
import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

extension RunnerTests {
  @Test("the end of an endpoint isn't taken for the end of its node")
  func falseDeletion() async throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    service.change {
      $0.snapshot = cluster.answer(wire)
      $0.list = .with { $0.affiliates = [wire] }
    }
    try await running {
      try await eventually("read") { recorder.nodes() == ["a"] }
      service.send(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(100))
      clock.advance(by: .milliseconds(100))
      try await eventually("asked") { service.state.lists == 1 }
      service.change { $0.list = WireListResponse() }
      service.send(cluster.answer(try cluster.wire("b")))
      try await eventually("read on") { recorder.nodes() == ["a", "b"] }
      service.send(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(200))
      clock.advance(by: .milliseconds(100))
      try await eventually("gone") { recorder.nodes() == ["b"] }
    }
    #expect(recorder.removed == ["remove a removed"])
  }

  @Test("a node that the service gives a reason for is gone at once")
  func statedReason() async throws {
    service.change { $0.snapshot = cluster.answer() }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
      service.send(cluster.answer(try cluster.wire("a", endpoints: ["1.2.3.4:5"])))
      service.send(Cluster.gone("a", .expired))
      try await eventually("gone") { recorder.removed == ["remove a expired"] }
    }
    #expect(service.state.lists == 0)
  }

  @Test("where the service doesn't say whether a node is gone, it is stale, and asked for until it does")
  func listFails() async throws {
    let wire = try cluster.wire("a", endpoints: ["1.2.3.4:5"])
    service.change { $0.snapshot = cluster.answer(wire) }
    try await running {
      try await eventually("read") { recorder.nodes() == ["a"] }
      service.send(Cluster.gone("a"))
      var wait = Duration.milliseconds(100)
      for count in 1...15 {
        try await expectDeadline(clock.now.offset + wait)
        clock.advance(by: wait)
        try await eventually("asked \(count) times") { service.state.lists == count }
        wait = count == 1 ? .milliseconds(500) : min(wait * 1.5, .seconds(60))
      }
      #expect(recorder.nodes() == ["a?"])
      try await expectDeadline(clock.now.offset + wait)
      service.change { $0.list = .with { $0.affiliates = [wire] } }
      clock.advance(by: wait)
      try await eventually("it is there") { recorder.nodes() == ["a"] }
      // It isn't asked once more.
      service.send(cluster.answer(try cluster.wire("b")))
      try await eventually("read on") { recorder.nodes() == ["a", "b"] }
      #expect(service.state.lists == 16)
    }
    #expect(recorder.batches == ["snapshot a, reading", "upsert a?", "upsert a", "upsert b"])
  }

  @Test("what a service doesn't answer the next session's snapshot does")
  func settledBySnapshot() async throws {
    service.change { $0.snapshot = cluster.answer() }
    try await running {
      try await eventually("synced") { recorder.snapshots == 1 }
      service.send(cluster.answer(try cluster.wire("a", endpoints: ["1.2.3.4:5"])))
      service.send(Cluster.gone("a"))
      try await expectDeadline(.milliseconds(100))
      clock.advance(by: .milliseconds(100))
      try await eventually("stale") { recorder.nodes() == ["a?"] }
      service.cut()
      // When the second question would have been asked, there is a new session.
      try await passWait(.milliseconds(500))
      try await eventually("settled") { recorder.snapshots == 2 && recorder.nodes() == [] }
      #expect(service.state.lists == 1)
    }
  }

  @Test("the nodes of a large cluster don't ask at once what became of one", arguments: [1, 100, 1000])
  func spread(count: Int) async throws {
    let wires = try (0..<count).map { try cluster.wire("n\($0)", endpoints: ["1.2.3.4:5"]) }
    service.change { $0.snapshot = .with { $0.affiliates = wires } }
    try await running {
      try await eventually("read") { recorder.nodes().count == count }
      service.send(Cluster.gone("n0"))
      // In the middle of the time over which they ask.
      try await expectDeadline(
        [1: .milliseconds(100), 100: .milliseconds(500)][count] ?? .milliseconds(2500))
    }
  }
}
