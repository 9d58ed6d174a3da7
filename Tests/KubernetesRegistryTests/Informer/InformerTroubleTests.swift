import Foundation
import HTTPTestSupport
import KubernetesTestSupport
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// What becomes of a server that fails, is silent or isn't there.
@Suite struct InformerTroubleTests {
  @Test("a server that fails with 500s is reported, asked less and less often, and recovers")
  func failures() async throws {
    try await checkInformer { request, answer in
      guard request.number >= 4 else {
        return try await answer.refuse(500, reason: "InternalError", message: "etcd has no leader")
      }
      try await ScriptedServer.oneNode(request, answer)
    } body: { recorder, _ in
      let record = try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.isHealthy }
      #expect(record.errors.count == 1)
      #expect(record.errors.first?.message.contains("can't list nodes (500): etcd has no leader") == true)
    }
  }

  /// How a server may refuse that has nothing to offer but refusals.
  enum Refusal: String, CaseIterable {
    case gone, goneWithinWatch, goneAfterEvent, goneInStream, endsAtOnce

    var said: String { self == .endsAtOnce ? "ends each as soon as it has begun" : "(410): too old: 10 (11)" }
  }

  @Test(
    "a server whose watches never last is reported after a few, with what it says, and recovers",
    arguments: Refusal.allCases)
  func watchNeverLasts(refusal: Refusal) async throws {
    let isWell = Mutex(false)
    // However slow the machine is, a watch that ends at once isn't taken for one that works.
    try await checkInformer(
      options: { $0.sendInitialEvents = refusal == .goneInStream }, timing: { $0.settled = .seconds(3) }
    ) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version("33")) }
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      let gone = Kube.status(410, reason: "Expired", message: "too old: 10 (11)")
      if refusal == .gone, !isWell.withLock({ $0 }) { return try await answer.send(gone, status: 410) }
      try await answer.begin()
      if refusal == .goneInStream {
        try await answer.chunk(Kube.event("ADDED", Kube.node("a", id: "1", version: 1)))
        try await answer.chunk(Kube.bookmark(10, isEnd: true))
      }
      if isWell.withLock({ $0 }) { return try await answer.hang() }
      if refusal == .goneAfterEvent {
        try await answer.chunk(Kube.event("MODIFIED", Kube.node("a", id: "1", version: 11)))
      }
      if refusal != .endsAtOnce { try await answer.chunk(Kube.event("ERROR", gone)) }
      try await answer.end()
    } body: { recorder, server in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.error(.reading)?.message.contains(refusal.said) == true, "\(record.errors)")
      #expect(server.requests.filter(\.isWatch).count >= 3)
      let count = server.requests.count
      try await eventually("more attempts") { server.requests.count > count + 4 }
      #expect(!recorder.now.isHealthy && recorder.now.errors.count == 1)
      isWell.withLock { $0 = true }
      try await recorder.wait(for: "the recovery") { $0.isHealthy && $0.ids() == ["1"] }
    }
  }

  @Test("a list that is always answered by a 504 is reported after a few, with what the server says")
  func listNeverComes() async throws {
    for message in ["Too large resource version: 5, current: 3", "the request timed out", ""] {
      try await checkInformer { _, answer in
        try await answer.refuse(504, reason: "Timeout", message: message)
      } body: { recorder, _ in
        let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
        let text = record.error(.reading)?.message ?? ""
        #expect(text.contains("(504)") && text.hasSuffix(message), "\(text)")
        #expect(record.ids() == nil)
      }
    }
  }

  @Test("Retry-After of a 429 is heeded", .timeLimit(.minutes(3)))
  func tooManyRequests() async throws {
    let start = ContinuousClock.now
    try await checkInformer { request, answer in
      guard request.number > 0 else {
        return try await answer.refuse(429, reason: "TooManyRequests", headers: ["Retry-After": "1"])
      }
      try await ScriptedServer.oneNode(request, answer)
    } body: { recorder, server in
      try await recorder.wait(for: "the report") { $0.error(.reading)?.message.contains("too busy") == true }
      try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.isHealthy }
      #expect(server.requests.filter(\.isList).count == 2)
      #expect(ContinuousClock.now - start >= .seconds(1))
    }
  }

  @Test("a connection on which nothing comes any more is given up, and the watch goes on from where it was")
  func stall() async throws {
    try await checkInformer(timing: {
      $0.watchSeconds = 0...0
      $0.grace = .milliseconds(200)
    }) { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.begin()
      if request.query["resourceVersion"] == "10" {
        try await answer.chunk(Kube.event("ADDED", Kube.node("b", id: "2", version: 11)))
      } else {
        try await answer.chunk(Kube.event("ADDED", Kube.node("c", id: "3", version: 12)))
      }
      try await answer.hang()
    } body: { recorder, server in
      try await recorder.wait(for: "both nodes") { $0.ids() == ["1", "2", "3"] }
      #expect(recorder.now.updates.count == 3)
      #expect(server.requests.filter(\.isList).count == 1)
      #expect(server.requests[2].query["resourceVersion"] == "11")
      #expect(recorder.now.errors.contains { $0.message.contains("has sent nothing for") })
    }
  }

  @Test("a server that accepts and never answers is reported")
  func noAnswer() async throws {
    try await checkInformer(
      client: ClientTiming(connect: .seconds(5), head: .milliseconds(200), silence: .milliseconds(200))
    ) {
      _, answer in
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the report") {
        $0.error(.reading)?.message.contains("doesn't answer in time when asked to list nodes") == true
      }
    }
  }

  @Test(
    "a watch that lives for a while and is cut, again and again, goes on from where it was: nothing is reported"
  )
  func idleTimeout() async throws {
    try await checkInformer(timing: {
      $0.lasting = .milliseconds(50)
      // Nothing comes of it but the time that it lasts.
      $0.settled = .seconds(60)
    }) { request, answer in
      guard request.isWatch else { return try await ScriptedServer.oneNode(request, answer) }
      try await answer.begin()
      try await Task.sleep(for: .milliseconds(100))
      throw ScriptedServer.HangUp()
    } body: { recorder, server in
      try await eventually("many watches") { server.requests.filter(\.isWatch).count > 5 }
      #expect(recorder.now.isHealthy && recorder.now.errors.isEmpty)
      #expect(server.requests.filter(\.isList).count == 1)
      #expect(!recorder.now.log.contains { $0.hasPrefix("warning") })
    }
  }

  @Test("without a kubeconfig the registry is degraded, and works when there is one")
  func lateConfig() async throws {
    try await ScriptedServer.run(ScriptedServer.oneNode) { server in
      let test = try TestRegistry(config: "")
      try FileManager.default.removeItem(atPath: test.folder.path("kubeconfig"))
      try await test.run { recorder in
        try await recorder.wait(for: "the report") {
          $0.error(.reading)?.message.contains(
            "'\(test.folder.path("kubeconfig"))' can't be read: there is no such file") == true
        }
        try test.folder.replace("kubeconfig", with: Kube.config(server: server.url))
        try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.isHealthy }
      }
    }
  }

  @Test("a proxy is gone through, with its user and password")
  func proxy() async throws {
    try await ScriptedServer.run(ScriptedServer.oneNode) { server in
      let heads = Mutex<[String]>([])
      try await Relay.run(to: server.port, asked: { head in heads.withLock { $0.append(head.lowercased()) } })
      { port in
        // Nobody listens there: only the proxy knows the way.
        let config = """
          clusters: [{name: c, cluster: {server: "http://kube.invalid:99", proxy-url: "http://me:p%40ss@\(Relay.host):\(port)"}}]
          contexts: [{name: x, context: {cluster: c}}]
          current-context: x

          """
        try await TestRegistry(config: config).run { recorder in
          try await recorder.wait(for: "the node") { $0.ids() == ["1"] && $0.isHealthy }
        }
      }
      let head = try #require(heads.withLock { $0.first })
      #expect(head.hasPrefix("connect kube.invalid:99 http/1.1"))
      #expect(head.contains("proxy-authorization: basic bwu6cebzcw=="))
    }
  }
}
