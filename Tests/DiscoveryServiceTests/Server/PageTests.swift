import Foundation
import Logging
import NIOCore
import TestSupport
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("Pages")
  struct PageTests {
    /// What a page request gets: the status and the body.
    private func get(_ port: Int, _ target: String, headers: String = "") async throws -> (String, String) {
      let socket = try await RawSocket.connect(port)
      socket.write(Array("GET \(target) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\(headers)\r\n".utf8))
      try await eventually("the answer") { socket.isClosed }
      let text = String(decoding: socket.received, as: UTF8.self)
      let parts = text.components(separatedBy: "\r\n\r\n")
      return (parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    @Test("each page answers, and unknown ones don't")
    func all() async throws {
      try await RunningServer.with(RunningServer.configuration()) { server in
        let port = try #require(server.addresses.landing?.port)
        for path in ["/", "/stats", "/healthz", "/readyz", "/metrics", "/inspect"] {
          let (head, body) = try await get(port, path)
          #expect(head.hasPrefix("HTTP/1.1 200 "), "\(path)")
          #expect(!body.isEmpty)
        }
        let (head, _) = try await get(port, "/nothing")
        #expect(head.hasPrefix("HTTP/1.1 404 "))
      }
    }

    @Test("readyz says that the service is on its way out while calls in flight are waited for")
    func draining() async throws {
      try await RunningServer.with(RunningServer.configuration()) { server in
        let port = try #require(server.addresses.landing?.port)
        try await TestClient.with(server.addresses.service.port) { client in
          let call = client.beginRaw(TestClient.headers("List"), nil, end: false)
          try await eventually("the call has begun") {
            try await get(port, "/metrics").1.contains("grpc_method=\"List\"} 1\n")
          }
          await server.group.triggerGracefulShutdown()
          try await eventually("it says so") { try await get(port, "/readyz").0.hasPrefix("HTTP/1.1 503 ") }
          client.send(call, .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
          _ = try await client.finished(call)
        }
      }
    }

    @Test("inspect shows what is kept, escaped, and lets its script send nothing")
    func inspect() async throws {
      try await RunningServer.with(RunningServer.configuration()) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          _ = try await client.call(
            "AffiliateUpdate",
            Request.update("a+b/<c>=", "<script>", data: [0xAB, 0xCD], endpoints: [[0xEF]]))
        }
        let port = try #require(server.addresses.landing?.port)
        for id in ["a%2Bb%2F%3Cc%3E%3D", "a+b/%3Cc%3E="] {
          let (head, body) = try await get(port, "/inspect?clusterID=\(id)")
          #expect(body.contains("&lt;script&gt;"))
          #expect(body.contains(">abcd<"))
          #expect(body.contains(">ef<"))
          #expect(!body.contains("<script>"))
          #expect(head.contains("connect-src 'none'"))
          #expect(!body.contains("id=\"token\""))
        }
        let (_, none) = try await get(port, "/inspect?clusterID=other")
        #expect(none.contains("0 affiliates"))
        let (bad, _) = try await get(port, "/inspect?clusterID=\(String(repeating: "x", count: 300))")
        #expect(bad.hasPrefix("HTTP/1.1 400 "))
      }
    }

    @Test("where the service wants a token, inspect loads without data, and gives it to who has the token")
    func inspectToken() async throws {
      let folder = try TemporaryFolder()
      let configuration = try RunningServer.configuration(tokens: "0123456789abcdef c", in: folder)
      try await RunningServer.with(configuration) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          let bearer = ["authorization": "Bearer 0123456789abcdef"]
          let update = Request.update("c", "\"<b>\u{1}", data: [0xAB, 0xCD], endpoints: [[0xEF]])
          let stored = try await client.call("AffiliateUpdate", update, headers: bearer)
          #expect(stored.status == 0)
        }
        let port = try #require(server.addresses.landing?.port)
        let right = "authorization: Bearer 0123456789abcdef\r\n"
        let wrong = "authorization: Bearer 0123456789abcdeX\r\n"
        let (head, page) = try await get(port, "/inspect?clusterID=c")
        #expect(head.hasPrefix("HTTP/1.1 200 ") && page.contains("id=\"token\""))
        #expect(!page.contains("abcd") && !page.contains("&lt;b&gt;") && !page.contains("affiliates.</p>"))
        #expect(
          head.contains("connect-src 'self'; form-action 'self'") && head.contains("default-src 'none'"))
        let nonce = try #require(page.firstMatch(of: /<script nonce="([0-9a-f]{32})">/)?.1)
        #expect(head.contains("script-src 'nonce-\(nonce)';"))
        let (again, _) = try await get(port, "/inspect?clusterID=c")
        #expect(!again.contains(nonce))

        let (none, nothing) = try await get(port, "/inspect/data?clusterID=c")
        #expect(none.hasPrefix("HTTP/1.1 401 ") && none.contains("www-authenticate: Bearer"))
        #expect(!nothing.contains("abcd"))
        for path in ["/inspect?clusterID=c", "/inspect/data?clusterID=c"] {
          let (refused, text) = try await get(port, path, headers: wrong)
          #expect(refused.hasPrefix("HTTP/1.1 401 ") && !text.contains("abcd"))
        }
        let (elsewhere, _) = try await get(port, "/inspect/data?clusterID=d", headers: right)
        #expect(elsewhere.hasPrefix("HTTP/1.1 403 "))
        let (served, data) = try await get(port, "/inspect/data?clusterID=c", headers: right)
        #expect(served.hasPrefix("HTTP/1.1 200 ") && served.contains("content-type: application/json"))
        #expect(
          data == #"{"affiliates":[{"id":"\"<b>\u0001","data":"abcd","endpoints":["ef"]}]}"# + "\n", "\(data)"
        )
        let (whole, shown) = try await get(port, "/inspect?clusterID=c", headers: right)
        #expect(whole.contains("connect-src 'none'") && shown.contains(">abcd<"))
        let (long, _) = try await get(port, "/inspect?clusterID=\(String(repeating: "x", count: 300))")
        #expect(long.hasPrefix("HTTP/1.1 400 "))
      }
    }

    @Test("metrics carry the existing names and ours, each with help and type, and no name twice")
    func metrics() async throws {
      try await RunningServer.with(RunningServer.configuration()) { server in
        try await TestClient.with(server.addresses.service.port) { client in
          _ = try await client.call("Hello", Request.hello("c", version: "v\"1"))
          _ = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1], ttl: -1))
          _ = try await client.call("AffiliateUpdate", Request.update("c", "a", data: [1]))
        }
        let (_, text) = try await get(try #require(server.addresses.landing?.port), "/metrics")
        for line in [
          "discovery_state_clusters 1", "discovery_state_affiliates 1", "discovery_state_endpoints 0",
          "discovery_state_subscriptions 0", "discovery_state_gc_affiliates_total 0",
          "discovery_server_hello_requests_total{client_version=\"v\\\"1\"} 1",
          "discovery_service_rejected_total{reason=\"ttl\"} 1",
          "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"sidero.discovery.server.Cluster\","
            + "grpc_method=\"AffiliateUpdate\",grpc_code=\"InvalidArgument\"} 1",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        let lines = text.split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(Set(types).count == types.count)
        for line in lines where !line.hasPrefix("#") {
          let name = line.prefix { $0 != "{" && $0 != " " }
          #expect(types.contains { name == $0 || name.hasPrefix($0 + "_") }, "\(name)")
        }
      }
    }

    @Test("inspect is under the rate limit of its address, the other pages aren't")
    func rate() async throws {
      var configuration = RunningServer.configuration()
      configuration.requestsPerSecond = 0.001
      configuration.requestBurst = 3
      try await RunningServer.with(configuration) { server in
        let port = try #require(server.addresses.landing?.port)
        var statuses: [String] = []
        for path in ["/inspect?clusterID=c", "/inspect/data?clusterID=c"] {
          for _ in 0..<2 { statuses.append(String(try await get(port, path).0.dropFirst(9).prefix(3))) }
        }
        #expect(statuses == ["200", "200", "200", "429"])
        for path in ["/inspect", "/metrics", "/healthz"] {
          #expect(try await get(port, path).0.hasPrefix("HTTP/1.1 200 "), "\(path)")
        }
        let (_, metrics) = try await get(port, "/metrics")
        #expect(metrics.contains("discovery_service_rejected_total{reason=\"rate\"} 1\n"))
      }
    }

    /// Runs `body` with the port of a page server that bears little.
    private func withPages(
      patience: TimeAmount, connections: Int, _ body: (Int, ServiceMetrics) async throws -> Void
    ) async throws {
      try await TestServer.with(loops: 1) { server in
        let pages = PageServer(service: server.service, patience: patience, connections: connections)
        let channel = try await pages.bootstrap(server.group).bind(host: "127.0.0.1", port: 0).get()
        try await body(try #require(channel.localAddress?.port), server.metrics)
        try await channel.close().get()
      }
    }

    @Test("a page connection that drips bytes instead of a whole request is closed")
    func slowRequest() async throws {
      try await withPages(patience: .milliseconds(300), connections: 10) { port, metrics in
        let socket = try await RawSocket.connect(port)
        socket.write(Array("GET / HTTP/1.1\r\nhost: x\r\n".utf8))
        var drips = 0
        try await eventually("it is closed") {
          socket.write(Array("x-\(drips): y\r\n".utf8))
          drips += 1
          return socket.isClosed
        }
        #expect(drips > 5 && socket.received.isEmpty)
        try await eventually("it is forgotten") { metrics.pageConnections.value == 0 }
      }
    }

    @Test("slow page connections shut nobody out: the slowest one makes room for a new one")
    func manyConnections() async throws {
      try await withPages(patience: .seconds(60), connections: 3) { port, metrics in
        var sockets: [RawSocket] = []
        for index in 0..<3 {
          sockets.append(try await RawSocket.connect(port))
          try await eventually("it is open") { metrics.pageConnections.value == index + 1 }
        }
        for closed in 0..<2 {
          let (head, _) = try await get(port, "/healthz")
          #expect(head.hasPrefix("HTTP/1.1 200 "))
          try await eventually("the oldest is closed") { sockets[closed].isClosed }
          sockets.append(try await RawSocket.connect(port))
          try await eventually("another is open") { metrics.pageConnections.value == 3 }
        }
        #expect(!sockets[2].isClosed && !sockets[4].isClosed)
        for socket in sockets { socket.close() }
        try await eventually("all are forgotten") { metrics.pageConnections.value == 0 }
      }
    }

    @Test("a client's version is told as far as dashboards have it")
    func shortVersions() {
      let cases = [
        "v1.15.0": "v1.15", "v1.15.0-alpha.1": "v1.15", "v1.15-dirty": "v1.15", "v1.15": "v1.15", "v9": "v9",
        "1.15.0": "1.15.0", "v1.x": "v1.x", "v1.15x": "v1.15x", "v.1": "v.1", "": "", "rollcall": "rollcall",
      ]
      for (version, short) in cases { #expect(ServiceMetrics.shortened(version) == short) }
    }

    @Test("the number of client versions that are told apart is bounded")
    func versions() {
      let metrics = ServiceMetrics()
      for index in 0..<1000 { metrics.hello("v\(index)") }
      metrics.hello(String(repeating: "x", count: 10_000))
      #expect(metrics.helloCounts.count == 101)
    }
  }
}
