import NIOCore
import NIOHTTP2
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Watches and flow control")
  struct WatchTests {
    /// The state that a watch's messages add up to.
    private func state(_ responses: [DecodedResponse]) -> [String: [UInt8]] {
      var result: [String: [UInt8]] = [:]
      for response in responses {
        for affiliate in response.affiliates {
          result[affiliate.id] = response.deleted ? nil : affiliate.data
        }
      }
      return result
    }

    @Test(
      "a first answer is a snapshot, whole, however small the windows are", arguments: [1, 7, 100, 65_535])
    func tinyWindows(window: Int) async throws {
      try await TestServer.with { server in
        for index in 0..<20 {
          server.update("c", "a\(index)", [UInt8](repeating: UInt8(index), count: min(window * 10, 200)))
        }
        try await TestClient.with(server.port, window: window) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
          server.update("c", "later", [UInt8](repeating: 1, count: 30))
          try await eventually("the change") { client.answer(watch).messages.count == 2 }
          let told = try client.watched(watch)
          #expect(told[0].affiliates.count == 20)
          #expect(told[1].ids == ["later"])
          let list = try await client.call("List", Request.cluster("c"))
          #expect(list.status == 0)
          #expect(try DecodedResponse(list.messages[0]).affiliates.count == 21)
        }
        try await eventually("nothing is held any more") { server.ledger.level(.heldBytes) == 0 }
      }
    }

    @Test("a watcher without any window gets one state per affiliate when it opens one, the newest")
    func zeroWindow() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port, window: 5) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the empty snapshot") { client.answer(watch).messages.count == 1 }
          // Stop crediting: the window of five bytes is used up by the first change's head.
          client.send(.rootStream, .settings(.settings([.init(parameter: .initialWindowSize, value: 0)])))
          try await eventually("the settings are taken over") { client.record.with { $0.settingsAcks } >= 2 }
          for round in 1...100 {
            for index in 0..<10 { server.update("c", "a\(index)", [UInt8(round)]) }
          }
          try await eventually("changes are coalesced") { server.metrics.coalesced.value >= 900 }
          #expect(client.answer(watch).messages.count == 1)
          client.send(
            .rootStream, .settings(.settings([.init(parameter: .initialWindowSize, value: 65_535)])))
          try await eventually("the newest states") {
            try state(client.watched(watch))
              == Dictionary(uniqueKeysWithValues: (0..<10).map { ("a\($0)", [100]) })
          }
          #expect(client.answer(watch).messages.count <= 31)
          #expect(!client.answer(watch).isOver)
        }
      }
    }

    @Test("a watch that opens without any window gets its snapshot when there is one, with all that happened")
    func opensWithoutWindow() async throws {
      try await TestServer.with { server in
        server.update("c", "a", [1])
        try await TestClient.with(server.port, window: 0) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the headers") { client.answer(watch).headers.count == 1 }
          server.update("c", "a", [2])
          server.update("c", "b", [3])
          client.send(watch, .windowUpdate(windowSizeIncrement: 10_000))
          try await eventually("the snapshot") { try state(client.watched(watch)) == ["a": [2], "b": [3]] }
          #expect(client.answer(watch).messages.count == 1)
          server.update("c", "a", [4])
          try await eventually("a change") { client.answer(watch).messages.count == 2 }
        }
      }
    }

    @Test("a client that stops reading for a while misses no final state and costs little")
    func slowReader() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port, window: 1 << 30) { client in
          client.send(.rootStream, .windowUpdate(windowSizeIncrement: 1 << 30))
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
          try await client.setAutoRead(false)
          // Far more than what sockets buffer.
          let block = [UInt8](repeating: 9, count: 2000)
          for round in 0..<200 {
            for index in 0..<100 { server.update("c", "a\(index)", block + [UInt8(round)]) }
          }
          try await eventually("changes are coalesced") { server.metrics.coalesced.value > 1000 }
          try await client.setAutoRead(true)
          try await eventually("the final states") {
            let seen = try state(client.watched(watch))
            return seen.count == 100 && seen.values.allSatisfy { $0.last == 199 }
          }
          #expect(!client.answer(watch).isOver)
          #expect(client.answer(watch).messages.count < 20_001)
        }
      }
    }

    @Test("every watcher ends with the same state as a fresh list, whatever loops and windows they have")
    func convergence() async throws {
      try await TestServer.with(loops: 3) { server in
        var clients: [(TestClient, HTTP2StreamID)] = []
        for window in [1, 50, 1000, 65_535, 0, 65_535] {
          let client = try await TestClient.connect(server.port, window: window)
          clients.append((client, client.begin("Watch", Request.cluster("c"))))
          for index in 0..<60 {
            server.update("c", "a\(index % 23)", [UInt8(window & 255), UInt8(index)])
            if index % 5 == 0 {
              _ = server.store.delete(cluster: OpaqueID("c"), affiliate: OpaqueID("a\(index % 7)"))
            }
          }
        }
        clients[4].0.send(clients[4].1, .windowUpdate(windowSizeIncrement: 1 << 20))
        guard case .ready(let listed) = server.store.list(cluster: OpaqueID("c")) else { throw GaveUp() }
        let final = state([try DecodedResponse(framed: try listed.get())])
        for (client, watch) in clients {
          try await eventually("the final state") { try state(client.watched(watch)) == final }
          client.close()
        }
      }
    }

    @Test("a quiet cluster's change is told at once, those that follow at once go out together")
    func coalescing() async throws {
      var options = TransportOptions()
      // A second after one change.
      options.coalescing = .seconds(5)
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
          let elsewhere = client.begin("Watch", Request.cluster("d"))
          try await eventually("the other's") { client.answer(elsewhere).messages.count == 1 }
          let turns = server.metrics.fanOut.read().cumulative.last ?? 0
          for index in 0..<20 { server.update("c", "a\(index)", [1]) }
          server.update("d", "a", [1])
          try await eventually("all are told") { client.answer(watch).messages.count == 21 }
          #expect(client.answer(elsewhere).messages.count == 2)
          let more = (server.metrics.fanOut.read().cumulative.last ?? 0) - turns
          #expect(more <= 4)
        }
      }
    }

    @Test("a thousand watchers that vanish leave nothing behind")
    func vanish() async throws {
      try await TestServer.with { server in
        var clients: [TestClient] = []
        for _ in 0..<10 {
          let client = try await TestClient.connect(server.port)
          for index in 0..<100 { client.begin("Watch", Request.cluster("c\(index)")) }
          clients.append(client)
        }
        try await eventually("all watch") { server.ledger.level(.watches) == 1000 }
        for client in clients { client.close() }
        try await eventually("all are forgotten") {
          server.ledger.level(.watches) == 0 && server.ledger.level(.connections) == 0
        }
        #expect(server.store.clusterEntries == 0)
        #expect(server.ledger.level(.heldBytes) == 0)
      }
    }

    @Test("a watch that its client resets is forgotten, and the connection lives on")
    func reset() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port, window: 3) { client in
          server.update("c", "a", [UInt8](repeating: 1, count: 1000))
          for _ in 0..<20 {
            let watch = client.begin("Watch", Request.cluster("c"))
            try await eventually("it is open") { client.answer(watch).data.readableBytes > 0 }
            client.send(watch, .rstStream(.cancel))
          }
          try await eventually("all are forgotten") { server.ledger.level(.watches) == 0 }
          #expect(server.ledger.level(.heldBytes) == 0)
          let answer1 = try await client.call("List", Request.cluster("c")).status
          #expect(answer1 == 0)
        }
      }
    }

    @Test("a list that its client doesn't take in is given up")
    func stalledList() async throws {
      var options = TransportOptions()
      options.requestTimeout = .milliseconds(50)
      try await TestServer.with(options: options) { server in
        server.update("c", "a", [UInt8](repeating: 1, count: 1000))
        try await TestClient.with(server.port, window: 0) { client in
          let list = client.begin("List", Request.cluster("c"))
          try await eventually("it is reset") {
            server.sweep()
            return client.answer(list).reset == .cancel
          }
          #expect(server.ledger.level(.heldBytes) == 0)
        }
      }
    }

    @Test("answers that nobody takes in are bounded in all")
    func heldBytes() async throws {
      var limits = SharedLimits()
      limits[.heldBytes].total = 5000
      try await TestServer.with(limits: limits) { server in
        server.update("c", "a", [UInt8](repeating: 1, count: 2000))
        try await TestClient.with(server.port, window: 0) { client in
          let lists = (0..<4).map { _ in client.begin("List", Request.cluster("c")) }
          try await eventually("two are refused") { lists.count { client.answer($0).status == 8 } == 2 }
          #expect(server.ledger.level(.heldBytes) <= 5000)
        }
        try await eventually("all is given back") { server.ledger.level(.heldBytes) == 0 }
      }
    }
  }
}
