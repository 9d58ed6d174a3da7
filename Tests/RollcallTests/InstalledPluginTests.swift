import ClusterModel
import RegistryKit
import ServiceLifecycle
import TestSupport
import Testing

@testable import Rollcall

@Suite("A configuration file and an installed plugin", .timeLimit(.minutes(2)))
struct InstalledPluginTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The file's text, with the build's own plugins to be found by it.
  private func configuration(_ registries: String) throws -> String {
    try folder.write(
      """
      plugins:
        path: [\(BuiltProducts.folder.path)]
        allowUnsafePermissions: true
      cluster:
        discovery:
          registries:
            service: {disabled: true}
            kubernetes: {disabled: true}
      \(registries)
      """, to: "rollcall.yaml")
  }

  @Test(
    "files beside the configuration are followed through the plugin, and merged with a Swift value's word")
  func followed() async throws {
    try folder.write("nodes: [{nodeId: a, nodename: a, addresses: [10.0.0.1]}]", to: "nodes.yaml")
    let file = try configuration("      rack: {plugin: static-file, path: nodes.yaml}")
    let own = StagedRegistry(knowing: [try affiliate("a", hostname: "alpha"), try affiliate("b")])
    let aggregator = try await Aggregator(
      configurationFile: file, registries: [RegistryDefinition(name: "own", registry: own)], logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(30))
      #expect(aggregator.memberNames == ["a", "b"])
      #expect(aggregator.snapshot().members.first?.value.hostname == "alpha")
      #expect(aggregator.snapshot().members.first?.value.addresses == [try IPAddress("10.0.0.1")])
      #expect(aggregator.snapshot().registry("rack")?.plugin == "static-file")
      try folder.replace("nodes.yaml", with: "nodes: [{nodeId: c, nodename: c}]")
      try await eventually("the change is in") { aggregator.memberNames == ["a", "b", "c"] }
    }
  }

  @Test("an option that the plugin doesn't know is an error of the file, with its place")
  func options() async throws {
    let file = try configuration("      rack: {plugin: static-file, path: nodes.yaml, pathh: x}")
    let error = await #expect(throws: ConfigurationErrors.self) {
      try await Aggregator(configurationFile: file, logger: quiet)
    }
    #expect(error?.description.hasPrefix("\(file):9:") == true)
    #expect(error?.description.contains("pathh") == true)
  }

  @Test("a plugin that isn't installed is its registry's failure")
  func missing() async throws {
    let file = try configuration("      rack: {plugin: never-written}")
    let aggregator = try await Aggregator(configurationFile: file, logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSettled(timeout: .seconds(30))
      #expect(aggregator.state("rack") == .failed)
      #expect(aggregator.snapshot().registry("rack")?.error?.message.contains("never-written") == true)
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
    #expect(registry.published.last == Publication(local: nil))
    #expect(!registry.isRunning)
  }
}
