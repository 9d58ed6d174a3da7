import RegistryKit
import Rollcall
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// When a server that can't be had is no trouble any more, but a failure.
@Suite struct PatienceTests {
  @Test("reading that failed for a minute without a break is given up; what comes and goes isn't")
  func patience() async throws {
    let clock = ManualClock()
    try await ScriptedServer.run { request, answer in
      switch request.number {
      // After 5 failures a list and the beginning of a watch, after which nothing works any more.
      case 5: try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      case 6:
        try await answer.begin()
        throw ScriptedServer.HangUp()
      default: try await answer.refuse(500, reason: "InternalError", message: "no leader")
      }
    } _: { server in
      var test = try TestRegistry(
        config: Kube.config(server: server.url),
        timing: { $0.backoff = Backoff(initial: .seconds(9), maximum: .seconds(9), factor: 1, jitter: 0) })
      test.registry.clock = clock
      let registry = test.registry
      let recorder = test.recorder
      let outcome = Mutex<(any Error)?>(nil)
      try await recorder.run(
        Watched(registry) { error in outcome.withLock { $0 = error } }
      ) {
        // Waits between attempts are 9 s, and the last one 6; all others are of a request under way.
        while outcome.withLock({ $0 == nil }) {
          try await eventually("it waits or has given up") {
            clock.pending == [.seconds(9)] || clock.pending == [.seconds(6)] || outcome.withLock { $0 != nil }
          }
          if outcome.withLock({ $0 == nil }), let wait = clock.pending.first { clock.advance(by: wait) }
        }
        let error = outcome.withLock { $0 as? RegistryError }
        #expect(error?.message.contains("(500): no leader") == true, "\(String(describing: error))")
        // 5 failures of 9 s each; a minute after the connection broke it was given up.
        #expect(clock.now.offset == .seconds(5 * 9 + 60))
        #expect(recorder.now.ids == ["1"] && recorder.now.trouble != nil)
      }
    }
  }

  /// Tells with what a registry's run ended.
  private struct Watched: Registry {
    let registry: KubernetesRegistry
    let ended: @Sendable (any Error) -> Void

    init(_ registry: KubernetesRegistry, ended: @escaping @Sendable (any Error) -> Void) {
      self.registry = registry
      self.ended = ended
    }

    func run(updates: RegistryUpdates) async throws {
      do {
        try await registry.run(updates: updates)
      } catch {
        ended(error)
        throw error
      }
    }
  }

  @Test("what a server said that is gone gets stale after staleAfter, and fresh when it is back")
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
      let recorder = Recorder()
      var options = AggregatorOptions()
      options.restart = RestartPolicy(initial: .milliseconds(20), maximum: .milliseconds(100))
      let definition = RegistryDefinition(name: "kubernetes", staleAfter: .milliseconds(300)) { context in
        var registry = try KubernetesRegistry(
          options: KubernetesOptions {
            $0.kubeconfig = "kubeconfig"
            $0.sendInitialEvents = false
          },
          context: RegistryContext(name: "kubernetes", baseDirectory: path, logger: recorder.logger))
        registry.environment = [:]
        registry.timing.patience = .milliseconds(200)
        registry.timing.backoff = Backoff(
          initial: .milliseconds(10), maximum: .milliseconds(50), factor: 2, jitter: 0.5)
        return registry
      }
      let aggregator = try Aggregator(registries: [definition], options: options, logger: recorder.logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await aggregator.run() }
        func status() throws -> RegistryStatus { try #require(aggregator.snapshot().registry("kubernetes")) }
        try await eventually("it is synced") { try status().state == .synced }
        isGone.withLock { $0 = true }
        try await eventually("it has failed and is run again") { try status().restarts > 0 }
        try await eventually("its word is stale") { try status().isStale }
        #expect(aggregator.snapshot().rawAffiliates.count == 1)
        isGone.withLock { $0 = false }
        try await eventually("it is fresh") { try !status().isStale && status().state == .synced }
        group.cancelAll()
      }
    }
  }
}
