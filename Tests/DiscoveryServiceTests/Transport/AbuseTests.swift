import NIOCore
import NIOHTTP2
import TestSupport
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Hostile clients")
  struct AbuseTests {
    /// Runs a hostile client, then sees whether others are served and nothing is left of it.
    private func survive(
      options: TransportOptions = TransportOptions(), _ attack: (TestServer, RawSocket) async throws -> Void
    ) async throws {
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { bystander in
          let watch = bystander.begin("Watch", Request.cluster("c"))
          try await eventually("the bystander watches") { bystander.answer(watch).messages.count == 1 }
          let socket = try await RawSocket.connect(server.port)
          try await attack(server, socket)
          server.update("c", "a", [1])
          try await eventually("the bystander is told") { bystander.answer(watch).messages.count == 2 }
          socket.close()
          try await eventually("the attacker is forgotten") { server.ledger.level(.connections) == 1 }
          #expect(server.ledger.level(.heldBytes) == 0)
        }
      }
    }

    private func cutOff(_ socket: RawSocket) async throws {
      try await eventually("the connection is closed") { socket.isClosed }
    }

    @Test("a flood of PINGs ends the connection")
    func pings() async throws {
      try await survive { _, socket in
        let ping = RawSocket.frame(type: 6, [UInt8](repeating: 0, count: 8))
        socket.write(RawSocket.preface + RawSocket.emptySettings)
        for _ in 0..<30 { socket.write((0..<1000).flatMap { _ in ping }) }
        try await cutOff(socket)
      }
    }

    @Test("PINGs as a watcher's bandwidth estimator sends them, one for each thing it is sent, end nothing")
    func estimatorPings() async throws {
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
          for round in 0..<600 {
            server.update("c", "a", [UInt8(round & 255), UInt8(round >> 8)])
            try await eventually("the change") { client.answer(watch).messages.count == round + 2 }
            client.send(.rootStream, .ping(HTTP2PingData(withInteger: UInt64(round)), ack: false))
          }
          try await eventually("the acknowledgements") { client.record.with { $0.pingAcks } == 600 }
          #expect(!client.isClosed)
        }
      }
    }

    @Test("a flood of SETTINGS ends the connection")
    func settings() async throws {
      try await survive { _, socket in
        socket.write(RawSocket.preface)
        for _ in 0..<30 { socket.write((0..<1000).flatMap { _ in RawSocket.emptySettings }) }
        try await cutOff(socket)
      }
    }

    @Test("calls that are reset at once, over and over, end the connection")
    func rapidReset() async throws {
      try await TestServer.with(loops: 1) { server in
        try await TestClient.with(server.port) { client in
          for _ in 0..<2000 where !client.isClosed {
            let id = client.beginRaw(TestClient.headers("Watch"), nil, end: false)
            client.send(id, .rstStream(.cancel))
          }
          try await eventually("the connection is closed") { client.isClosed }
          #expect(client.record.with { $0.goAway } == .enhanceYourCalm)
        }
        try await eventually("nothing is left") { server.ledger.level(.connections) == 0 }
      }
    }

    @Test("headers that never end, in CONTINUATION after CONTINUATION, end the connection")
    func continuations() async throws {
      try await survive { _, socket in
        socket.write(RawSocket.preface + RawSocket.emptySettings)
        socket.write(RawSocket.frame(type: 1, stream: 1, [0x82]))
        for _ in 0..<1000 where !socket.isClosed { socket.write(RawSocket.frame(type: 9, stream: 1, [0x84])) }
        try await cutOff(socket)
      }
    }

    @Test("a header list beyond the limit ends the connection")
    func hugeHeaders() async throws {
      try await survive { _, socket in
        socket.write(RawSocket.preface + RawSocket.emptySettings)
        // Literals without indexing: a name of one byte and a value of a hundred.
        let field: [UInt8] = [0x00, 1, 0x78, 100] + [UInt8](repeating: 0x79, count: 100)
        let block = (0..<140).flatMap { _ in field }
        socket.write(RawSocket.frame(type: 1, flags: 0, stream: 1, block))
        socket.write(RawSocket.frame(type: 9, flags: 4, stream: 1, block))
        try await cutOff(socket)
      }
    }

    @Test("streams beyond the limit are refused, and very many of them end the connection")
    func manyStreams() async throws {
      var options = TransportOptions()
      options.concurrentStreams = 50
      try await TestServer.with(loops: 1, options: options) { server in
        let client = try await RawSocket.connect(server.port)
        client.write(RawSocket.preface + RawSocket.emptySettings)
        // POST, http, a path of the static table, and a literal content-type: calls that stay open.
        let type = Array("application/grpc".utf8)
        let path = Array("/sidero.discovery.server.Cluster/List".utf8)
        let block: [UInt8] =
          [0x83, 0x86, 0x04, UInt8(path.count)] + path + [0x0F, 0x10, UInt8(type.count)] + type
        for base in 0..<1000 as Range<UInt32> where !client.isClosed {
          client.write(
            (0..<100 as Range<UInt32>).flatMap {
              RawSocket.frame(type: 1, flags: 4, stream: (base * 100 + $0) * 2 + 1, block)
            })
        }
        try await cutOff(client)
        try await eventually("nothing is left") { server.ledger.level(.connections) == 0 }
      }
    }

    @Test("zero windows on every stream hold nothing back for others and little for the attacker")
    func zeroWindows() async throws {
      var limits = SharedLimits()
      limits[.heldBytes].total = 100_000
      try await TestServer.with(loops: 1, limits: limits) { server in
        for index in 0..<20 { server.update("c", "a\(index)", [UInt8](repeating: 1, count: 2000)) }
        try await TestClient.with(server.port, window: 0) { attacker in
          for index in 0..<200 { attacker.begin(index % 2 == 0 ? "Watch" : "List", Request.cluster("c")) }
          try await eventually("all are dealt with") {
            server.metrics[.watch].started.value + server.metrics[.list].started.value == 200
          }
          #expect(server.ledger.level(.heldBytes) <= 100_000)
          try await TestClient.with(server.port) { client in
            let answer = try await client.call("List", Request.cluster("c"))
            #expect(answer.status == 0)
          }
        }
        try await eventually("all is given back") {
          server.ledger.level(.heldBytes) == 0 && server.ledger.level(.watches) == 0
        }
      }
    }

    @Test("garbage instead of HTTP/2 ends the connection")
    func garbage() async throws {
      for bytes in [Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8), [UInt8](repeating: 0xFF, count: 5000)] {
        try await survive { _, socket in
          socket.write(bytes)
          try await cutOff(socket)
        }
      }
    }

    @Test("broken frames end the connection", arguments: [0, 1, 2, 3, 4, 5])
    func brokenFrames(kind: Int) async throws {
      let frames: [[UInt8]] = [
        RawSocket.frame(type: 6, [1, 2, 3]),  // PING of three bytes
        RawSocket.frame(type: 8, [0, 0, 0, 0]),  // WINDOW_UPDATE of zero
        RawSocket.frame(type: 8, [0x7F, 0xFF, 0xFF, 0xFF]),  // window overflow
        RawSocket.frame(type: 0, stream: 5, [1]),  // DATA on an idle stream
        RawSocket.frame(type: 4, [0, 4, 0xFF, 0xFF, 0xFF, 0xFF]),  // initial window beyond 2^31
        [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1],  // a frame of 16 MB
      ]
      try await survive { _, socket in
        socket.write(RawSocket.preface + RawSocket.emptySettings + frames[kind])
        try await cutOff(socket)
      }
    }

    @Test("random bytes after the preface never stop the service")
    func fuzz() async throws {
      try await TestServer.with(loops: 1) { server in
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
          let socket = try await RawSocket.connect(server.port)
          var bytes = RawSocket.preface + RawSocket.emptySettings
          for _ in 0..<Int.random(in: 1..<6, using: &generator) {
            let payload = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
              UInt8.random(in: 0...255, using: &generator)
            }
            bytes += RawSocket.frame(
              type: UInt8.random(in: 0...10, using: &generator),
              flags: UInt8.random(in: 0...255, using: &generator),
              stream: UInt32.random(in: 0...5, using: &generator), payload)
          }
          socket.write(bytes)
          socket.close()
        }
        try await eventually("all are gone") { server.ledger.level(.connections) == 0 }
        try await TestClient.with(server.port) { client in
          let answer = try await client.call("List", Request.cluster("c"))
          #expect(answer.status == 0)
        }
      }
    }

    @Test("ten thousand cluster ids that are only asked for leave nothing behind")
    func clusterIDs() async throws {
      try await TestServer.with { server in
        try await TestClient.with(server.port) { client in
          for base in 0..<50 {
            let calls = (0..<200).map { client.begin("List", Request.cluster("c\(base * 200 + $0)")) }
            for call in calls { _ = try await client.finished(call) }
          }
          #expect(server.metrics[.list].handled[0].value == 10_000)
          #expect(server.store.clusterEntries == 0)
        }
      }
    }

    @Test("a watcher that reads nothing at all for long is cut off")
    func stalled() async throws {
      var options = TransportOptions()
      options.stallTimeout = .seconds(2)
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port, window: 1 << 30) { client in
          client.send(.rootStream, .windowUpdate(windowSizeIncrement: 1 << 30))
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the snapshot") { client.answer(watch).messages.count == 1 }
          try await client.setAutoRead(false)
          let clock = ContinuousClock()
          let start = clock.now
          var round: UInt8 = 0
          let block = [UInt8](repeating: 9, count: 2000)
          try await eventually("it is cut off") {
            round &+= 1
            for index in 0..<100 { server.update("c", "a\(index)", block + [round]) }
            server.sweep()
            return server.ledger.level(.connections) == 0
          }
          #expect(clock.now - start >= .seconds(2))
          #expect(server.metrics.rejectionCounts.contains { $0.reason == "stalled" })
          #expect(server.ledger.level(.watches) == 0 && server.ledger.level(.heldBytes) == 0)
        }
      }
    }

    @Test("a connection that says nothing is closed, and so is one without calls")
    func silence() async throws {
      var options = TransportOptions()
      options.prefaceTimeout = .milliseconds(30)
      let certificates = try await Certificates()
      let pair = try await certificates.make("server", names: "DNS:localhost")
      let certificate = try ServerCertificate(certificatePath: pair.certificate, keyPath: pair.key)
      for (certificate, greeting) in [(nil, []), (certificate, []), (certificate, [22, 3, 1, 2, 0, 1, 0])]
        as [(ServerCertificate?, [UInt8])]
      {
        try await TestServer.with(loops: 1, options: options, certificate: certificate) { server in
          let silent = try await RawSocket.connect(server.port)
          silent.write(greeting)
          try await eventually("the silent one is closed, also within TLS's handshake") {
            server.sweep()
            return silent.isClosed
          }
          #expect(server.metrics.rejectionCounts.map(\.reason) == ["preface_timeout"])
        }
      }
      options = TransportOptions()
      options.idleTimeout = .seconds(2)
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("the idle one is not closed while it watches") {
            server.sweep()
            return client.answer(watch).messages.count == 1
          }
          client.send(watch, .rstStream(.cancel))
          try await eventually("then it is") {
            server.sweep()
            return client.isClosed
          }
          #expect(client.record.with { $0.goAway } == .noError)
        }
      }
    }

    @Test("a silent watcher is asked whether it is there, and cut off if it isn't")
    func keepAlive() async throws {
      var options = TransportOptions()
      options.keepAlive = .milliseconds(20)
      options.keepAliveTimeout = .seconds(600)
      try await TestServer.with(loops: 1, options: options) { server in
        try await TestClient.with(server.port) { client in
          let watch = client.begin("Watch", Request.cluster("c"))
          try await eventually("it is asked a few times") {
            server.sweep()
            return client.record.with { $0.serverPings } >= 3
          }
          #expect(!client.answer(watch).isOver)
        }
      }
      options.keepAliveTimeout = .milliseconds(50)
      try await TestServer.with(loops: 1, options: options) { server in
        let socket = try await RawSocket.connect(server.port)
        socket.write(RawSocket.preface + RawSocket.emptySettings)
        try await eventually("one that doesn't answer is cut off") {
          server.sweep()
          return socket.isClosed
        }
      }
    }

    @Test("connections beyond the limit are closed at once")
    func tooManyConnections() async throws {
      var limits = SharedLimits()
      limits[.connections].total = 3
      try await TestServer.with(limits: limits) { server in
        var clients: [RawSocket] = []
        for _ in 0..<3 { clients.append(try await RawSocket.connect(server.port)) }
        try await eventually("three are taken") { server.ledger.level(.connections) == 3 }
        let fourth = try await RawSocket.connect(server.port)
        try await cutOff(fourth)
        #expect(server.ledger.level(.connections) == 3)
        for client in clients { client.close() }
        try await eventually("all are gone") { server.ledger.level(.connections) == 0 }
      }
    }
  }
}
