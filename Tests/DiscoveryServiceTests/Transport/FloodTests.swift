import ClusterModel
import NIOCore
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Floods of calls")
  struct FloodTests {
    @Test("of one address wait their turn or are refused, and other addresses are served at once")
    func oneAddress() async throws {
      let trusted = ClientAddress(trusted: [try IPPrefix("127.0.0.0/8")])
      let limiter = RateLimiter(rate: 15, burst: 60)
      try await TestServer.with(limiter: limiter, trusted: trusted) { server in
        try await TestClient.with(server.port) { attacker in
          try await TestClient.with(server.port) { bystander in
            let clock = ContinuousClock()
            let start = clock.now
            var (served, refused) = (0, 0)
            for _ in 0..<8 {
              let calls = (0..<200).map { _ in
                attacker.begin(
                  "List", Request.cluster("c"),
                  headers: ["x-forwarded-for": "192.0.2.1", "grpc-timeout": "100m"])
              }
              let other = try await bystander.call(
                "List", Request.cluster("c"),
                headers: ["x-forwarded-for": "192.0.2.2", "grpc-timeout": "100m"])
              // The bucket of a bystander who asks now and then is never empty.
              #expect(other.status != 8)
              for call in calls {
                let status = try await attacker.finished(call).status
                if status == 0 { served += 1 } else { refused += 1 }
              }
            }
            let seconds = Double((clock.now - start).components.seconds) + 1
            #expect(served >= 60 && Double(served) <= 61 + 15 * (seconds + 0.1))
            #expect(refused == 1600 - served)
            #expect(server.metrics.rejectionCounts.contains { $0.reason == "rate" })
          }
        }
      }
    }

    @Test("that nobody limits are all answered, and another connection's calls between them")
    func unlimited() async throws {
      try await TestServer.with(loops: 1) { server in
        for index in 0..<20 { server.update("c", "a\(index)", [UInt8](repeating: 7, count: 100)) }
        try await TestClient.with(server.port) { attacker in
          try await TestClient.with(server.port) { bystander in
            for _ in 0..<5 {
              let calls = (0..<200).map { _ in attacker.begin("List", Request.cluster("c")) }
              let other = try await bystander.call(
                "List", Request.cluster("d"), headers: ["grpc-timeout": "60S"])
              #expect(other.status == 0)
              for call in calls {
                let answer = try await attacker.finished(call)
                #expect(answer.status == 0 && answer.data.readableBytes > 2000)
              }
              attacker.record.with { $0.answers = [:] }
            }
            #expect(server.metrics[.list].handled[0].value == 5 * 201)
          }
        }
        try await eventually("nothing is left") { server.ledger.level(.connections) == 0 }
        #expect(server.ledger.level(.heldBytes) == 0)
      }
    }

    @Test("of updates fill a cluster and an affiliate to their limits, and no further")
    func updates() async throws {
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { attacker in
          var statuses: [Int: Int] = [:]
          for base in 0..<6 {
            let calls = (0..<200).map { index in
              attacker.begin(
                "AffiliateUpdate",
                Request.update("c", "a\(base * 200 + index)", data: [1], endpoints: [[2]]))
            }
            for call in calls { statuses[try await attacker.finished(call).status ?? -1, default: 0] += 1 }
          }
          #expect(statuses == [0: 1024, 8: 176])
          #expect(server.store.statistics().affiliates == 1024)
          statuses = [:]
          for index in 0..<100 as Range<UInt8> {
            let call = attacker.begin("AffiliateUpdate", Request.update("c", "a0", endpoints: [[3, index]]))
            statuses[try await attacker.finished(call).status ?? -1, default: 0] += 1
          }
          #expect(statuses == [0: 63, 8: 37])
          #expect(server.store.statistics().endpoints == 1024 + 63)
        }
      }
    }
  }
}
