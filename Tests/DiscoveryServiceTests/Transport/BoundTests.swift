import ClusterModel
import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  /// What one client may hold is bounded, whatever it does.
  @Suite("Bounds of what a client holds")
  struct BoundTests {
    /// A connection that is in the middle of a frame for ever.
    private func half(_ server: TestServer, bytes count: Int) async throws -> RawSocket {
      let socket = try await RawSocket.connect(server.port)
      let frame = FrameBytes.headers(1) + FrameBytes.data(1, [UInt8](repeating: 1, count: 16_000))
      socket.write(FrameBytes.opening + frame.dropLast(16_000 - count))
      return socket
    }

    @Test("frames of no known kind, never written to their end, take no memory and end the connection")
    func unknownFrames() async throws {
      try await TestServer.with(loops: 1) { server in
        let socket = try await RawSocket.connect(server.port)
        let frame = RawSocket.frame(type: 77, [UInt8](repeating: 1, count: 16_384))
        var rest = (RawSocket.preface + RawSocket.emptySettings)[...] + (0..<1500).flatMap { _ in frame }
        while !rest.isEmpty, !socket.isClosed {
          socket.write(Array(rest.prefix(16_000)))
          rest = rest.dropFirst(16_000)
          #expect(server.ledger.level(.receivedBytes) <= 16_384)
        }
        try await eventually("it is cut off") { socket.isClosed }
        #expect(server.metrics.rejectionCounts.map(\.reason) == ["quiet_frames"])
        #expect(server.ledger.level(.receivedBytes) == 0)
      }
    }

    @Test("frames and requests that aren't whole are booked, and more than a client's share is refused")
    func received() async throws {
      var limits = SharedLimits()
      limits[.receivedBytes].perClient = 50_000
      try await TestServer.with(loops: 1, limits: limits) { server in
        var sockets = [try await half(server, bytes: 15_000), try await half(server, bytes: 15_000)]
        try await eventually("both are booked") { server.ledger.level(.receivedBytes) >= 30_000 }
        #expect(server.ledger.level(.receivedBytes) <= 50_000)
        for _ in 0..<3 { sockets.append(try await half(server, bytes: 15_000)) }
        try await eventually("others are cut off") { sockets.count(where: \.isClosed) >= 2 }
        #expect(server.ledger.level(.receivedBytes) <= 50_000)
        for socket in sockets { socket.close() }
        try await eventually("all is given back") { server.ledger.clientCount == 0 }
      }
    }

    @Test("a request whose bytes there is no room for gets a status, and the connection lives on")
    func unfinishedRequests() async throws {
      var limits = SharedLimits()
      limits[.receivedBytes].perClient = 50_000
      try await TestServer.with(loops: 1, limits: limits) { server in
        try await TestClient.with(server.port) { client in
          let body = ByteBuffer(repeating: 1, count: 16_000)
          let calls = (0..<8).map { _ in
            client.beginRaw(TestClient.headers("AffiliateUpdate"), body, end: false)
          }
          try await eventually("some are refused") { calls.contains { client.answer($0).isOver } }
          let refused = try #require(calls.first { client.answer($0).isOver })
          #expect(client.answer(refused).status == 8)
          #expect(client.answer(refused).header("grpc-message")?.contains("unfinished requests") == true)
          for call in calls where !client.answer(call).isOver { client.send(call, .rstStream(.cancel)) }
          try await eventually("all is given back") { server.ledger.level(.receivedBytes) == 0 }
          let answer = try await client.call("List", Request.cluster("c"))
          #expect(answer.status == 0)
        }
      }
    }

    @Test("calls that wait for their turn keep ids, not their requests; too many of them are refused")
    func waitingCalls() async throws {
      var limits = SharedLimits()
      limits[.waitingCalls].perClient = 100
      let limiter = RateLimiter(rate: 1, burst: 1)
      try await TestServer.with(loops: 1, limits: limits, limiter: limiter) { server in
        try await TestClient.with(server.port) { client in
          _ = try await client.call("Hello", Request.hello("c"))
          let version = String(repeating: "v", count: 9000)
          for _ in 0..<100 { client.begin("Hello", Request.hello("c", version: version)) }
          try await eventually("all wait") { server.ledger.level(.waitingCalls) == 100 }
          #expect(server.ledger.level(.receivedBytes) < 100 * 1024)
          let refused = try await client.call("Hello", Request.hello("c"))
          #expect(refused.status == 8)
          #expect(server.metrics.rejectionCounts.contains { $0.reason == "client_waiting_calls" })
        }
        try await eventually("none waits any more") { server.ledger.clientCount == 0 }
      }
    }

    @Test("calls that are never finished are bounded for each client")
    func unansweredCalls() async throws {
      var limits = SharedLimits()
      limits[.calls].perClient = 20
      try await TestServer.with(loops: 1, limits: limits) { server in
        try await TestClient.with(server.port) { client in
          let calls = (0..<30).map { _ in
            client.beginRaw(TestClient.headers("List"), ByteBuffer(bytes: [0]), end: false)
          }
          try await eventually("some are refused") { calls.contains { client.answer($0).status == 8 } }
          #expect(server.ledger.level(.calls) <= 20)
        }
        try await eventually("all are forgotten") { server.ledger.clientCount == 0 }
      }
    }

    @Test("what watchers without a window are owed is kept once for all of them, and is in the account")
    func heldChanges() async throws {
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { client in
          let watches = (0..<50).map { _ in client.begin("Watch", Request.cluster("c")) }
          try await eventually("all are open") {
            watches.allSatisfy { client.answer($0).messages.count == 1 }
          }
          client.send(.rootStream, .settings(.settings([.init(parameter: .initialWindowSize, value: 0)])))
          try await eventually("no window") { client.record.with { $0.settingsAcks } >= 2 }
          for index in 0..<100 { server.update("c", "a\(index)", [UInt8](repeating: 1, count: 1000)) }
          try await eventually("the changes are held") { server.ledger.level(.heldBytes) > 100 * 1000 }
          #expect(server.ledger.level(.heldBytes) < 2 * 100 * 1300)
          client.send(
            .rootStream, .settings(.settings([.init(parameter: .initialWindowSize, value: 1 << 24)])))
          client.send(.rootStream, .windowUpdate(windowSizeIncrement: 1 << 28))
          try await eventually("all are told") {
            watches.allSatisfy { client.answer($0).messages.count == 101 }
          }
          try await eventually("nothing is held") {
            server.sweep()
            return server.ledger.level(.heldBytes) == 0
          }
        }
      }
    }

    @Test("clusters that are only watched take nobody's place")
    func watchedClusters() async throws {
      var limits = SharedLimits()
      limits[.clusters].total = 3
      try await TestServer.with(loops: 1, limits: limits) { server in
        try await TestClient.with(server.port) { client in
          let watches = (0..<100).map { client.begin("Watch", Request.cluster("made-up-\($0)")) }
          try await eventually("all are open") {
            watches.allSatisfy { client.answer($0).messages.count == 1 }
          }
          let answer = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1]))
          #expect(answer.status == 0)
          #expect(server.ledger.level(.clusters) == 1)
        }
      }
    }

    @Test("clusters, affiliates and bytes of one client are bounded, and others have room")
    func state() async throws {
      let here = ClientAddress(trusted: [try IPPrefix("127.0.0.0/8")])
      let cases: [(SharedResource, Int, (Int) -> ByteBuffer)] = [
        (.clusters, 5, { Request.update("c\($0)", "a", data: [1]) }),
        (.affiliates, 5, { Request.update("c", "a\($0)", data: [1]) }),
        (.stateBytes, 5000, { Request.update("c", "a\($0)", data: [UInt8](repeating: 1, count: 600)) }),
      ]
      for (resource, bound, request) in cases {
        var limits = SharedLimits()
        limits[resource].perClient = bound
        try await TestServer.with(loops: 1, limits: limits, trusted: here) { server in
          try await TestClient.with(server.port) { client in
            var refused: [TestClient.Answer] = []
            for index in 0..<10 {
              let answer = try await client.call(
                "AffiliateUpdate", request(index), headers: ["x-forwarded-for": "192.0.2.1"])
              if answer.status == 8 { refused.append(answer) }
            }
            #expect(refused.count >= 5, "\(resource)")
            #expect(refused[0].header("grpc-message") == "too many \(resource.plural) of one address")
            let other = try await client.call(
              "AffiliateUpdate", request(99), headers: ["x-forwarded-for": "192.0.2.2"])
            #expect(other.status == 0)
            #expect(server.ledger.level(resource, of: IPAddress(v4: 0xC000_0201)) <= bound)
            for index in 0..<10 {
              let (cluster, affiliate) = resource == .clusters ? ("c\(index)", "a") : ("c", "a\(index)")
              _ = try await client.call("AffiliateDelete", Request.delete(cluster, affiliate))
            }
            #expect(server.ledger.level(resource, of: IPAddress(v4: 0xC000_0201)) == 0)
          }
        }
      }
    }

    @Test("WINDOW_UPDATEs over and over, with many watches waiting, end the connection")
    func windowUpdates() async throws {
      try await TestServer.with(loops: 1) { server in
        server.update("c", "a", [1])
        let socket = try await RawSocket.connect(server.port)
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        var bytes = RawSocket.preface + FrameBytes.settings(4, 0)
        let message = Array(buffer: TestClient.framed(Request.cluster("c")))
        for index in 0..<200 as Range<UInt32> {
          var headers = ByteBuffer()
          try encoder.encode(headers: TestClient.headers("Watch"), to: &headers)
          bytes += RawSocket.frame(type: 1, flags: 4, stream: 2 * index + 1, Array(buffer: headers))
          bytes += FrameBytes.data(2 * index + 1, message, ends: true)
        }
        socket.write(bytes)
        try await eventually("all wait") { server.ledger.level(.watches) == 200 }
        for _ in 0..<20 where !socket.isClosed {
          socket.write((0..<1000).flatMap { _ in FrameBytes.windowUpdate(0, 1) })
        }
        try await eventually("it is cut off") { socket.isClosed }
        #expect(server.metrics.rejectionCounts.contains { $0.reason == "quiet_frames" })
        try await eventually("nothing is left") {
          server.ledger.clientCount == 0 && server.store.clusterEntries == 1
        }
      }
    }

    @Test("connections of one client are bounded, and one too many is told why")
    func connections() async throws {
      var limits = SharedLimits()
      limits[.connections].perClient = 3
      try await TestServer.with(loops: 1, limits: limits) { server in
        var sockets: [RawSocket] = []
        for count in 1...3 {
          sockets.append(try await RawSocket.connect(server.port))
          try await eventually("it is open") { server.ledger.level(.connections) == count }
        }
        let fourth = try await RawSocket.connect(server.port)
        try await eventually("it is closed") { fourth.isClosed }
        #expect(
          String(decoding: fourth.received, as: UTF8.self).contains("too many connections of one address"))
        let elsewhere = try await RawSocket.connect(server.port, from: "127.0.0.2")
        try await eventually("another client's is open") { server.ledger.level(.connections) == 4 }
        for socket in sockets + [elsewhere] { socket.close() }
        try await eventually("all are given back") { server.ledger.clientCount == 0 }
      }
    }

    @Test("refused calls over and over aren't read for a while, and others are served")
    func refusals() async throws {
      var options = TransportOptions()
      options.refusals = 100
      try await TestServer.with(loops: 1, options: options) { server in
        for _ in 0..<2 {
          try await TestClient.with(server.port) { attacker in
            for _ in 0..<4 {
              let calls = (0..<200).map { _ in attacker.begin("Nothing", Request.cluster("c")) }
              for call in calls { _ = try await attacker.finished(call) }
            }
            let answer = try await attacker.call("List", Request.cluster("c"))
            #expect(answer.status == 0)
          }
        }
        #expect(server.metrics.rejectionCounts.first { $0.reason == "method" }?.count == 1600)
        #expect(server.metrics.pausedReads.value > 0)
      }
    }
  }
}
