import ClusterModel
import RegistryKit
import ServiceLifecycle
import TestSupport
import Testing

@testable import Rollcall

@Suite("Installed plugins", .timeLimit(.minutes(2)))
struct InstalledPluginTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var settings: PluginSettings {
    PluginSettings(path: [folder.path], allowUnsafePermissions: true)
  }

  /// The registry called `name`, made by the plugin of that name in the test's folder.
  private func registry(_ name: String) -> RegistryDefinition {
    RegistryDefinition(
      name: name, plugin: PluginReference(name: name, settings: settings),
      from: InstalledPlugins(logger: quiet))
  }

  /// Puts the plugin made of `Tests/HostilePlugins/<name>.c` into the test's folder.
  private func install(_ name: String, _ flags: String...) async throws {
    let file = try await CLibrary.build("Tests/HostilePlugins/\(name).c", flags: flags)
    try folder.replace("librollcall-\(name).so", withFile: file)
  }

  @Test("a plugin in a folder is found by its name, and what it knows merged with what a Swift value knows")
  func found() async throws {
    try await install("plain")
    let own = StagedRegistry(knowing: [
      try affiliate("plain-1", hostname: "alpha"), try affiliate("b"),
    ])
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [registry("plain")]),
      registries: [RegistryDefinition(name: "own", registry: own)], logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(30))
      #expect(aggregator.memberNames == ["b", "plain-1"])
      #expect(aggregator.snapshot().members.last?.value.hostname == "alpha")
      // The plugin bears the registry's name, so that its raw ids start with the plugin's prefix.
      #expect(
        aggregator.snapshot().rawAffiliates.map(\.id.description) == [
          "hostile/plain-1", "own/b", "own/plain-1",
        ])
      let status = aggregator.snapshot().registry("plain")
      #expect(status?.plugin == "plain")
      #expect(status?.pluginVersion == "1.0.0")
    }
  }

  @Test("a plugin that publishes is handed this node, its outcome counts, and it withdraws it in the end")
  func publishes() async throws {
    try await install("echo", "-DFLAGS=0")
    let node = LocalNodeProvider(nodeID: try NodeIdentity("me")) { _ in
      NodeFacts(hostname: "me")
    } pulses: {
      AsyncStream { $0.finish() }
    }
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [registry("echo")]), localNode: node, logger: quiet)
    try await running(aggregator) {
      // It echoes what it is handed as what it knows.
      try await eventually("it is published") {
        aggregator.snapshot().rawAffiliates.map(\.id.description) == ["echo/me"]
      }
      #expect(aggregator.snapshot().registry("echo")?.publishes == true)
      #expect(aggregator.snapshot().registry("echo")?.error == nil)
    }
    #expect(aggregator.snapshot().rawAffiliates.isEmpty)
  }

  @Test("a plugin that isn't installed is its registry's failure")
  func missing() async throws {
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [registry("never-written")]), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSettled(timeout: .seconds(30))
      #expect(aggregator.state("never-written") == .failed)
      let error = aggregator.snapshot().registry("never-written")?.error
      #expect(error?.message.contains("no plugin is called 'never-written'") == true)
    }
  }

  @Test("a service group runs the aggregator and shuts it down, what was published withdrawn")
  func serviceGroup() async throws {
    let registry = StagedRegistry(knowing: [])
    let node = LocalNodeProvider(nodeID: try NodeIdentity("me")) { _ in
      NodeFacts(hostname: "me")
    } pulses: {
      AsyncStream { $0.finish() }
    }
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "one", registry: registry)], localNode: node, logger: quiet)
    let group = ServiceGroup(services: [aggregator], logger: quiet)
    let running = Task { try await group.run() }
    try await eventually("it is published") { registry.published.count == 1 }
    await group.triggerGracefulShutdown()
    try await running.value
    #expect(registry.isWithdrawn)
    #expect(!registry.isRunning)
  }
}
