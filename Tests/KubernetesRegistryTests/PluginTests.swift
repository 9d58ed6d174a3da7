import ClusterModel
import HTTPTestSupport
import Logging
import PluginHost
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import KubernetesRegistry

/// The plugin as it was built, loaded by the host.
@Suite struct PluginTests {
  private func plugin() async throws -> LoadedPlugin {
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: [.init(BuiltProducts.folder.path)]),
      allowUnsafePermissions: true, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await catalog.plugin(named: "kubernetes")
  }

  @Test("the built plugin is the registry's type, schema and all, and publishes")
  func descriptor() async throws {
    let descriptor = try await plugin().descriptor
    #expect(descriptor == KubernetesRegistry.descriptor)
    #expect(descriptor.publishes)
    #expect(descriptor.prefix == "k8s")
  }

  @Test("the built plugin reads, watches and publishes")
  func endToEnd() async throws {
    try await ScriptedServer.run { request, answer in
      if request.isWatch {
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("b", id: "2", version: 11)))
        return try await answer.hang()
      }
      if request.isList {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.send(Kube.node("me", id: request.method == "PATCH" ? "3" : nil, version: 5))
    } _: { server in
      let folder = try TemporaryFolder()
      try folder.write(Kube.config(server: server.url), to: "kubeconfig")
      let recorder = SessionRecorder()
      let context = RegistryContext(
        name: "kubernetes", localNodeID: try NodeIdentity("3"), baseDirectory: folder.path,
        logger: recorder.logger)
      let registry = try await plugin().registry(
        options: #"{"kubeconfig":"kubeconfig","sendInitialEvents":false}"#, context: context)
      try await recorder.run(registry) {
        try await recorder.wait(for: "the nodes") { $0.ids() == ["1", "2"] && $0.isHealthy }
        try await recorder.published(
          Publication(local: Affiliate(nodeID: try NodeIdentity("3"), nodename: "me")))
        try await eventually("the patch") { server.requests.contains { $0.method == "PATCH" } }
      }
      let patch = try #require(server.requests.first { $0.method == "PATCH" })
      #expect(patch.body == #"{"metadata":{"annotations":{"cluster.talos.dev/node-id":"3"}}}"#)
    }
  }

  @Test("options that can't work together fail the run")
  func badOptions() async throws {
    let registry = try await plugin().registry(
      options: #"{"kubeconfig":"x","inCluster":true}"#,
      context: RegistryContext(name: "k", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let error = await #expect(throws: RegistryError.self) {
      try await registry.run(SessionRecorder().session())
    }
    #expect(error?.message.contains("inCluster: true and kubeconfig exclude each other") == true)
  }
}
