import DiscoveryGRPC
import DiscoveryProtocol
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Synchronization
import TestSupport
import Testing

@testable import DiscoveryService

extension OverTheNetwork {
  @Suite("grpc-swift-2's client")
  struct GRPCClientTests {
    typealias Client = WireCluster.Client<HTTP2ClientTransport.Posix>

    /// What a watch was told.
    private final class Heard: Sendable {
      private let answers = Mutex<[WireWatchResponse]>([])
      var all: [WireWatchResponse] { answers.withLock { $0 } }
      func append(_ answer: WireWatchResponse) { answers.withLock { $0.append(answer) } }
    }

    /// Runs `body` with a client over TLS that trusts `authority` and fails where it can't connect.
    private func withClient(
      _ port: Int, trusting authority: String, _ body: @Sendable @escaping (Client) async throws -> Void
    ) async throws {
      let transport = try HTTP2ClientTransport.Posix(
        target: .ipv4(address: "127.0.0.1", port: port),
        transportSecurity: .tls { $0.trustRoots = .certificates([.file(path: authority, format: .pem)]) },
        config: .defaults { $0.http2.authority = "localhost" })
      try await withGRPCClient(transport: transport) { try await body(WireCluster.Client(wrapping: $0)) }
    }

    /// Whether a client that trusts `authority` is served.
    private func isServed(_ port: Int, trusting authority: String) async -> Bool {
      var options = CallOptions.defaults
      options.waitForReady = false
      options.timeout = .seconds(30)
      let patient = options
      do {
        try await withClient(port, trusting: authority) { client in
          _ = try await client.list(.with { $0.clusterID = "c" }, options: patient)
        }
        return true
      } catch {
        return false
      }
    }

    private func withClient(_ body: @Sendable @escaping (Client) async throws -> Void) async throws {
      var configuration = RunningServer.configuration()
      configuration.requestsPerSecond = 0
      try await RunningServer.with(configuration) { server in
        let transport = try HTTP2ClientTransport.Posix(
          target: .ipv4(address: "127.0.0.1", port: server.addresses.service.port),
          transportSecurity: .plaintext)
        try await withGRPCClient(transport: transport) { try await body(WireCluster.Client(wrapping: $0)) }
      }
    }

    /// Runs `body` while a watch of the cluster `c`, which is empty, goes on.
    private func watching(_ client: Client, _ body: (Heard) async throws -> Void) async throws {
      let heard = Heard()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await client.watch(.with { $0.clusterID = "c" }) { response in
            for try await answer in response.messages { heard.append(answer) }
          }
        }
        defer { group.cancelAll() }
        try await eventually("the empty snapshot") { heard.all.count == 1 }
        try await body(heard)
      }
    }

    private func update(
      _ affiliate: String, cluster: String = "c", data: Data? = nil, endpoints: [Data] = [],
      ttl: Int64 = 60
    ) -> WireAffiliateUpdateRequest {
      .with {
        $0.clusterID = cluster
        $0.affiliateID = affiliate
        if let data { $0.affiliateData = data }
        $0.affiliateEndpoints = endpoints
        $0.ttl.seconds = ttl
      }
    }

    @Test("hello, watch, update, list and delete")
    func calls() async throws {
      try await withClient { client in
        let hello = try await client.hello(.with { $0.clusterID = "c" })
        #expect(hello.clientIp == Data([127, 0, 0, 1]) && !hello.hasRedirect)

        try await watching(client) { heard in
          _ = try await client.affiliateUpdate(update("a", data: Data([1]), endpoints: [Data([2])]))
          try await eventually("the update") { heard.all.count == 2 }
          // Nothing new: nobody is told.
          _ = try await client.affiliateUpdate(update("a", endpoints: [Data([2])]))
          _ = try await client.affiliateUpdate(update("a", endpoints: [Data([3])]))
          try await eventually("the endpoint") { heard.all.count == 3 }

          let renewed = try #require(heard.all[1].affiliates.first).lastUpdate
          #expect(renewed.seconds > 1_700_000_000)
          // The endpoint of the last update renews nobody.
          let affiliate = WireAffiliate.with {
            $0.lastUpdate = renewed
            $0.id = "a"
            $0.data = Data([1])
            $0.endpoints = [Data([2]), Data([3])]
          }
          #expect(try await client.list(.with { $0.clusterID = "c" }).affiliates == [affiliate])
          _ = try await client.affiliateDelete(
            .with {
              $0.clusterID = "c"
              $0.affiliateID = "a"
            })
          try await eventually("the deletion") { heard.all.count == 4 }
          let all = heard.all
          #expect(all[0] == WireWatchResponse())
          #expect(all[2].affiliates == [affiliate] && !all[2].deleted)
          #expect(all[3].affiliates == [.with { $0.id = "a" }] && all[3].deleted)
          #expect(all[3].reason == .withdrawn && all[3].lastUpdate == renewed)
        }
        #expect(try await client.list(.with { $0.clusterID = "c" }).affiliates.isEmpty)
      }
    }

    @Test("over TLS, new connections get the certificate that replaced the old one, and old ones live on")
    func tls() async throws {
      let (old, new) = (try await Certificates(), try await Certificates())
      let first = try await old.make("first", names: "DNS:localhost")
      let second = try await new.make("second", names: "DNS:localhost")
      let folder = try TemporaryFolder()
      try folder.replace("tls.crt", withFile: first.certificate)
      try folder.replace("tls.key", withFile: first.key)
      var configuration = RunningServer.configuration()
      configuration.requestsPerSecond = 0
      configuration.certificatePath = folder.path("tls.crt")
      configuration.keyPath = folder.path("tls.key")
      try await RunningServer.with(configuration) { server in
        let port = server.addresses.service.port
        let strangers = await isServed(port, trusting: new.authority)
        #expect(!strangers, "a certificate of an authority that the client doesn't know")
        try await withClient(port, trusting: old.authority) { client in
          try await watching(client) { heard in
            let hello = try await client.hello(.with { $0.clusterID = "c" })
            #expect(hello.clientIp == Data([127, 0, 0, 1]))

            try folder.replace("tls.key", withFile: second.key)
            try folder.replace("tls.crt", withFile: second.certificate)
            try await eventually("the new certificate is served") {
              await isServed(port, trusting: new.authority)
            }
            let former = await isServed(port, trusting: old.authority)
            #expect(!former, "the old certificate is no longer served")
            _ = try await client.affiliateUpdate(update("a", data: Data(repeating: 1, count: 2048)))
            try await eventually("the watch of before is told") { heard.all.count == 2 }
            #expect(heard.all[1].affiliates.map(\.id) == ["a"])
          }
        }
      }
    }

    @Test("a watch ends at its deadline")
    func deadline() async throws {
      try await withClient { client in
        var options = CallOptions.defaults
        options.timeout = .milliseconds(200)
        let error = await #expect(throws: RPCError.self) {
          try await client.watch(.with { $0.clusterID = "c" }, options: options) { response in
            for try await _ in response.messages {}
          }
        }
        #expect(error?.code == .deadlineExceeded)
      }
    }

    @Test("each limit has its status and message, and what was refused leaves nothing behind")
    func limits() async throws {
      try await withClient { client in
        let long = String(repeating: "x", count: 257)
        let many = (0..<65).map { Data([UInt8($0)]) }
        let refused: [(WireAffiliateUpdateRequest, RPCError.Code, String)] = [
          (update("a", cluster: ""), .invalidArgument, "cluster ID can't be empty"),
          (update("a", cluster: long), .invalidArgument, "cluster ID is too long"),
          (update(""), .invalidArgument, "affiliate ID can't be empty"),
          (update(long), .invalidArgument, "affiliate ID is too long"),
          (update("a", data: Data(count: 2049)), .invalidArgument, "affiliate data is too big"),
          (update("a", endpoints: [Data(count: 33)]), .invalidArgument, "affiliate endpoint is too big"),
          (update("a", ttl: 1801), .invalidArgument, "ttl is too large"),
          (update("a", endpoints: many), .resourceExhausted, "too many endpoints in the affiliate"),
        ]
        for (request, code, message) in refused {
          let error = await #expect(throws: RPCError.self) { _ = try await client.affiliateUpdate(request) }
          #expect(error?.code == code && error?.message == message, "\(message): \(error as Any)")
        }
        #expect(try await client.list(.with { $0.clusterID = "c" }).affiliates.isEmpty)
        let negative = await #expect(throws: RPCError.self) {
          _ = try await client.affiliateUpdate(update("a", ttl: -1))
        }
        #expect(negative?.code == .invalidArgument)
        for index in 0..<1024 { _ = try await client.affiliateUpdate(update("a\(index)", data: Data([1]))) }
        let full = await #expect(throws: RPCError.self) {
          _ = try await client.affiliateUpdate(update("more", data: Data([1])))
        }
        #expect(full?.code == .resourceExhausted)
        #expect(try await client.list(.with { $0.clusterID = "c" }).affiliates.count == 1024)
      }
    }
  }
}
