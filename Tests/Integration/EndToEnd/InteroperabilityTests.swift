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

  @Test(
    "Python's grpcio gets all that it may expect",
    .enabled("grpcio isn't installed (PyPI: grpcio, grpcio-tools)") {
      await succeeds(python, "-c", "import grpc, grpc_tools")
    })
  func grpcio() async throws {
    let protos = BuiltProducts.checkout.appendingPathComponent("Sources/DiscoveryProtocol/Protos").path
    let result = try await Tool.run(
      Self.python, ["\(Self.scripts)/grpcio_client.py", Self.server, protos])
    #expect(result.status == 0 && result.output.contains("grpcio: all passed"), "\(result)")
  }

  @Test(
    "nghttp2's h2load has all its calls answered",
    .enabled("h2load or python3 isn't installed (Debian: nghttp2-client, python3)") {
      guard await succeeds("h2load", "--version") else { return false }
      return await succeeds("python3", "--version")
    })
  func h2load() async throws {
    let result = try await Tool.run("sh", ["\(Self.scripts)/h2load.sh", Self.server])
    #expect(result.status == 0 && result.output.contains("h2load: all passed"), "\(result)")
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
