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
        }
        let (_, none) = try await get(port, "/inspect?clusterID=other")
        #expect(none.contains("0 affiliates"))
        let (bad, _) = try await get(port, "/inspect?clusterID=\(String(repeating: "x", count: 300))")
        #expect(bad.hasPrefix("HTTP/1.1 400 "))
      }
    }

    @Test("inspect wants the token where the service wants one")
    func inspectToken() async throws {
      let folder = try TemporaryFolder()
      try folder.write("0123456789abcdef c\n", to: "tokens")
      var configuration = RunningServer.configuration()
      configuration.tokensPath = folder.path("tokens")
      try await RunningServer.with(configuration) { server in
        let port = try #require(server.addresses.landing?.port)
        let (refused, _) = try await get(port, "/inspect?clusterID=c")
        #expect(refused.hasPrefix("HTTP/1.1 401 "))
        let (served, _) = try await get(
          port, "/inspect?clusterID=c", headers: "authorization: Bearer 0123456789abcdef\r\n")
        #expect(served.hasPrefix("HTTP/1.1 200 "))
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

    @Test("the number of client versions that are told apart is bounded")
    func versions() {
      let metrics = ServiceMetrics()
      for index in 0..<1000 { metrics.hello("v\(index)") }
      metrics.hello(String(repeating: "x", count: 10_000))
      #expect(metrics.helloCounts.count == 101)
    }
  }
}
