import HTTPTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import Rollcall
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// What an aggregator makes of a server that fails.
@Suite struct StaleTests {
  @Test("the records of a server that is gone get stale after staleAfter, and fresh when it is back")
  func staleAfter() async throws {
    let isGone = Mutex(false)
    try await ScriptedServer.run { request, answer in
      if isGone.withLock({ $0 }) { throw ScriptedServer.HangUp() }
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.begin()
      try await eventually("the server goes away", within: .seconds(120)) { isGone.withLock { $0 } }
      throw ScriptedServer.HangUp()
    } _: { server in
      let folder = try TemporaryFolder()
      try folder.write(Kube.config(server: server.url), to: "kubeconfig")
      let path = folder.path
      let recorder = SessionRecorder()
      var options = AggregatorOptions()
      options.restart = RestartPolicy(initial: .milliseconds(20), maximum: .milliseconds(100))
      let definition = RegistryDefinition(
        name: "kubernetes", retention: RetentionPolicy(staleAfter: .milliseconds(300))
      ) { _ in
        var registry = try KubernetesRegistry(
          options: KubernetesOptions {
            $0.kubeconfig = "kubeconfig"
            $0.sendInitialEvents = false
          },
          context: RegistryContext(name: "kubernetes", baseDirectory: path, logger: recorder.logger))
        registry.environment = [:]
        registry.timing.patience = .milliseconds(200)
        registry.timing.backoff = Backoff(
          initial: .milliseconds(10), maximum: .milliseconds(50), factor: 2)
        return registry
      }
      let aggregator = try Aggregator(registries: [definition], options: options, logger: recorder.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await aggregator.run() }
        func status() throws -> RegistryStatus { try #require(aggregator.snapshot().registry("kubernetes")) }
        try await eventually("it is synced") { try status().state == .synced }
        isGone.withLock { $0 = true }
        try await eventually("it has failed and is run again") { try status().restarts > 0 }
        try await eventually("its records are stale") { try status().isStale }
        #expect(aggregator.snapshot().rawAffiliates.count == 1)
        isGone.withLock { $0 = false }
        try await eventually("it is fresh") { try !status().isStale && status().state == .synced }
        group.cancelAll()
      }
    }
  }
}
