import ClusterModel
import HTTPTestSupport
import RegistryConformance
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

@Suite struct KubernetesConformanceTests {
  @Test(
    "the registry keeps the rules of every registry, publishing and a failing server included",
    arguments: NodeChoice.allCases)
  func conformance(choice: NodeChoice) async throws {
    let isBroken = Mutex(false)
    try await ScriptedServer.run { request, answer in
      guard !isBroken.withLock({ $0 }) else { return try await answer.refuse(500) }
      if request.isWatch {
        try await answer.begin()
        try await eventually("the server breaks", within: .seconds(120)) { isBroken.withLock { $0 } }
        throw ScriptedServer.HangUp()
      }
      if request.isList {
        let nodes = [
          Kube.node("a", id: "1", version: 1), Kube.node("b", id: "2", version: 2),
          Kube.node("c", version: 3, hostname: "c"),
        ]
        return try await answer.send(Kube.list(nodes, version: 10))
      }
      try await answer.send(Kube.node("me", id: "3", version: 5))
    } _: { server in
      let publication = Publication(local: Affiliate(nodeID: try NodeIdentity("3"), nodename: "me"))
      let report = await RegistryConformance.check(
        sabotage: .init(
          break: { isBroken.withLock { $0 = true } }, mend: { isBroken.withLock { $0 = false } }),
        publication: publication, deadline: .seconds(20)
      ) {
        try TestRegistry(
          config: Kube.config(server: server.url), localNodeID: "3",
          options: {
            $0.nodes = choice
            $0.publish = true
          }
        ).keepingItsFolder()
      }
      #expect(report.isPassed, "\(report)")
      #expect(report.checks.allSatisfy { $0.result == .passed }, "\(report)")
    }
  }
}

/// A registry whose folder lasts as long as it does.
private struct Kept: Registry {
  let test: TestRegistry

  func run(_ session: RegistrySession) async throws { try await test.registry.run(session) }
}

extension TestRegistry {
  fileprivate func keepingItsFolder() -> any Registry { Kept(test: self) }
}
