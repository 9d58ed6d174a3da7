import ClusterModel
import Logging
import RegistryKit
import TestSupport
import Testing

@testable import PluginHost

@Suite("A plugin as a registry", .timeLimit(.minutes(1)))
struct PluginRegistryTests {
  static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("a plugin in C tells its nodes and ends when it is cancelled")
  func plain() async throws {
    let file = try await CLibrary.build("Tests/HostilePlugins/plain.c")
    let catalog = PluginCatalog(directories: PluginDirectories(folders: []), logger: Self.logger)
    let plugin = try await catalog.plugin(at: file)
    #expect(plugin.descriptor.name == "plain")
    let registry = plugin.registry(context: RegistryContext(name: "p", logger: Self.logger))
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(probe.nodes == ["plain-1"])
  }
}
