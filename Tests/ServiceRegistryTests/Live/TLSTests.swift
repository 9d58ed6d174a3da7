import ClusterModel
import DiscoveryProtocol
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("Over TLS", .timeLimit(.minutes(2)))
struct TLSTests {
  /// What becomes of a registry before a service with `certificate`: its nodes, or its status.
  func outcome(
    _ certificates: Certificates, _ server: (certificate: String, key: String), host: String = "127.0.0.1",
    mutual: Bool = false, _ options: ServiceOptions = ServiceOptions()
  ) async throws -> (nodes: [String], status: String) {
    let service = MemoryService()
    service.put(try Cluster().wire("a"))
    let chain = [TLSConfig.CertificateSource.file(path: server.certificate, format: .pem)]
    let key = TLSConfig.PrivateKeySource.file(path: server.key, format: .pem)
    let authority = certificates.authority
    let security: HTTP2ServerTransport.Posix.TransportSecurity =
      mutual
      ? .mTLS(certificateChain: chain, privateKey: key) {
        $0.trustRoots = .certificates([.file(path: authority, format: .pem)])
      } : .tls(certificateChain: chain, privateKey: key)
    return try await withServer([service], security: security) { port in
      var options = options
      options.endpoint = "https://\(host):\(port)"
      let recorder = SessionRecorder()
      try await running(try LiveServiceTests.registry(options), recorder) {
        try await eventually("something") { !recorder.nodes().isEmpty || !recorder.status.isEmpty }
      }
      return (recorder.nodes(), recorder.status)
    }
  }

  @Test("a certificate of the given authority is good", arguments: ["127.0.0.1", "localhost"])
  func good(host: String) async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "DNS:localhost,IP:127.0.0.1")
    let outcome = try await outcome(
      certificates, server, host: host, ServiceOptions(caFile: certificates.authority))
    #expect(outcome.nodes == ["a"])
    #expect(outcome.status == "")
  }

  @Test("any certificate on the way from the service's to the root can be the one that is trusted")
  func anchors() async throws {
    let certificates = try await Certificates()
    let middle = try await certificates.make("middle", names: "", isAuthority: true)
    let server = try await certificates.make("server", names: "IP:127.0.0.1", by: "middle")
    for anchor in [middle.certificate, server.certificate] {
      let outcome = try await outcome(certificates, server, ServiceOptions(caFile: anchor))
      #expect(outcome.nodes == ["a"], "\(anchor): \(outcome.status)")
    }
    let root = try await outcome(certificates, server, ServiceOptions(caFile: certificates.authority))
    #expect(root.nodes == [] && root.status.contains("signed by 'CN=middle', which caFile"), "\(root.status)")
  }

  @Test("one of an authority that isn't trusted is reported with its subject and its signer")
  func untrusted() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "IP:127.0.0.1")
    let outcome = try await outcome(certificates, server)
    #expect(outcome.nodes == [])
    #expect(outcome.status.contains("TLS: the certificate 'CN=server' of https://127.0.0.1:"))
    #expect(outcome.status.contains("signed by 'CN=Test Authority', which the system doesn't trust"))
  }

  @Test("one for another host is reported with the names that it is for")
  func otherHost() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "DNS:other.example,IP:127.0.0.2")
    for host in ["localhost", "127.0.0.1"] {
      let outcome = try await outcome(
        certificates, server, host: host, ServiceOptions(caFile: certificates.authority))
      #expect(outcome.nodes == [])
      #expect(outcome.status.contains("mismatch, it is for DNS:other.example, IP Address:127.0.0.2"))
    }
  }

  @Test("one that has expired is reported with the day")
  func expired() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "IP:127.0.0.1", days: -1)
    let outcome = try await outcome(certificates, server, ServiceOptions(caFile: certificates.authority))
    #expect(outcome.status.contains("'CN=server'") && outcome.status.contains("has expired, on "))
  }

  @Test("a service that asks for a certificate gets the node's, and says so where there is none")
  func mutual() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "IP:127.0.0.1")
    let node = try await certificates.make("node", names: "DNS:node")
    let with = try await outcome(
      certificates, server, mutual: true,
      ServiceOptions(
        caFile: certificates.authority, clientCertFile: node.certificate, clientKeyFile: node.key))
    #expect(with.nodes == ["a"])
    let without = try await outcome(
      certificates, server, mutual: true, ServiceOptions(caFile: certificates.authority))
    #expect(without.nodes == [])
    #expect(without.status.lowercased().contains("certificate"), "\(without.status)")
  }

  @Test("a file that isn't what it should be is named")
  func badFiles() async throws {
    let certificates = try await Certificates()
    let server = try await certificates.make("server", names: "IP:127.0.0.1")
    let nonsense = try certificates.folder.write("nonsense\n", to: "nonsense.pem")
    for (options, part) in [
      (ServiceOptions(caFile: nonsense), "caFile \(nonsense)"),
      (ServiceOptions(caFile: "/nonexistent.pem"), "caFile /nonexistent.pem"),
      (
        ServiceOptions(caFile: certificates.authority, clientCertFile: nonsense, clientKeyFile: server.key),
        "clientCertFile \(nonsense)"
      ),
      (
        ServiceOptions(
          caFile: certificates.authority, clientCertFile: server.certificate, clientKeyFile: nonsense),
        "clientKeyFile \(nonsense)"
      ),
    ] {
      let outcome = try await outcome(certificates, server, options)
      #expect(outcome.status.contains(part), "\(outcome.status)")
    }
  }

  @Test("a service without TLS, where TLS was expected, is reported")
  func plain() async throws {
    try await withServer([MemoryService()]) { port in
      let recorder = SessionRecorder()
      try await running(
        try LiveServiceTests.registry(ServiceOptions(endpoint: "https://127.0.0.1:\(port)")), recorder
      ) {
        try await eventually("reported") { !recorder.status.isEmpty }
      }
      #expect(recorder.status.contains("https://127.0.0.1:\(port)"))
    }
  }
}
