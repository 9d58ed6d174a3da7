import ClusterModel
import HTTPTestSupport
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import HTTPRegistry

/// Another Rollcall, whose watch a test writes.
@Suite struct FederationTests {
  private static func affiliate(_ id: String, hostname: String = "", labels: String = "") -> String {
    """
    {"metadata":{"namespace":"cluster","type":"Affiliates.cluster.talos.dev","id":"\(id)","version":1,\
    "labels":{\(labels)}},"spec":{"nodeId":"\(id)","addresses":["10.0.0.1"],"hostname":"\(hostname)","nodename":"n-\(hostname)",\
    "operatingSystem":"","machineType":"worker"},"status":{"state":"ready"}}
    """
  }

  private static func member(_ id: String, _ state: String, reason: String = "") -> String {
    """
    {"metadata":{"id":"m"},"spec":{"nodeId":"\(id)"},"status":{"state":"\(state)","reason":"\(reason)"}}
    """
  }

  private static func event(
    _ name: String, _ type: String, _ object: String, more: String = "", id: String = "e.1"
  ) -> String {
    "id: \(id)\nevent: \(name)\ndata: {\"type\":\"\(type)\",\"object\":\(object)\(more)}\n\n"
  }

  private func following(
    _ body:
      @escaping @Sendable (Mutex<[String]>.Box, ScriptedServer, SessionRecorder, ManualClock) async throws ->
      Void
  ) async throws {
    let said = Mutex<[String]>.Box()
    try await ScriptedServer.run { _, answer in
      try await answer.raw(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
      while true {
        let piece = said.value.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if piece == "end" { throw ScriptedServer.HangUp() }
        // A look at what the test wants to be sent, not a wait for what is tested.
        if let piece { try await answer.chunk(piece) } else { try await Task.sleep(for: .milliseconds(2)) }
      }
    } _: { server in
      let clock = ManualClock()
      let recorder = SessionRecorder()
      let registry = try registry { $0.rollcall = server.url + "/" }
      try await recorder.run(registry, localNodeID: "me", clock: clock) {
        try await body(said, server, recorder, clock)
      }
    }
  }

  @Test("all that the other one knows comes at once, then each change; this node is left out")
  func follows() async throws {
    try await following { said, server, recorder, _ in
      said.say(
        Self.event("ADDED", "affiliates", Self.affiliate("a", hostname: "w-1", labels: #""rack":"12""#)),
        Self.event("ADDED", "affiliates", Self.affiliate("b", hostname: "w-2")),
        Self.event("ADDED", "affiliates", Self.affiliate("me", hostname: "w-3")),
        Self.event("ADDED", "affiliates", Self.affiliate("inventory/17", hostname: "printer")),
        Self.event("ADDED", "members", Self.member("a", "notready", reason: "KubeletNotReady")),
        Self.event("ADDED", "members", Self.member("b", "missing")))
      try await eventually("it is asked") { !server.requests.isEmpty }
      #expect(recorder.now.ids() == nil)
      said.say("event: SYNCED\nid: e.5\ndata: {}\n\n")
      let record = try await recorder.wait(for: "all") { $0.ids() == ["a", "b", "inventory:17"] }
      #expect(record.isHealthy)
      #expect(record.record("a")?.labels["rack"] == "12")
      #expect(record.record("a")?.health == .notReady(reason: "KubeletNotReady"))
      #expect(record.record("b")?.isStale == true)
      #expect(record.record("inventory:17")?.isLocalID == true)
      #expect(record.affiliate("a")?.nodename == "n-w-1")
      said.say(
        Self.event("MODIFIED", "members", Self.member("b", "ready")),
        Self.event("DELETED", "affiliates", Self.affiliate("a"), more: #","reason":"withdrawn""#))
      let changed = try await recorder.wait(for: "the changes") { $0.ids() == ["b", "inventory:17"] }
      #expect(changed.record("b")?.isStale == false)
      #expect(server.requests[0].path == "/v1/watch")
      #expect(server.requests[0].query["types"] == "affiliates,members")
    }
  }

  @Test("a watch that is cut off goes on where it was, and one that begins anew takes away what is gone")
  func resumes() async throws {
    try await following { said, server, recorder, clock in
      said.say(
        Self.event("ADDED", "affiliates", Self.affiliate("a")),
        Self.event("ADDED", "affiliates", Self.affiliate("b")),
        "event: SYNCED\nid: e.5\ndata: {}\n\n")
      try await recorder.wait(for: "all") { $0.ids() == ["a", "b"] }
      said.say("end")
      _ = try await passing(clock, recorder, "the second question") { _ in server.requests.count == 2 }
      #expect(server.requests[1].headers["last-event-id"] == "e.5")
      #expect(recorder.now.ids() == ["a", "b"])
      said.say(
        "event: RESET\nid: f.1\ndata: {\"reason\":\"restarted\"}\n\n",
        Self.event("ADDED", "affiliates", Self.affiliate("b", hostname: "new"), id: "f.1"))
      said.say("event: SYNCED\nid: f.2\ndata: {}\n\n")
      let record = try await recorder.wait(for: "the new world") { $0.ids() == ["b"] }
      #expect(record.hostname("b") == "new")
      #expect(record.isHealthy)
    }
  }

  @Test("an affiliate that can't be read is reported, and the others are kept")
  func badObject() async throws {
    try await following { said, _, recorder, _ in
      said.say(
        Self.event("ADDED", "affiliates", Self.affiliate("a b")),
        Self.event("ADDED", "affiliates", Self.affiliate("c")),
        "event: SYNCED\ndata: {}\n\n")
      let record = try await recorder.wait(for: "all") { $0.ids() == ["c"] }
      #expect(record.content.contains("node identity 'a b'"))
      said.say(Self.event("DELETED", "affiliates", Self.affiliate("a b")))
      try await recorder.wait(for: "the mending") { $0.isHealthy }
    }
  }

  @Test("what isn't a Rollcall is reported")
  func otherServer() async throws {
    try await ScriptedServer.run { _, answer in
      try await answer.send("{}")
    } _: { server in
      let recorder = SessionRecorder()
      try await recorder.run(try registry { $0.rollcall = server.url }) {
        let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
        #expect(record.trouble.contains("isn't the watch of a Rollcall"))
      }
    }
  }
}

extension Mutex where Value == [String] {
  /// What a test has a server say.
  final class Box: Sendable {
    let value = Mutex<[String]>([])

    func say(_ pieces: String...) { value.withLock { $0 += pieces } }
  }
}
