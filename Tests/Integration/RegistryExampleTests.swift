import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import RegistryTestSupport
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

  /// What `registry` has applied with its first batch; it is then ended.
  private func first(_ registry: any Registry) async throws -> SessionRecord {
    let recorder = SessionRecorder()
    try await recorder.run(registry) {
      try await recorder.wait(for: "the first update") { !$0.updates.isEmpty }
    }
    return recorder.now
  }

  /// The nodes of the first snapshot.
  private func firstNodes(_ registry: any Registry) async throws -> [AffiliateRecord] {
    guard case .snapshot(let records, _, _) = try await first(registry).updates.first else { return [] }
    return records
  }

  /// Builds `source` as the line in its head says, with `program` in place of `compiler`, to the file `library`.
  private func build(
    _ source: String, compiler: String, by program: String, flags: [String], to library: String
  ) async throws {
    let checkout = BuiltProducts.checkout
    let text = try String(contentsOf: checkout.appendingPathComponent(source), encoding: .utf8)
    let head = try #require(text.range(of: "Build:")).upperBound
    let end = try #require(text.range(of: source, range: head..<text.endIndex)).upperBound
    let comment: Set<String> = ["\\", "*", "//!"]
    var words = text[head..<end].split(whereSeparator: \.isWhitespace).map(String.init)
      .filter { !comment.contains($0) }
    #expect(words.removeFirst() == compiler)
    let name = URL(filePath: library).lastPathComponent
    words[try #require(words.firstIndex(of: name))] = library
    let built = try await Tool.run(program, flags + words, folder: checkout.path)
    try #require(built.status == 0, "\(built)")
  }

  @Test("the registry in C is built by the line in its head, in under 120 lines, and keeps the rules")
  func inC() async throws {
    let folder = try TemporaryFolder()
    let source = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/CRegistry/registry.c")
    let text = try String(contentsOf: source, encoding: .utf8)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 121)

    let library = folder.path("librollcall-hosts.so")
    // `cc` is the reader's compiler; here the toolchain's does.
    try await build(
      "Docs/Examples/CRegistry/registry.c", compiler: "cc", by: try CLibrary.clang,
      flags: ["-Wall", "-Wextra", "-Werror"], to: library)
    let hosts = try folder.write(
      """
      # comment
      127.0.0.1 localhost
      127.0.1.1 here
      ::1 localhost ip6-localhost
      ff02::1 ip6-allnodes
      10.5.0.2\tmember # more
      fd00::2 six
      nonsense
      10.5.0.3 not/a-name
      10.5.0.9 member
      """, to: "hosts")
    let plugin = try await plugin(named: "hosts", in: folder.path)
    #expect(plugin.otherSymbols == [])
    let make: @Sendable (String) -> any Registry = { options in
      plugin.registry(
        options: options,
        context: RegistryContext(name: "hosts", baseDirectory: folder.path, logger: Self.silent))
    }
    let nodes = try await firstNodes(make(#"{"path": "hosts"}"#))
    #expect(nodes.map(\.affiliate.nodename) == ["member", "six"])
    #expect(
      nodes.map(\.affiliate.addresses) == [
        [try IPAddress("10.5.0.2"), try IPAddress("10.5.0.9")], [try IPAddress("fd00::2")],
      ])
    #expect(nodes.allSatisfy { $0.isLocalID })
    let sabotage = RegistryConformance.Sabotage {
      try FileManager.default.moveItem(atPath: hosts, toPath: hosts + ".away")
    } mend: {
      try FileManager.default.moveItem(atPath: hosts + ".away", toPath: hosts)
    }
    let report = await RegistryConformance.check(sabotage: sabotage) {
      make(#"{"path": "hosts", "interval": "20ms"}"#)
    }
    #expect(report.failures == [], "\(report)")

    // Without its file it knows nothing, and says why.
    let missing = try await first(make(#"{"path": "nowhere"}"#))
    #expect(missing.updates.map(\.summary) == ["snapshot"])
    #expect(
      missing.error(.reading)
        == RegistryError(.unavailable, "\(folder.path)/nowhere: No such file or directory"))
    await #expect(throws: RegistryError(.invalidArgument, "option 'interval' should be 1ms to 1d")) {
      _ = try await first(make(#"{"interval": "0"}"#))
    }
  }

  @Test(
    "the registry in Rust is built by the line in its head, and keeps the rules",
    .enabled(if: RustCompiler.path != nil, Comment(rawValue: RustCompiler.absence)))
  func inRust() async throws {
    let folder = try TemporaryFolder()
    let library = folder.path("librollcall-folder.so")
    try await build(
      "Docs/Examples/RustRegistry/registry.rs", compiler: "rustc", by: try #require(RustCompiler.path),
      flags: ["-D", "warnings"], to: library)
    try folder.write("10.5.0.2\n nonsense\n fd00::2 \n", to: "nodes.d/member")
    try folder.write("", to: "nodes.d/.hidden")
    try folder.write("", to: "nodes.d/not a name")
    try FileManager.default.createDirectory(
      atPath: folder.path("nodes.d/folder"), withIntermediateDirectories: false)

    let plugin = try await plugin(named: "folder", in: folder.path)
    #expect(plugin.otherSymbols == [])
    let make: @Sendable () -> any Registry = {
      plugin.registry(
        context: RegistryContext(name: "folder", baseDirectory: folder.path, logger: Self.silent))
    }
    let nodes = try await firstNodes(make()).map(\.affiliate)
    #expect(nodes.map(\.nodename) == ["member"])
    #expect(nodes.map(\.addresses) == [[try IPAddress("10.5.0.2"), try IPAddress("fd00::2")]])
    let (there, away) = (folder.path("nodes.d"), folder.path("away"))
    let sabotage = RegistryConformance.Sabotage {
      try FileManager.default.moveItem(atPath: there, toPath: away)
    } mend: {
      try FileManager.default.moveItem(atPath: away, toPath: there)
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
      "swift",
      ["build", "--disable-build-manifest-caching", "--static-swift-stdlib", "--scratch-path", scratch],
      folder: example.path)
    try #require(built.status == 0, "\(built)")
    // Its own runtime, so that it doesn't matter which one the host has.
    let needed = try await Tool.run("ldd", ["\(scratch)/debug/librollcall-rack.so"])
    #expect(needed.status == 0 && !needed.output.contains("libswift"), "\(needed)")

    let plugin = try await plugin(named: "rack", in: "\(scratch)/debug")
    #expect(plugin.descriptor.summary == "The nodes of a rack")
    #expect(plugin.otherSymbols == [])
    let map = try String(contentsOf: example.appendingPathComponent("plugin.map"), encoding: .utf8)
    let original = BuiltProducts.checkout.appendingPathComponent("Sources/CRegistryPlugin/plugin.map")
    #expect(map == (try String(contentsOf: original, encoding: .utf8)))
    let manifest = try String(
      contentsOf: example.appendingPathComponent("Package.swift"), encoding: .utf8)
    #expect(manifest.contains("from: \"\(RollcallVersion.current)\""))
    let make: @Sendable () -> any Registry = {
      plugin.registry(
        options: #"{"name": "r7", "nodes": 3}"#, context: RegistryContext(name: "rack", logger: Self.silent))
    }
    #expect(try await firstNodes(make()).map(\.affiliate.nodename) == ["r7-1", "r7-2", "r7-3"])
    let report = await RegistryConformance.check(make)
    #expect(report.failures == [], "\(report)")

    let wrong = plugin.registry(
      options: #"{"name": "r7", "nodes": "3"}"#, context: RegistryContext(name: "rack", logger: Self.silent))
    let message = "option 'nodes' must be a whole number, not the text '3' in quotes; write 3"
    await #expect(throws: RegistryError(.invalidArgument, message)) {
      _ = try await first(wrong)
    }
  }
}
