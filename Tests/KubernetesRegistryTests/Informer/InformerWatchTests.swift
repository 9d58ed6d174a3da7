import ClusterModel
import Foundation
import HTTPTestSupport
import Platform
import RegistryKit
import RegistryTestSupport
import Synchronization
import Testing

@testable import KubernetesRegistry

/// How changes are followed, whatever pieces they come in.
@Suite struct InformerWatchTests {
  @Test("a watch as the server writes it, cut in two at every byte offset gives the same")
  func everyOffset() async throws {
    let written =
      Kube.event(
        "ADDED", Kube.node("b", id: "2", version: 11, hostname: "höst", more: ["x": "a\\\"b\u{1F600}"]))
      + Kube.event("MODIFIED", Kube.node("b", id: "2", version: 12, hostname: "b-2")) + Kube.bookmark(13)
      + Kube.event("DELETED", Kube.node("b", id: "2", version: 14))
    let bytes = Array(written.utf8)
    let watches = Mutex(0)
    try await checkInformer { request, answer in
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
      let record = try await recorder.wait(for: "the last watch", within: .seconds(120)) {
        $0.ids() == ["1", "end"]
      }
      #expect(record.updates.count == 1 + 3 * (bytes.count - 1) + 1)
      #expect(record.errors == [])
    }
  }

  @Test("an event of almost 16 MiB is read, in pieces of one byte and of many")
  func longLine() async throws {
    try await checkInformer { request, answer in
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
      try await recorder.wait(for: "the node") { $0.ids() == ["1"] }
    }
  }

  @Test("an event that is too long is reported, and the rest of the view stays")
  func tooLong() async throws {
    try await checkInformer { request, answer in
      guard request.isWatch else {
        return try await answer.send(Kube.list([Kube.node("a", id: "1", version: 1)], version: 10))
      }
      try await answer.begin()
      let filler = String(repeating: "x", count: 17 << 20)
      try await answer.chunk(
        Kube.event("ADDED", Kube.node("big", id: "2", version: 11, more: ["filler": filler])))
      try await answer.hang()
    } body: { recorder, _ in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == ["1"])
      #expect(record.error(.reading)?.message.contains("can't be read") == true)
    }
  }

  @Test("events that come twice, late bookmarks and objects without metadata do no harm")
  func oddEvents() async throws {
    try await checkInformer { request, answer in
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
      let record = try await recorder.wait(for: "the second watch") { $0.ids() == ["1", "2", "9"] }
      #expect(record.updates.count == 3)
      #expect(record.affiliate("2")?.hostname == "")
      #expect(server.requests.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "20"])
      #expect(record.log.contains { $0.contains("without a name") })
    }
  }

  @Test("a watch that ends is resumed, and one that ends at once is not resumed in a tight loop")
  func endingWatches() async throws {
    let start = ContinuousClock.now
    try await checkInformer(timing: {
      $0.backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1), factor: 2, spread: 0)
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
      try await recorder.wait(for: "the node") { $0.ids() == ["1"] }
      // 50 + 100 + 200 + 400 + 800 ms.
      #expect(ContinuousClock.now - start >= .milliseconds(1500))
      #expect(server.requests.filter(\.isList).count == 1)
      #expect(recorder.now.isHealthy)
    }
  }

  /// Answers with one Node; the first watch says `text`, and ends.
  private func failingOnce(
    _ text: String, _ request: ScriptedServer.Request, _ answer: ScriptedServer.Answer
  ) async throws {
    guard request.isWatch else {
      return try await answer.send(
        Kube.list([Kube.node("a", id: "1", version: 1)], version: 10 + request.number))
    }
    try await answer.begin()
    guard request.query["resourceVersion"] == "10" else { return try await answer.hang() }
    try await answer.chunk(text)
    try await answer.end()
  }

  @Test(
    "an error in a watch that isn't about its version is reported, and after some everything is read again")
  func watchErrors() async throws {
    try await checkInformer { request, answer in
      try await failingOnce(
        Kube.event("ERROR", Kube.status(500, reason: "InternalError", message: "oh no")), request, answer)
    } body: { recorder, server in
      try await recorder.wait(for: "the report") {
        $0.error(.reading)?.message.contains("500 InternalError") == true
      }
      try await recorder.wait(for: "the recovery") { _ in
        server.requests.filter(\.isList).count == 2 && server.requests.last?.isWatch == true
      }
      #expect(recorder.now.ids() == ["1"])
      #expect(recorder.now.updates.count == 1)
    }
  }

  @Test("a malformed watch is reported, everything is read again, and what was applied stays")
  func malformed() async throws {
    try await checkInformer { request, answer in
      try await failingOnce(
        Kube.event("ADDED", Kube.node("b", id: "2", version: 11)) + "{nonsense}\n", request, answer)
    } body: { recorder, server in
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.error(.reading)?.message.contains("can't be read") == true)
      // The second list doesn't have b.
      try await recorder.wait(for: "the recovery") { $0.ids() == ["1"] && $0.isHealthy }
      #expect(recorder.now.updates.count == 3)
    }
  }

  @Test("malformed items are logged once, however often their Node changes")
  func problemsOnce() async throws {
    try await checkInformer { request, answer in
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
      let record = try await recorder.wait(for: "the last change") { $0.affiliate("1")?.hostname == "h30" }
      #expect(record.affiliate("1")?.addresses == [try IPAddress("10.0.0.1")])
      #expect(record.log.filter { $0.contains("nonsense") }.count == 1)
    }
  }

  @Test("a Node whose kubelet is gone is not ready, and what comes at once is one batch")
  func healthAndBatches() async throws {
    @Sendable func conditions(_ status: String, _ reason: String) -> String {
      #"[{"type":"DiskPressure","status":"False"},{"type":"Ready","status":"\#(status)","reason":"\#(reason)"}]"#
    }
    try await checkInformer { request, answer in
      guard request.isWatch else {
        return try await answer.send(
          Kube.list(
            [Kube.node("a", id: "1", version: 1, conditions: conditions("True", "KubeletReady"))], version: 10
          ))
      }
      try await answer.begin()
      let lost = conditions("Unknown", "NodeStatusUnknown")
      try await answer.chunk(
        Kube.event("MODIFIED", Kube.node("a", id: "1", version: 11, conditions: lost))
          + Kube.event("ADDED", Kube.node("b", id: "2", version: 12))
          + Kube.event("DELETED", Kube.node("b", id: "2", version: 13)))
      try await answer.hang()
    } body: { recorder, _ in
      try await recorder.wait(for: "the change") {
        $0.record("1")?.health == .notReady(reason: "NodeStatusUnknown")
      }
      let batches = recorder.now.batches.map { $0.updates.map(\.summary) }.filter { !$0.isEmpty }
      #expect(batches == [["snapshot 1"], ["upsert 1", "upsert 2", "remove 2 deleted"]])
    }
  }
}
