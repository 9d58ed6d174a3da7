import ClusterModel
import NIOCore
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Calls over loopback")
  struct CallTests {
    @Test("an update is listed, watched and deleted")
    func lifeOfAnAffiliate() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the empty snapshot") { client.answer(watch).messages.count == 1 }
          let update = try await client.call(
            "AffiliateUpdate", Request.update("c", "a", data: [1], endpoints: [[2]]))
          #expect(update.status == 0)
          #expect(update.messages == [ByteBuffer()])
          try await eventually("the change") { client.answer(watch).messages.count == 2 }
          let list = try await client.call("List", Request.cluster("c"))
          #expect(
            try DecodedResponse(list.messages[0]).affiliates == [.init(id: "a", data: [1], endpoints: [[2]])])
          _ = try await client.call("AffiliateDelete", Request.delete("c", "a"))
          try await eventually("the deletion") { client.answer(watch).messages.count == 3 }
          let told = try client.watched(watch)
          #expect(told[0].affiliates.isEmpty)
          #expect(told[1].affiliates == [.init(id: "a", data: [1], endpoints: [[2]])])
          #expect(told[2].ids == ["a"])
          #expect(told[2].deleted)
          #expect(!client.answer(watch).isOver)
          #expect(server.ledger.level(.watches) == 1)
        }
        try await eventually("the watch is forgotten") { server.ledger.level(.watches) == 0 }
        #expect(server.store.clusterEntries == 0)
      }
    }

    @Test("hello tells the client's address and the redirect")
    func hello() async throws {
      try await TestServer.with(redirect: "grpc://other:3000") { server in
        try await TestClient.with(server.port) { client in
          let answer = try await client.call("Hello", Request.hello("c", version: "v9"))
          let expected = HelloMessage.make(redirect: "grpc://other:3000", address: [127, 0, 0, 1])
          #expect(answer.data == expected)
          #expect(server.metrics.helloCounts.first?.version == "v9")
          let answer1 = try await client.call("Hello", Request.hello("")).status
          #expect(answer1 == 3)
        }
      }
    }

    @Test("forwarded headers count only from trusted proxies")
    func forwarded() async throws {
      for (trusted, expected) in [([], [127, 0, 0, 1]), ([try IPPrefix("127.0.0.0/8")], [192, 0, 2, 1])]
        as [([IPPrefix], [UInt8])]
      {
        try await TestServer.with(trusted: ClientAddress(trusted: trusted)) { server in
          try await TestClient.with(server.port) { client in
            let answer = try await client.call(
              "Hello", Request.hello("c"), headers: ["x-forwarded-for": "192.0.2.1"])
            #expect(answer.data == HelloMessage.make(redirect: nil, address: expected))
          }
        }
      }
    }

    @Test("a store's refusal becomes the call's status and message")
    func refusal() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port) { client in
          let answer = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1], ttl: -1))
          #expect(answer.status == 3)
          #expect(answer.header("grpc-message") == "ttl can't be negative")
          #expect(answer.headers.count == 1)
          let watch = try await client.call("Watch", Request.cluster(""))
          #expect(watch.header("grpc-message") == "cluster ID can't be empty")
        }
      }
    }

    @Test("calls beyond the burst wait their turn; one whose deadline is too short is refused")
    func rateLimit() async throws {
      let limiter = RateLimiter(rate: 20, burst: 3)
      try await TestServer.with(limiter: limiter) { server in
        try await TestClient.with(server.port) { client in
          let clock = ContinuousClock()
          let start = clock.now
          let calls = (0..<6).map { _ in client.begin("List", Request.cluster("c")) }
          let hurried = try await client.call("List", Request.cluster("c"), headers: ["grpc-timeout": "10m"])
          #expect(hurried.status == 8)
          for call in calls {
            let answer2 = try await client.finished(call).status
            #expect(answer2 == 0)
          }
          #expect(clock.now - start >= .milliseconds(140))
        }
      }
    }

    @Test("a watch with a deadline ends with it")
    func deadline() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port) { client in
          let answer = try await client.call("Watch", Request.cluster("c"), headers: ["grpc-timeout": "50m"])
          #expect(answer.status == 4)
          #expect(answer.messages.count == 1)
        }
      }
    }

    @Test("a call without the right token is refused, one with it is served")
    func tokens() async throws {
      let tokens = try AccessTokens("0123456789abcdef c", file: "tokens")
      try await TestServer.with(tokens: tokens) { server in
        try await TestClient.with(server.port) { client in
          let bearer = ["authorization": "Bearer 0123456789abcdef"]
          let without = try await client.call("List", Request.cluster("c"))
          #expect(without.status == 16)
          let elsewhere = try await client.call("Watch", Request.cluster("d"), headers: bearer)
          #expect(elsewhere.status == 7)
          let allowed = try await client.call("List", Request.cluster("c"), headers: bearer)
          #expect(allowed.status == 0)
        }
      }
    }

    @Test("a store that answers later is waited for, and not beyond the call's deadline")
    func laterAnswers() async throws {
      let slow = SlowStore()
      try await TestServer.with(store: slow) { server in
        try await TestClient.with(server.port) { client in
          let list = client.begin("List", Request.cluster("c"))
          let update = client.begin(
            "AffiliateUpdate", Request.update("c", "a"), headers: ["grpc-timeout": "30m"])
          let answer3 = try await client.finished(update).status
          #expect(answer3 == 4)
          #expect(!client.answer(list).isOver)
          slow.open()
          let answer4 = try await client.finished(list).status
          #expect(answer4 == 0)
        }
      }
    }
  }
}
