import Foundation
import HTTPTestSupport
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// A server that isn't the one any more that the versions came from.
@Suite struct InformerServerTests {
  @Test("a kubeconfig that names another cluster leads to a list there, also between two pages")
  func movedServer() async throws {
    try await ScriptedServer.run { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("b", id: "2", version: 3)], version: 5))
      }
      try await answer.begin()
      try await answer.hang()
    } _: { new in
      let folder = Mutex<TemporaryFolder?>(nil)
      let move: @Sendable () throws -> Void = {
        try folder.withLock { $0 }?.replace("kubeconfig", with: Kube.config(server: new.url))
      }
      let lists = Mutex(0)
      try await ScriptedServer.run { request, answer in
        if request.isWatch {
          // The version is gone: all is read again, and with that comes the move.
          return try await answer.refuse(410, reason: "Expired", message: "too old")
        }
        let isFirst = lists.withLock {
          $0 += 1; return $0 == 1
        }
        if !isFirst { try move() }
        let nodes = [Kube.node("a", id: "1", version: 999)]
        try await answer.send(Kube.list(nodes, version: 1000, continueToken: isFirst ? nil : "p2"))
      } _: { old in
        let test = try TestRegistry(config: Kube.config(server: old.url))
        folder.withLock { $0 = test.folder }
        try await test.run { recorder in
          try await recorder.wait(for: "the other cluster's nodes") { $0.ids() == ["2"] && $0.isHealthy }
          // What was applied stayed until the other cluster's list was there: one snapshot, a removal, a new
          // node.
          #expect(recorder.now.updates.count == 3)
          try await eventually("the watch") { new.requests.last?.isWatch == true }
          #expect(old.requests.count == 3)
          #expect(new.requests.first?.isList == true && new.requests.first?.query["continue"] == nil)
          #expect(new.requests.filter(\.isWatch).allSatisfy { $0.query["resourceVersion"] == "5" })
        }
      }
    }
  }

  @Test("a version of one cluster is never watched from in another")
  func movedWatch() async throws {
    let isMoved = Mutex(false)
    try await ScriptedServer.run(ScriptedServer.oneNode) { new in
      try await ScriptedServer.run { request, answer in
        guard request.isWatch else { return try await answer.send(Kube.list([], version: 1000)) }
        try await answer.begin()
        try await eventually("the move") { isMoved.withLock { $0 } }
        try await answer.end()
      } _: { old in
        let test = try TestRegistry(config: Kube.config(server: old.url))
        try await test.run { recorder in
          try await eventually("the first watch") { old.requests.last?.isWatch == true }
          try test.folder.replace("kubeconfig", with: Kube.config(server: new.url))
          isMoved.withLock { $0 = true }
          try await recorder.wait(for: "the other cluster's node") { $0.ids() == ["1"] }
          try await eventually("the other watch") { new.requests.last?.isWatch == true }
          #expect(new.requests.map(\.isList) == [true, false])
          #expect(new.requests.last?.query["resourceVersion"] == "10")
        }
      }
    }
  }

  @Test("a server that went back to an older state is noticed by its silence, and what it says now counts")
  func restored() async throws {
    try await checkInformer(timing: { $0.quietLimit = .zero }) { request, answer in
      if request.isList {
        let isFirst = request.number == 0
        let hostname = isFirst ? "newer" : "older"
        return try await answer.send(
          Kube.list(
            [Kube.node("a", id: "1", version: isFirst ? 999 : 400, hostname: hostname)],
            version: isFirst ? 1000 : 500))
      }
      try await answer.begin()
      // From a version that hasn't been yet nothing comes until the watch ends.
      guard request.query["resourceVersion"] != "1000" else { return try await answer.end() }
      try await answer.chunk(Kube.event("MODIFIED", Kube.node("a", id: "1", version: 501, hostname: "now")))
      try await answer.hang()
    } body: { recorder, server in
      try await recorder.wait(for: "what is so now") { $0.affiliate("1")?.hostname == "now" }
      let hostnames = recorder.now.updates.compactMap { update -> String? in
        if case .upsert(let record, _) = update { record.affiliate.hostname } else { nil }
      }
      #expect(hostnames == ["older", "now"])
      #expect(recorder.now.isHealthy)
      #expect(server.requests.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["1000", "500"])
    }
  }

  @Test("a watch in which nothing happens but a bookmark goes on from there")
  func quiet() async throws {
    try await checkInformer(timing: { $0.quietLimit = .zero }) { request, answer in
      if request.isList { return try await answer.send(Kube.list([], version: 1000)) }
      try await answer.begin()
      guard request.query["resourceVersion"] == "1000" else { return try await answer.hang() }
      try await answer.chunk(Kube.bookmark(1001))
      try await answer.end()
    } body: { _, server in
      try await eventually("the second watch") { server.requests.filter(\.isWatch).count == 2 }
      #expect(server.requests.map { $0.query["resourceVersion"] } == [nil, "1000", "1001"])
    }
  }

  @Test(
    "more nodes than a registry may have are reported as too many, also where pages have no end",
    arguments: ["pages", "empty pages", "stream"])
  func tooMany(kind: String) async throws {
    try await checkInformer(
      options: { $0.sendInitialEvents = kind == "stream" }, timing: { $0.nodeLimit = 5 }
    ) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version("33")) }
      let page = request.number
      guard request.isWatch else {
        let nodes = kind == "pages" ? [Kube.node("n\(page)", id: "id-\(page)", version: 1)] : []
        return try await answer.send(Kube.list(nodes, version: 10, continueToken: "p\(page)"))
      }
      try await answer.begin()
      for index in 0..<6 {
        try await answer.chunk(Kube.event("ADDED", Kube.node("n\(index)", id: "id-\(index)", version: 1)))
      }
      try await answer.hang()
    } body: { recorder, _ in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.error(.reading)?.code == .limitExceeded)
      #expect(record.error(.reading)?.message == "the server has more than 5 nodes, which are too many")
      #expect(record.ids() == nil)
    }
  }
}
