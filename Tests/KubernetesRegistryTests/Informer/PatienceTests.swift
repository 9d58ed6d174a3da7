import HTTPTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// When a server that can't be had is no longer reported, but fails the run.
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
      let test = try TestRegistry(
        config: Kube.config(server: server.url),
        timing: { $0.backoff = Backoff(initial: .seconds(9), maximum: .seconds(9), factor: 1, spread: 0) })
      let outcome = Mutex<(any Error)?>(nil)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { @Sendable in
          do {
            try await test.run(clock: clock) { _ in try await Task.sleep(for: .seconds(3600)) }
          } catch {
            outcome.withLock { $0 = error }
          }
        }
        defer { group.cancelAll() }
        // Waits between attempts are 9 s, and the last one 6; all others are of a request under way.
        while outcome.withLock({ $0 == nil }) {
          try await eventually("it waits or has given up") {
            clock.pending == [.seconds(9)] || clock.pending == [.seconds(6)] || outcome.withLock { $0 != nil }
          }
          if outcome.withLock({ $0 == nil }), let wait = clock.pending.first { clock.advance(by: wait) }
        }
      }
      let error = outcome.withLock { $0 as? RegistryError }
      #expect(error?.message.contains("(500): no leader") == true, "\(String(describing: error))")
      // 5 failures of 9 s each; a minute after the connection broke it was given up.
      #expect(clock.now.offset == .seconds(5 * 9 + 60))
      #expect(test.recorder.now.ids() == ["1"] && !test.recorder.now.isHealthy)
    }
  }
}
