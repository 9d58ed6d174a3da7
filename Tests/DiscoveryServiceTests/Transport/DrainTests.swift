import NIOCore
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Draining")
  struct DrainTests {
    @Test("watches end with a status, calls in flight are answered, and the connection closes")
    func drain() async throws {
      let slow = SlowStore()
      try await TestServer.with(store: slow) { server in
        try await TestClient.with(server.port) { client in
          let update = client.begin("AffiliateUpdate", Request.update("c", "a"))
          try await eventually("the update is on its way") { server.metrics[.update].received.value == 1 }
          server.drain()
          try await eventually("the client is told to go") { client.record.with { $0.goAway } == .noError }
          try await eventually("and which call is the last one") {
            server.sweep()
            return client.record.with { $0.lastStream } == update
          }
          #expect(!client.answer(update).isOver)
          slow.open()
          let answer = try await client.finished(update)
          #expect(answer.status == 0)
          try await eventually("the connection closes") {
            server.sweep()
            return client.isClosed
          }
        }
      }
    }

    @Test("a watch ends cleanly, also one that waits for its window")
    func watches() async throws {
      try await TestServer.with { server in
        server.update("c", "a", [1])
        try await TestClient.with(server.port) { client in
          try await TestClient.with(server.port, window: 0) { blocked in
            let watch = client.begin("Watch", Request.cluster("c"))
            let waiting = blocked.begin("Watch", Request.cluster("c"))
            try await eventually("both are open") { server.ledger.level(.watches) == 2 }
            try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
            server.drain()
            let first = try await client.finished(watch)
            #expect(first.status == 14)
            #expect(first.isEnded)
            let second = try await blocked.finished(waiting)
            #expect(second.status == 14)
            try await eventually("both connections close") {
              server.sweep()
              return client.isClosed && blocked.isClosed
            }
          }
        }
      }
    }

    @Test("an answer that is larger than the sockets' buffers comes whole before the connection closes")
    func largeAnswer() async throws {
      try await TestServer.with { server in
        for index in 0..<1000 { server.update("c", "a\(index)", [UInt8](repeating: 1, count: 2000)) }
        try await TestClient.with(server.port, window: 1 << 30) { client in
          client.send(.rootStream, .windowUpdate(windowSizeIncrement: 1 << 30))
          _ = try await client.call("Hello", Request.hello("c"))
          try await client.setAutoRead(false)
          let list = client.begin("List", Request.cluster("c"))
          try await eventually("it is being answered") { server.metrics[.list].sent.value > 0 }
          server.drain()
          server.sweep()
          server.sweep()
          try await client.setAutoRead(true)
          let answer = try await client.finished(list)
          #expect(answer.status == 0)
          #expect(answer.messages.first.map { $0.readableBytes > 2_000_000 } == true)
          try await eventually("the connection closes") {
            server.sweep()
            return client.isClosed
          }
        }
      }
    }

    @Test("a connection that comes while the service ends is sent away")
    func lateComer() async throws {
      try await TestServer.with { server in
        server.drain()
        try await TestClient.with(server.port) { client in
          try await eventually("it is closed") {
            server.sweep()
            return client.isClosed
          }
        }
      }
    }
  }
}
