import ClusterModel
import DiscoveryProtocol
import RegistryKit
import TestSupport
import Testing

@testable import ServiceRegistry

extension RunnerTests {
  @Test("what a service refuses is told, and others are still heard")
  func refused() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.updateError = CallError(kind: .refused, message: "says affiliate data is too big")
    }
    let registry = try registry()
    try await running(registry, recorder) {
      async let published: Void = registry.publish(Publication(local: try cluster.affiliate("local")))
      try await eventually("told") { recorder.status.contains("affiliate data is too big") }
      service.tell(cluster.answer(try cluster.wire("a")))
      try await eventually("heard") { recorder.nodes() == ["a"] }
      service.change { $0.updateError = nil }
      try await expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await published
      try await eventually("well") { recorder.state.status == nil }
    }
    #expect(service.state.updates.count == 1)
    #expect(service.state.dialled.count == 1)
  }

  @Test(
    "where endpoints of another are refused, all else is published, and connections come back as soon as ever"
  )
  func refusedForeign() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.refuse = { request in
        request.affiliateID == "b" ? CallError(kind: .exhausted, message: "too many endpoints of b") : nil
      }
    }
    let registry = try registry()
    try await running(registry, recorder) {
      let seen = [try NodeIdentity("b"): [try IPEndpoint("5.6.7.8:51820")]]
      try await registry.publish(Publication(local: try cluster.affiliate("local"), seenEndpoints: seen))
      for round in 1...3 {
        try await eventually("published, and told what isn't") {
          service.state.updates.count == round && recorder.state.snapshots == round
            && recorder.status.contains("too many endpoints of b")
        }
        service.cut()
        // Of what the session waited for nothing is left.
        let next = clock.now.offset + .milliseconds(500)
        try await eventually("it waits as after the first failure") { clock.deadlines == [next] }
        clock.advance(by: .milliseconds(500))
      }
    }
    #expect(Set(service.state.updates.map(\.affiliateID)) == ["local"])
  }

  @Test("new data go out to a service that has too many endpoints of this node")
  func tooManyEndpoints() async throws {
    service.change {
      $0.snapshot = cluster.answer()
      $0.refuse = { request in
        request.affiliateEndpoints.isEmpty ? nil : CallError(kind: .exhausted, message: "too many endpoints")
      }
    }
    let registry = try registry()
    try await running(registry, recorder) {
      var local = try cluster.affiliate("local", endpoints: ["1.2.3.4:51820"])
      for hostname in ["first", "second"] {
        local.hostname = hostname
        try await registry.publish(Publication(local: local))
        let data = try #require(service.state.updates.last).affiliateData
        #expect(try cluster.cipher.openMessage(data).hostname == hostname)
        try await eventually("told") { recorder.status.contains("too many endpoints") }
      }
      service.change { $0.refuse = nil }
      try await expectDeadline(.milliseconds(500))
      clock.advance(by: .milliseconds(500))
      try await eventually("well") { recorder.state.status == nil }
    }
    #expect(service.state.updates.count == 3)
    #expect(service.state.updates.last?.hasAffiliateData == false)
    #expect(service.state.dialled.count == 1)
  }
}
