import ClusterModel
import HTTPTestSupport
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import HTTPRegistry

@Suite struct StreamTests {
  /// What a server streams, piece by piece, as a test says.
  private final class Feed: Sendable {
    private let pieces = Mutex<[String]>([])
    /// The newest connection, which alone is served: the server doesn't notice that one has gone.
    private let newest = Mutex(0)
    /// Ends the connection.
    static let end = "\u{0}end"

    func say(_ lines: String...) { pieces.withLock { $0 += lines } }

    func serve(_ answer: ScriptedServer.Answer, headers: [String: String] = [:]) async throws {
      let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
      try await answer.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n")
      let number = newest.withLock { newest in
        newest += 1
        return newest
      }
      while newest.withLock({ $0 }) == number {
        let piece = pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let piece else {
          // A look at what the test wants to be sent, not a wait for what is tested.
          try await Task.sleep(for: .milliseconds(2))
          continue
        }
        if piece == Self.end { throw ScriptedServer.HangUp() }
        try await answer.chunk(piece)
      }
    }
  }

  private func following(
    _ follow: FollowMode, headers: [String: String] = [:],
    _ configure: @escaping @Sendable (inout HTTPOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (Feed, ScriptedServer, SessionRecorder, ManualClock) async throws -> Void
  ) async throws {
    let feed = Feed()
    try await ScriptedServer.run { _, answer in
      try await feed.serve(answer, headers: headers)
    } _: { server in
      let clock = ManualClock()
      let recorder = SessionRecorder()
      let registry = try registry {
        $0.url = server.url + "/stream"
        $0.follow = follow
        configure(&$0)
      }
      try await recorder.run(registry, clock: clock) { try await body(feed, server, recorder, clock) }
    }
  }

  @Test("lines are taken as they come: snapshot, upsert, removal, trouble and its end")
  func lines() async throws {
    try await following(.ndjson) { feed, server, recorder, _ in
      feed.say(#"{"snapshot":[{"nodeId":"a"},"#, #"{"hostname":"w-2"}]}"# + "\n\n")
      let record = try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "w-2"] }
      #expect(record.isHealthy)
      feed.say(#"{"upsert":{"nodeId":"b"}}"# + "\n" + #"{"remove":"a","reason":"withdrawn"}"# + "\r\n")
      try await recorder.wait(for: "the changes") { $0.ids() == ["b", "w-2"] }
      feed.say(#"{"degraded":"half of the racks don't answer"}"# + "\n")
      let degraded = try await recorder.wait(for: "the trouble") { !$0.trouble.isEmpty }
      #expect(degraded.trouble == "half of the racks don't answer")
      feed.say(#"{"degraded":null}"# + "\n")
      try await recorder.wait(for: "its end") { $0.isHealthy }
      #expect(server.requests.first?.headers["accept"]?.hasPrefix("application/x-ndjson") == true)
    }
  }

  @Test(
    "a line that can't be read changes nothing, is reported with its place, and is forgotten by the next snapshot"
  )
  func badLines() async throws {
    try await following(.ndjson) { feed, server, recorder, _ in
      feed.say(#"{"snapshot":[{"nodeId":"a"}]}"# + "\n")
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      feed.say("oops\n", #"{"news":1}"# + "\n", #"{"upsert":{"nodeId":"b"}}"# + "\n")
      let record = try await recorder.wait(for: "the next line") { $0.ids() == ["a", "b"] }
      #expect(record.content.contains("\(server.url)/stream:2:1: a JSON value is expected"))
      #expect(record.content.contains("an update of the kind 'news' isn't known"))
      feed.say(#"{"snapshot":[{"nodeId":"c/d"}]}"# + "\n")
      let hidden = try await recorder.wait(for: "the place") {
        $0.content.contains(":4:25: nodeId") || $0.content.contains(":5:")
      }
      #expect(hidden.ids() == ["a", "b"])
      feed.say(#"{"snapshot":[]}"# + "\n")
      let mended = try await recorder.wait(for: "the empty snapshot") { $0.ids() == [] }
      #expect(mended.isHealthy)
    }
  }

  @Test("a stream that ends in the midst of a line loses that line alone, and is asked for again")
  func cutOff() async throws {
    try await following(.ndjson) { feed, server, recorder, clock in
      feed.say(#"{"snapshot":[{"nodeId":"a"},{"nodeId":"b"}]}"# + "\n")
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a", "b"] }
      feed.say(#"{"snapshot":[]"#, Feed.end)
      try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(recorder.now.ids() == ["a", "b"])
      feed.say(#"{"snapshot":[{"nodeId":"b"}]}"# + "\n")
      let record = try await passing(clock, recorder, "the next snapshot") { $0.ids() == ["b"] }
      #expect(record.isHealthy)
      #expect(server.requests.count == 2)
    }
  }

  @Test("what a server streams is bounded: an endless line and one that is too long are given up")
  func endless() async throws {
    try await following(.ndjson) {
      $0.maximumBytes = 2048
    } _: { feed, _, recorder, _ in
      feed.say(#"{"snapshot":[{"nodeId":"a"}]}"# + "\n")
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      feed.say(String(repeating: " ", count: 4096))
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("line 2 has more than 2048 bytes"))
      #expect(record.ids() == ["a"])
    }
  }

  @Test("a stream that has gone silent is asked for again")
  func silence() async throws {
    try await following(.ndjson) {
      $0.idleTimeout = .seconds(1)
    } _: { feed, server, recorder, clock in
      feed.say(#"{"snapshot":[{"nodeId":"a"}]}"# + "\n")
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("has sent nothing for 1s"))
      _ = try await passing(clock, recorder, "the second question") { _ in server.requests.count > 1 }
      feed.say(#"{"snapshot":[{"nodeId":"b"}]}"# + "\n")
      _ = try await passing(clock, recorder, "the next snapshot") { $0.ids() == ["b"] }
    }
  }

  @Test("events are updates by their data, or by their name and data, and are resumed by their id")
  func events() async throws {
    try await following(.sse, headers: ["Content-Type": "text/event-stream; charset=utf-8"]) {
      feed, server, recorder, clock in
      feed.say(": hello\n\nid: 1\ndata: {\"snapshot\":\ndata: [{\"nodeId\":\"a\"}]}\n\n")
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      feed.say("event: upsert\nid: 2\ndata: {\"nodeId\":\"b\"}\n\n", "event: remove\ndata: \"a\"\n\n")
      try await recorder.wait(for: "the changes") { $0.ids() == ["b"] }
      feed.say(Feed.end)
      _ = try await passing(clock, recorder, "the second question") { _ in server.requests.count == 2 }
      #expect(server.requests[1].headers["last-event-id"] == "2")
      feed.say("event: snapshot\ndata: [{\"nodeId\":\"c\"}]\n\n")
      let record = try await recorder.wait(for: "the next snapshot") { $0.ids() == ["c"] }
      #expect(record.isHealthy)
    }
  }

  @Test("what isn't a stream of events isn't read as one")
  func noEvents() async throws {
    try await following(.sse, headers: ["Content-Type": "application/json"]) { _, _, recorder, _ in
      let record = try await recorder.wait(for: "the report") { !$0.trouble.isEmpty }
      #expect(record.trouble.contains("doesn't answer with a stream of events"))
      #expect(record.ids() == nil)
    }
  }
}
