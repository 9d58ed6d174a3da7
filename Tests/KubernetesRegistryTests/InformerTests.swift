import ClusterModel
import Foundation
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import KubernetesRegistry

/// The informer against a server that does what a real one rarely does.
@Suite struct InformerTests {
  private typealias Request = ScriptedServer.Request
  private typealias Answer = ScriptedServer.Answer

  /// Runs a registry against a server that answers by `respond`.
  private func check(
    localNodeID: String? = nil, options: @escaping @Sendable (inout KubernetesOptions) -> Void = { _ in },
    timing: @escaping @Sendable (inout InformerTiming) -> Void = { _ in },
    client: ClientTiming = ClientTiming(),
    respond: @escaping @Sendable (ScriptedServer.Request, ScriptedServer.Answer) async throws -> Void,
    body: @escaping @Sendable (Recorder, ScriptedServer) async throws -> Void
  ) async throws {
    try await ScriptedServer.run(respond) { server in
      var test = try TestRegistry(
        config: Kube.config(server: server.url), localNodeID: localNodeID, options: options, timing: timing)
      test.registry.clientTiming = client
      try await test.run { recorder in try await body(recorder, server) }
    }
  }

  @Test("pages are read to the last, then the watch begins at the list's version")
  func pages() async throws {
    try await check { request, answer in
      if request.isWatch {
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("d", id: "4", version: 11)))
        return try await answer.hang()
      }
      switch request.query["continue"] {
      case nil:
        try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1)], version: 10, continueToken: "p=2&"))
      case "p=2&":
        try await answer.send(
          Kube.list([Kube.node("b", id: "2", version: 2)], version: 10, continueToken: "p3"))
      default: try await answer.send(Kube.list([Kube.node("c", version: 3)], version: 10))
      }
    } body: { recorder, server in
      try await recorder.wait(for: "all nodes") { $0.ids == ["1", "2", "4"] && $0.trouble == nil }
      #expect(recorder.now.updateCount == 2)
      let requests = server.requests
      #expect(requests.count == 4)
      #expect(requests.prefix(3).allSatisfy { $0.query["limit"] == "500" })
      #expect(requests.prefix(3).map { $0.query["continue"] } == [nil, "p=2&", "p3"])
      let watch = try #require(requests.last?.query)
      #expect(watch["resourceVersion"] == "10")
      #expect(watch["allowWatchBookmarks"] == "true")
      #expect((300...600).contains(try #require(watch["timeoutSeconds"].flatMap { Int($0) })))
      #expect(requests.allSatisfy { $0.headers["accept-encoding"] == "identity" })
    }
  }

  @Test("a list that fails half way changes nothing, and is read again from its beginning")
  func halfWay() async throws {
    let lists = Mutex(0)
    try await check { request, answer in
      if request.isWatch {
        // The first watch ends at once with the version gone, which makes everything be read again.
        try await answer.begin()
        guard lists.withLock({ $0 }) >= 2 else {
          try await answer.chunk(Kube.event("ERROR", Kube.status(410, reason: "Expired", message: "too old")))
          return try await answer.end()
        }
        return try await answer.hang()
      }
      if request.query["continue"] == "p2" {
        let isFirst =
          lists.withLock {
            $0 += 1; return $0
          } == 1
        if isFirst {
          // Half an object, and the connection is gone.
          try await answer.begin()
          try await answer.chunk(
            Kube.list([Kube.node("z", id: "9", version: 3)], version: 20).utf8.prefix(200))
          throw ScriptedServer.HangUp()
        }
        return try await answer.send(Kube.list([Kube.node("b", id: "3", version: 3)], version: 20))
      }
      // The first list of all has one page.
      guard request.number > 0 else {
        return try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1), Kube.node("b", id: "2", version: 1)], version: 10))
      }
      try await answer.send(
        Kube.list([Kube.node("a", id: "1", version: 1)], version: 20, continueToken: "p2"))
    } body: { recorder, _ in
      try await recorder.wait(for: "the second list") { $0.ids == ["1", "3"] && $0.trouble == nil }
      // One snapshot, then one removal and one change: nothing in between, and node 1 untouched.
      #expect(recorder.now.updateCount == 3)
    }
  }

  @Test("410 as an HTTP status of the watch reads everything again without emptying the view")
  func goneStatus() async throws {
    try await check { request, answer in
      if request.isWatch, request.query["resourceVersion"] == "10" {
        return try await answer.refuse(410, reason: "Expired", message: "too old resource version")
      }
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      let isFirst = request.number == 0
      try await answer.send(
        Kube.list(
          [Kube.node("a", id: "1", version: 1)] + (isFirst ? [] : [Kube.node("b", id: "2", version: 9)]),
          version: isFirst ? 10 : 20))
    } body: { recorder, _ in
      try await recorder.wait(for: "the second list") { $0.ids == ["1", "2"] && $0.trouble == nil }
      #expect(recorder.now.updateCount == 2)
      #expect(!recorder.now.events.contains { if case .degraded = $0 { true } else { false } })
    }
  }

  @Test("an expired continue token begins the list anew, the third time without pages")
  func expiredToken() async throws {
    try await check { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      if request.query["continue"] != nil {
        return try await answer.refuse(
          410, reason: "Expired", message: "The provided continue parameter is too old")
      }
      let token = request.query["limit"] == nil ? nil : "p2"
      try await answer.send(
        Kube.list([Kube.node("a", id: "1", version: 1)], version: 10, continueToken: token))
    } body: { recorder, server in
      try await recorder.wait(for: "the list") { $0.ids == ["1"] }
      #expect(
        server.requests.filter(\.isList).map { $0.query["limit"] } == ["500", "500", "500", "500", nil])
    }
  }

  @Test("a recorded watch cut in two at every byte offset tells the same")
  func everyOffset() async throws {
    let recording =
      Kube.event(
        "ADDED", Kube.node("b", id: "2", version: 11, hostname: "höst", more: ["x": "a\\\"b\u{1F600}"]))
      + Kube.event("MODIFIED", Kube.node("b", id: "2", version: 12, hostname: "b-2")) + Kube.bookmark(13)
      + Kube.event("DELETED", Kube.node("b", id: "2", version: 14))
    let bytes = Array(recording.utf8)
    let watches = Mutex(0)
    try await check { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      let offset = watches.withLock {
        $0 += 1; return $0
      }
      guard offset < bytes.count else {
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("end", id: "end", version: 999_999_999)))
        return try await answer.hang()
      }
      // Each watch has newer versions, in as many digits.
      let text = String(decoding: bytes, as: UTF8.self)
        .replacingOccurrences(of: "\"resourceVersion\":\"", with: "\"resourceVersion\":\"\(10_000 + offset)")
      let all = Array(text.utf8)
      try await answer.begin()
      try await answer.chunk(all[..<offset])
      try await answer.chunk(all[offset...])
      try await answer.end()
    } body: { recorder, _ in
      let told = try await recorder.wait(for: "the last watch", within: .seconds(120)) {
        $0.ids == ["1", "end"]
      }
      #expect(told.updateCount == 1 + 3 * (bytes.count - 1) + 1)
      #expect(!told.events.contains { if case .degraded = $0 { true } else { false } })
    }
  }

  @Test("an event of almost 16 MiB is read, in pieces of one byte and of many")
  func longLine() async throws {
    try await check { request, answer in
      guard request.isWatch else { return try await answer.send(Kube.list([], version: 10)) }
      try await answer.begin()
      let filler = String(repeating: "x", count: 16 << 20 - 4096)
      let event = Array(
        Kube.event("ADDED", Kube.node("big", id: "1", version: 11, more: ["filler": filler])).utf8)
      for byte in event[..<100] { try await answer.chunk([byte]) }
      var rest = event[100...]
      while !rest.isEmpty {
        try await answer.chunk(rest.prefix(1 << 20))
        rest = rest.dropFirst(1 << 20)
      }
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the node") { $0.ids == ["1"] }
    }
  }

  @Test("an event that is too long is told, and the rest of the view stays")
  func tooLong() async throws {
    try await check { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.begin()
      let filler = String(repeating: "x", count: 17 << 20)
      try await answer.chunk(
        Kube.event("ADDED", Kube.node("big", id: "2", version: 11, more: ["filler": filler])))
      try await answer.hang()
    } body: { recorder, _ in
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.ids == ["1"])
      #expect(told.trouble?.message.contains("can't be read") == true)
    }
  }

  @Test("a server that fails with 500s is told, asked less and less often, and recovers")
  func failures() async throws {
    try await check { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      guard request.number >= 4 else {
        return try await answer.refuse(500, reason: "InternalError", message: "etcd has no leader")
      }
      try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    } body: { recorder, _ in
      let told = try await recorder.wait(for: "the node") { $0.ids == ["1"] && $0.trouble == nil }
      let texts = told.events.compactMap { event -> String? in
        if case .degraded(let error) = event { error.message } else { nil }
      }
      #expect(texts.count == 1)
      #expect(texts.first?.contains("can't list nodes (500): etcd has no leader") == true)
    }
  }

  @Test("Retry-After of a 429 is heeded", .timeLimit(.minutes(1)))
  func tooManyRequests() async throws {
    let start = ContinuousClock.now
    try await check { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      guard request.number > 0 else {
        return try await answer.refuse(429, reason: "TooManyRequests", headers: ["Retry-After": "1"])
      }
      try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    } body: { recorder, server in
      try await recorder.wait(for: "the trouble") { $0.trouble?.message.contains("too busy") == true }
      try await recorder.wait(for: "the node") { $0.ids == ["1"] && $0.trouble == nil }
      #expect(server.requests.filter(\.isList).count == 2)
      #expect(ContinuousClock.now - start >= .seconds(1))
    }
  }

  @Test("a connection that says nothing any more is given up, and the watch goes on from where it was")
  func stall() async throws {
    try await check(timing: {
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
      try await recorder.wait(for: "both nodes") { $0.ids == ["1", "2", "3"] }
      #expect(recorder.now.updateCount == 3)
      #expect(server.requests.filter(\.isList).count == 1)
      #expect(server.requests[2].query["resourceVersion"] == "11")
      #expect(
        recorder.now.events.contains {
          if case .degraded(let error) = $0 { error.message.contains("has said nothing for") } else { false }
        })
    }
  }

  @Test("a server that accepts and never answers is told")
  func noAnswer() async throws {
    try await check(
      client: ClientTiming(connect: .seconds(5), head: .milliseconds(200), silence: .milliseconds(200))
    ) {
      _, answer in
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the trouble") {
        $0.trouble?.message.contains("doesn't answer in time when asked to list nodes") == true
      }
    }
  }

  @Test("compressed answers that nobody asked for are read")
  func gzip() async throws {
    let list = try await Self.gzipped(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    try await check { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      try await answer.begin(headers: ["Content-Encoding": "gzip"])
      try await answer.chunk(list)
      try await answer.end()
    } body: { recorder, _ in
      try await recorder.wait(for: "the node") { $0.ids == ["1"] }
    }
  }

  @Test("an encoding that isn't known is told by name")
  func brotli() async throws {
    try await check { _, answer in
      try await answer.send("xx", headers: ["Content-Encoding": "br"])
    } body: { recorder, _ in
      try await recorder.wait(for: "the trouble") {
        $0.trouble?.message.contains("Content-Encoding 'br'") == true
      }
    }
  }

  @Test("events that come twice, late bookmarks and objects without metadata do no harm")
  func oddEvents() async throws {
    try await check { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.begin()
      guard request.query["resourceVersion"] == "10" else {
        try await answer.chunk(Kube.event("ADDED", Kube.node("z", id: "9", version: 99)))
        return try await answer.hang()
      }
      let added = Kube.event("ADDED", Kube.node("b", id: "2", version: 20))
      try await answer.chunk(added + added + Kube.bookmark(12))
      try await answer.chunk(#"{"type":"ADDED","object":{"kind":"Node"}}"# + "\n")
      try await answer.chunk(#"{"type":"ADDED","object":{"kind":"Node","metadata":{}}}"# + "\n")
      try await answer.chunk(Kube.event("MODIFIED", Kube.node("b", id: "2", version: 15, hostname: "older")))
      try await answer.end()
    } body: { recorder, server in
      let told = try await recorder.wait(for: "the second watch") { $0.ids == ["1", "2", "9"] }
      #expect(told.updateCount == 3)
      #expect(told.affiliate("2")?.hostname == "")
      #expect(server.requests.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "20"])
      #expect(told.log.contains { $0.contains("without a name") })
    }
  }

  @Test("a watch that ends is resumed, and one that ends at once is not resumed in a tight loop")
  func endingWatches() async throws {
    let start = ContinuousClock.now
    try await check(timing: {
      $0.backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1), factor: 2, jitter: 0)
      // However slow the machine is, a watch that ends at once isn't taken for one that works.
      $0.settled = .seconds(60)
    }) {
      request, answer in
      guard request.isWatch else { return try await answer.send(Kube.list([], version: 10)) }
      try await answer.begin()
      if request.number == 6 {
        try await answer.chunk(Kube.event("ADDED", Kube.node("a", id: "1", version: 11)))
        return try await answer.hang()
      }
      try await answer.end()
    } body: { recorder, server in
      try await recorder.wait(for: "the node") { $0.ids == ["1"] }
      // 50 + 100 + 200 + 400 + 800 ms.
      #expect(ContinuousClock.now - start >= .milliseconds(1500))
      #expect(server.requests.filter(\.isList).count == 1)
      #expect(recorder.now.trouble == nil)
    }
  }

  @Test("an error in a watch that isn't about its version is told, and after some everything is read again")
  func watchErrors() async throws {
    try await check { request, answer in
      guard request.isWatch else {
        return try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1)], version: 10 + request.number))
      }
      try await answer.begin()
      if request.query["resourceVersion"] == "10" {
        try await answer.chunk(
          Kube.event("ERROR", Kube.status(500, reason: "InternalError", message: "oh no")))
        return try await answer.end()
      }
      try await answer.hang()
    } body: { recorder, server in
      try await recorder.wait(for: "the trouble") {
        $0.trouble?.message.contains("500 InternalError") == true
      }
      try await recorder.wait(for: "the recovery") { _ in
        server.requests.filter(\.isList).count == 2 && server.requests.last?.isWatch == true
      }
      #expect(recorder.now.ids == ["1"])
      #expect(recorder.now.updateCount == 1)
    }
  }

  @Test("a malformed watch is told, everything is read again, and what was told stays")
  func malformed() async throws {
    try await check { request, answer in
      guard request.isWatch else {
        return try await answer.send(
          Kube.list([Kube.node("a", id: "1", version: 1)], version: 10 + request.number))
      }
      try await answer.begin()
      if request.query["resourceVersion"] == "10" {
        try await answer.chunk(Kube.event("ADDED", Kube.node("b", id: "2", version: 11)) + "{nonsense}\n")
        return try await answer.end()
      }
      try await answer.hang()
    } body: { recorder, server in
      let told = try await recorder.wait(for: "the trouble") { $0.trouble != nil }
      #expect(told.trouble?.message.contains("can't be read") == true)
      // The second list doesn't have b.
      try await recorder.wait(for: "the recovery") { $0.ids == ["1"] && $0.trouble == nil }
      #expect(recorder.now.updateCount == 3)
    }
  }

  @Test("where the server is new enough all nodes come in one stream")
  func initialEvents() async throws {
    try await check(options: { $0.sendInitialEvents = nil }) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version("32+")) }
      #expect(request.isWatch)
      try await answer.begin()
      try await answer.chunk(Kube.event("ADDED", Kube.node("a", id: "1", version: 1)))
      try await answer.chunk(Kube.event("ADDED", Kube.node("b", id: "2", version: 2)))
      try await answer.chunk(Kube.bookmark(50, isEnd: true))
      try await answer.chunk(Kube.event("MODIFIED", Kube.node("b", id: "2", version: 51, hostname: "new")))
      try await answer.hang()
    } body: { recorder, server in
      try await recorder.wait(for: "the change") { $0.affiliate("2")?.hostname == "new" }
      #expect(recorder.now.updateCount == 2)
      let watch = server.requests[1].query
      #expect(watch["sendInitialEvents"] == "true")
      #expect(watch["resourceVersionMatch"] == "NotOlderThan")
      #expect(watch["resourceVersion"] == nil)
    }
  }

  @Test(
    "where the server is too old, refuses or ends the stream early, nodes are read in pages",
    arguments: ["31", "33", "34"])
  func noInitialEvents(minor: String) async throws {
    try await check(options: { $0.sendInitialEvents = true }) { request, answer in
      if request.path == "/version" { return try await answer.send(Kube.version(minor)) }
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      if request.query["sendInitialEvents"] != nil {
        #expect(minor != "31")
        if minor == "33" {
          return try await answer.refuse(
            422, reason: "Invalid",
            message: "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        }
        try await answer.begin()
        try await answer.chunk(Kube.event("ADDED", Kube.node("half", id: "half", version: 1)))
        return try await answer.end()
      }
      try await answer.begin()
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the node") { $0.ids == ["1"] && $0.trouble == nil }
      #expect(recorder.now.updateCount == 1)
    }
  }

  @Test("malformed items are told once, however often their Node changes")
  func problemsOnce() async throws {
    try await check { request, answer in
      guard request.isWatch else { return try await answer.send(Kube.list([], version: 10)) }
      try await answer.begin()
      for version in 11..<31 {
        try await answer.chunk(
          Kube.event(
            "MODIFIED",
            Kube.node(
              "a", id: "1", version: version, hostname: "h\(version)",
              more: [
                NodeAnnotation.selfIPs.rawValue: "10.0.0.1,nonsense"
              ])))
      }
      try await answer.hang()
    } body: { recorder, _ in
      let told = try await recorder.wait(for: "the last change") { $0.affiliate("1")?.hostname == "h30" }
      #expect(told.affiliate("1")?.addresses == [try IPAddress("10.0.0.1")])
      #expect(told.log.filter { $0.contains("nonsense") }.count == 1)
    }
  }

  @Test("without a kubeconfig the registry is degraded, and works when there is one")
  func lateConfig() async throws {
    try await ScriptedServer.run { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    } _: { server in
      let test = try TestRegistry(config: "")
      try FileManager.default.removeItem(atPath: test.folder.path("kubeconfig"))
      try await test.run { recorder in
        try await recorder.wait(for: "the trouble") {
          $0.trouble?.message.contains("'\(test.folder.path("kubeconfig"))' can't be read: No such file")
            == true
        }
        try test.folder.replace("kubeconfig", with: Kube.config(server: server.url))
        try await recorder.wait(for: "the node") { $0.ids == ["1"] && $0.trouble == nil }
      }
    }
  }

  @Test("a proxy is gone through, with its user and password")
  func proxy() async throws {
    try await ScriptedServer.run { request, answer in
      if request.isWatch {
        try await answer.begin()
        return try await answer.hang()
      }
      try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
    } _: { server in
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
          try await recorder.wait(for: "the node") { $0.ids == ["1"] && $0.trouble == nil }
        }
      }
      let head = try #require(heads.withLock { $0.first })
      #expect(head.hasPrefix("connect kube.invalid:99 http/1.1"))
      #expect(head.contains("proxy-authorization: basic bwu6cebzcw=="))
    }
  }

  private static func gzipped(_ text: String) async throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "plain")
    let result = try await ChildProcess.run("gzip", ["-k", folder.path("plain")])
    guard result.status == 0 else { throw NotInTimeTold(description: result.description) }
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("plain.gz"))))
  }
}
