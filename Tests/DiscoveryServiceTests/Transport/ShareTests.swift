import ClusterModel
import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  /// What one client does must not take from others what they need.
  @Suite("Shares of clients")
  struct ShareTests {
    private static let here = ClientAddress(trusted: [try? IPPrefix("127.0.0.0/8")].compactMap { $0 })
    private static let greedy = ["x-forwarded-for": "192.0.2.1"]
    private static let honest = ["x-forwarded-for": "192.0.2.2"]

    @Test("an address that leaves its share of answers lying is refused more, and others are answered")
    func held() async throws {
      var limits = SharedLimits()
      limits[.heldBytes].perClient = 5000
      try await TestServer.with(limits: limits, trusted: Self.here) { server in
        server.update("c", "a", [UInt8](repeating: 1, count: 2000))
        try await TestClient.with(server.port, window: 0) { client in
          let lists = (0..<4).map { _ in client.begin("List", Request.cluster("c"), headers: Self.greedy) }
          try await eventually("two are refused") { lists.count { client.answer($0).status == 8 } == 2 }
          let other = client.begin("List", Request.cluster("c"), headers: Self.honest)
          try await eventually("the other's answer is held for it") {
            server.ledger.level(.heldBytes) > 3 * 2000
          }
          #expect(client.answer(other).status == nil)
          #expect(server.ledger.clientCount == 2)
        }
        try await eventually("all is given back") {
          server.ledger.level(.heldBytes) == 0 && server.ledger.clientCount == 0
        }
      }
    }

    @Test("watches of one address and of one cluster are bounded, and a place that is left is free again")
    func watches() async throws {
      for isByClient in [true, false] {
        var options = TransportOptions()
        var limits = SharedLimits()
        if isByClient { limits[.watches].perClient = 3 } else { options.watchesOfCluster = 3 }
        try await TestServer.with(loops: 1, options: options, limits: limits) { server in
          try await TestClient.with(server.port) { client in
            let open = (0..<3).map { _ in client.begin("Watch", Request.cluster("c")) }
            try await eventually("three are open") { server.ledger.level(.watches) == 3 }
            let refused = try await client.call("Watch", Request.cluster("c"))
            #expect(refused.status == 8)
            #expect(refused.header("grpc-message")?.hasPrefix("too many watchers") == true)
            client.send(open[0], .rstStream(.cancel))
            try await eventually("a place is free") { server.ledger.level(.watches) == 2 }
            client.begin("Watch", Request.cluster("c"))
            try await eventually("it is taken") { server.ledger.level(.watches) == 3 }
          }
          try await eventually("all are forgotten") { server.ledger.level(.watches) == 0 }
          #expect(server.ledger.clientCount == 0)
          #expect(server.store.clusterEntries == 0)
        }
      }
    }

    @Test("calls that are refused before their body came give back the window that it used")
    func refusedBodies() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port) { client in
          let body = ByteBuffer(repeating: 0, count: 16_000)
          // Three times the connection's window.
          for _ in 0..<200 {
            let call = client.beginRaw(TestClient.headers("Nothing"), nil, end: false)
            client.send(call, .data(.init(data: .byteBuffer(body), endStream: true)))
            _ = try await client.finished(call)
          }
          let answer = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1]))
          #expect(answer.status == 0)
        }
      }
    }

    @Test("answers that come of one read and are not taken in are booked, not queued unseen")
    func pipelined() async throws {
      var limits = SharedLimits()
      limits[.heldBytes].perClient = limits[.heldBytes].total
      try await TestServer.with(limits: limits) { server in
        for index in 0..<600 { server.update("c", "a\(index)", [UInt8](repeating: 1, count: 2000)) }
        let socket = try await RawSocket.connect(server.port)
        // Windows without bound, and nothing is read: then all of it lies with the service.
        try await socket.setAutoRead(false)
        var bytes = RawSocket.preface
        bytes += RawSocket.frame(type: 4, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF])
        bytes += RawSocket.frame(type: 8, [0x7F, 0xFE, 0, 0])
        // Has the server read in larger pieces from then on.
        socket.write(bytes + RawSocket.frame(type: 99, [UInt8](repeating: 0, count: 16_000)))
        try await eventually("that is read") { server.metrics.connectionsTotal.value == 1 }
        bytes = []
        let message = Array(buffer: TestClient.framed(Request.cluster("c")))
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        for index in 0..<24 {
          var headers = ByteBuffer()
          try encoder.encode(headers: TestClient.headers("List"), to: &headers)
          bytes += RawSocket.frame(
            type: 1, flags: 4, stream: UInt32(2 * index + 1), Array(buffer: headers))
          bytes += RawSocket.frame(type: 0, flags: 1, stream: UInt32(2 * index + 1), message)
        }
        socket.write(bytes)
        // A few of them may be on their way in the sockets' buffers, and once it isn't taken in no more is read.
        try await eventually("the answers are held") { server.ledger.level(.heldBytes) > 5 * 1_200_000 }
        socket.close()
        try await eventually("all is given back") { server.ledger.level(.heldBytes) == 0 }
      }
    }
  }
}
