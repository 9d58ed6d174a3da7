import Foundation
import TestSupport
import Testing

/// The service against programs that others wrote, where they are installed: `.ci/setup tests` installs them.
@Suite("Other implementations", .serialized, .timeLimit(.minutes(10)))
struct InteroperabilityTests {
  private static let scripts = BuiltProducts.checkout.appendingPathComponent("Tests/Interoperability").path
  private static let server = BuiltProducts.folder.appendingPathComponent("ServiceServer").path

  /// A Python that has grpcio: the one that was set up for the tests, or the system's.
  private static let python: String = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache"
    let own = "\(cache)/rollcall/python/bin/python3"
    return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
  }()

  private static func succeeds(_ program: String, _ arguments: String...) async -> Bool {
    (try? await Tool.run(program, arguments).status) == 0
  }

  /// Runs `body` against a service without a rate limit, in plain text and over TLS.
  private func withService(
    tls: Bool, _ options: [String] = [],
    _ body: (_ cluster: ProcessCluster, _ authority: String?) async throws -> Void
  ) async throws {
    let cluster = try await ProcessCluster()
    let certificates = tls ? try await Certificates() : nil
    var options = ["--rate-limit", "0"] + options
    if let server = try await certificates?.make("server", names: "DNS:localhost,IP:127.0.0.1") {
      options += ["--certificate-path", server.certificate, "--key-path", server.key]
    }
    let service = try await cluster.serve(options)
    try await body(cluster, certificates?.authority)
    #expect(service.isRunning && service.logged("error").isEmpty, "\(service.errorsSoFar)")
    service.signal(SIGTERM)
    #expect(try await service.result().status == 0)
  }

  @Test(
    "Python's grpcio gets all that it may expect, in plain text and over TLS, also by the original messages",
    .enabled("grpcio isn't installed (PyPI: grpcio, grpcio-tools)") {
      await succeeds(python, "-c", "import grpc, grpc_tools")
    }, arguments: [(false, false), (true, false), (false, true)])
  func grpcio(tls: Bool, isOriginal: Bool) async throws {
    let protos = BuiltProducts.checkout.appendingPathComponent("Sources/DiscoveryProtocol/Protos").path
    try await withService(tls: tls) { cluster, authority in
      let result = try await Tool.run(
        Self.python,
        ["\(Self.scripts)/grpcio_client.py"] + (isOriginal ? ["--original"] : [])
          + ["\(cluster.port)", protos] + (authority.map { [$0] } ?? []))
      #expect(result.status == 0 && result.output.contains("grpcio: all passed"), "\(result)")
    }
  }

  @Test(
    "nghttp2's h2load has all its calls answered, in plain text and over TLS",
    .enabled("h2load isn't installed (Debian: nghttp2-client)") { await succeeds("h2load", "--version") },
    arguments: [false, true])
  func h2load(tls: Bool) async throws {
    try await withService(tls: tls) { cluster, _ in
      let url = "\(tls ? "https" : "http")://127.0.0.1:\(cluster.port)"
      let result = try await Tool.run("sh", ["\(Self.scripts)/h2load.sh", url])
      #expect(result.status == 0 && result.output.contains("h2load: all passed"), "\(result)")
    }
  }

  @Test(
    "the inspect page's script opens what the existing client has sealed",
    .enabled("node with WebCrypto isn't installed (Debian: nodejs)") {
      await succeeds("node", "-e", "process.exit(globalThis.crypto?.subtle ? 0 : 1)")
    })
  func inspect() async throws {
    let checkout = BuiltProducts.checkout.path
    let result = try await Tool.run(
      "node",
      [
        "\(Self.scripts)/inspect_script.mjs",
        "\(checkout)/Sources/DiscoveryService/Pages/InspectScript.swift",
        "\(checkout)/Tests/DiscoveryProtocolTests/Vectors/sealed.json",
      ])
    #expect(result.status == 0, "\(result)")
  }

  @Test(
    "the inspect page of a service with tokens shows a cluster to who types the token in, and sends nothing else",
    .enabled("node with WebCrypto and fetch isn't installed (Debian: nodejs)") {
      await succeeds("node", "-e", "process.exit(globalThis.crypto?.subtle && globalThis.fetch ? 0 : 1)")
    })
  func inspectWithToken() async throws {
    let folder = try TemporaryFolder()
    let token = "a-token-of-this-test"
    let tokens = try folder.write("\(token) *\n", to: "tokens")
    let pages = try LoopbackPort.free()
    try await withService(
      tls: false, ["--tokens-file", tokens, "--landing-addr", "127.0.0.1:\(pages)"]
    ) { cluster, _ in
      let vectors = BuiltProducts.checkout.appendingPathComponent(
        "Tests/DiscoveryProtocolTests/Vectors/sealed.json")
      let result = try await Tool.run(
        "node",
        ["\(Self.scripts)/inspect_page.mjs", "\(cluster.port)", "\(pages)", token, vectors.path])
      #expect(result.status == 0 && result.output.contains("inspect page: all passed"), "\(result)")
    }
  }

  @Test(
    "over a slow link every watcher gets its snapshot and every final state",
    .enabled("no link can be slowed here (Debian: iproute2; network namespaces; netem or tbf in the kernel)")
    {
      await succeeds(
        "unshare", "-rn", "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "8mbit", "burst", "64kb",
        "latency", "2s")
    })
  func slowLink() async throws {
    let load = BuiltProducts.folder.appendingPathComponent("ServiceLoad").path
    let result = try await Tool.run("\(Self.scripts)/slow_link.sh", [Self.server, load])
    #expect(result.status == 0 && result.output.contains("slow link: all passed"), "\(result)")
  }
}
