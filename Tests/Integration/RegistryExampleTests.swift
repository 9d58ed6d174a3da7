import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import Synchronization
import TestSupport
import Testing

/// The example registries are built and run as their readers would: from outside the package.
@Suite("Example registries", .timeLimit(.minutes(15)))
struct RegistryExampleTests {
  private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func plugin(named name: String, in folder: String) async throws -> LoadedPlugin {
    let catalog = PluginCatalog(
      directories: .standard(environment: ["ROLLCALL_PLUGIN_PATH": folder]), logger: Self.silent)
    return try await catalog.plugin(named: name)
  }

  /// The nodes of the first snapshot.
  private func firstNodes(_ registry: any Registry) async throws -> [Affiliate] {
    let first = Mutex<[AffiliateRecord]?>(nil)
    let session = session { batch throws(RegistryError) in
      for case .snapshot(let records, _, _) in batch.updates { first.withLock { $0 = $0 ?? records } }
    }
    let run = Task { try await registry.run(session) }
    defer { run.cancel() }
    try await eventually("the registry has a snapshot") { first.withLock { $0 } != nil }
    run.cancel()
    _ = await run.result
    return first.withLock { $0 ?? [] }.map(\.affiliate)
  }

  private func session(
    _ receive: @escaping @Sendable (RegistryBatch) throws(RegistryError) -> Void
  ) -> RegistrySession {
    RegistrySession(context: RegistryContext(name: "example", logger: Self.silent), receive: receive)
  }

  @Test("the registry in C is built by the line in its head, in under 120 lines, and keeps the rules")
  func inC() async throws {
    let folder = try TemporaryFolder()
    let source = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/CRegistry/registry.c")
    let text = try String(contentsOf: source, encoding: .utf8)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 121)

    let head = try #require(text.range(of: "Build:")).upperBound
    let end = try #require(text.range(of: "registry.c", range: head..<text.endIndex)).upperBound
    let line = text[head..<end].replacing("\\\n *", with: " ")
    var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    // `cc` is the reader's compiler; here the toolchain's does.
    #expect(words.removeFirst() == "cc")
    let output = try #require(words.firstIndex(of: "librollcall-hosts.so"))
    words[output] = folder.path("librollcall-hosts.so")
    let built = try await Tool.run(
      try CLibrary.clang, ["-Wall", "-Wextra", "-Werror"] + words, folder: BuiltProducts.checkout.path)
    try #require(built.status == 0, "\(built)")

    let hosts = try folder.write(
      "# comment\n127.0.0.1 here\n10.5.0.2\tmember\nfd00::2 six # more\nnonsense\n10.5.0.9 member\n",
      to: "hosts")
    let plugin = try await plugin(named: "hosts", in: folder.path)
    let make: @Sendable () -> any Registry = {
      plugin.registry(
        options: #"{"path": "\#(hosts)"}"#, context: RegistryContext(name: "hosts", logger: Self.silent))
    }
    let nodes = try await firstNodes(make())
    #expect(nodes.map(\.nodename) == ["here", "member", "six"])
    #expect(
      nodes.map(\.addresses) == [
        [try IPAddress("127.0.0.1")], [try IPAddress("10.5.0.2")], [try IPAddress("fd00::2")],
      ])

    let sabotage = RegistryConformance.Sabotage {
      try FileManager.default.moveItem(atPath: hosts, toPath: hosts + ".away")
    } mend: {
      try FileManager.default.moveItem(atPath: hosts + ".away", toPath: hosts)
    }
    let report = await RegistryConformance.check(sabotage: sabotage, make)
    #expect(report.failures == [], "\(report)")
  }

  @Test("the registry in Swift is a package of its own, of under 40 lines, and keeps the rules")
  func inSwift() async throws {
    let example = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/SwiftRegistry")
    let source = example.appendingPathComponent("Sources/RackPlugin/Rack.swift")
    let lines = try String(contentsOf: source, encoding: .utf8).split(separator: "\n")
    #expect(lines.count < 40)

    // Beside the package's own build, so that the next run finds it half done.
    let scratch = BuiltProducts.checkout.appendingPathComponent(".build/examples/SwiftRegistry").path
    let built = try await Tool.run(
      "swift", ["build", "--disable-build-manifest-caching", "--scratch-path", scratch], folder: example.path)
    try #require(built.status == 0, "\(built)")

    let plugin = try await plugin(named: "rack", in: "\(scratch)/debug")
    #expect(plugin.descriptor.summary == "The nodes of a rack")
    let make: @Sendable () -> any Registry = {
      plugin.registry(
        options: #"{"name": "r7", "nodes": 3}"#, context: RegistryContext(name: "rack", logger: Self.silent))
    }
    #expect(try await firstNodes(make()).map(\.nodename) == ["r7-1", "r7-2", "r7-3"])
    let report = await RegistryConformance.check(make)
    #expect(report.failures == [], "\(report)")

    let wrong = plugin.registry(
      options: #"{"name": "r7", "nodes": "3"}"#, context: RegistryContext(name: "rack", logger: Self.silent))
    let message = "option 'nodes' must be a whole number, not the text '3' in quotes; write 3"
    await #expect(throws: RegistryError(.invalidArgument, message)) {
      try await wrong.run(session { _ throws(RegistryError) in })
    }
  }
}
