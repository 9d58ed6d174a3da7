import ClusterModel
import Documents
import Testing

@testable import Inventories

@Suite struct UpdateLineTests {
  private static func read(_ line: String) throws(YAMLError) -> UpdateLine? {
    try UpdateLine.read(line.utf8, name: "out", number: 7)
  }

  @Test("a snapshot has all nodes, whole or by local ids")
  func snapshot() throws {
    let line = try #require(
      try Self.read(
        #"{"snapshot":[{"nodeId":"b","addresses":["10.0.0.1"]},{"hostname":"a","ready":true}]}"# + "\r\n"))
    guard case .snapshot(let records) = line.content else {
      Issue.record("\(line)")
      return
    }
    #expect(records.map(\.line) == ["~a hostname=a health=ready", "b addresses=10.0.0.1"])
    #expect(line.problems.isEmpty && !line.hidesNodes)
    #expect(line.source == .only)
  }

  @Test("an empty snapshot is one")
  func empty() throws {
    #expect(try Self.read(#"{"snapshot":[]}"#)?.content == .snapshot([]))
  }

  @Test("a snapshot of which a node can't be read hides it, and has its place")
  func hidden() throws {
    let line = try #require(try Self.read(#"{"snapshot":[{"nodeId":"a"},{"nodeId":"b/c"}],"source":"x"}"#))
    #expect(line.hidesNodes)
    #expect(line.source.name == "x")
    #expect(line.problems.kept.map(\.description).first?.hasPrefix("out:7:39: nodeId: ") == true)
  }

  @Test(
    "upsert, remove and degraded are read",
    arguments: [
      (#"{"upsert":{"id":"a"}}"#, "upsert ~a"), (#"{"remove":"a"}"#, "remove a removed"),
      (#"{"remove":"a","reason":"withdrawn"}"#, "remove a withdrawn"), (#"{"remove":7}"#, "remove 7 removed"),
      (#"{"degraded":"no answer"}"#, "degraded no answer"), (#"{"degraded":null}"#, "fine"),
      (#"{"degraded":""}"#, "fine"), (#"{"degraded":false}"#, "fine"),
      (#"{"degraded":true}"#, "degraded true"), (#"{"log":{"level":"info"}}"#, "other log"),
      (#"  "#, "nothing"), ("\n", "nothing"), (#"{"upsert":{}}"#, "unusable"), (#"{"upsert":7}"#, "unusable"),
      (#"{"remove":"a/b"}"#, "unusable"), (#"{"remove":null}"#, "unusable"),
      (#"{"remove":["a"]}"#, "unusable"),
    ])
  func verbs(line: String, expected: String) throws {
    let update = try Self.read(line)
    let described =
      switch update?.content {
      case .upsert(let record): "upsert \(record.line)"
      case .remove(let id, let reason): "remove \(id) \(reason)"
      case .degraded(let why): why.map { "degraded \($0)" } ?? "fine"
      case .other(let key, _): "other \(key)"
      case .snapshot: "snapshot"
      case nil: update == nil ? "nothing" : "unusable"
      }
    #expect(described == expected)
    #expect((update?.problems.isEmpty ?? true) == (expected != "unusable"))
  }

  @Test(
    "what is no update has its place and says what would be right",
    arguments: [
      (
        #"{"snapshot":[{"nodeId":"a"}"#,
        "out:7:28: the text ends within the list that begins at line 7, column 13"
      ),
      (#"{snapshot: []}"#, "out:7:2: a key in quotes is expected"),
      ("oops", "out:7:1: a JSON value is expected"),
      ("[]", "out:7:1: an update must be an object"), ("7", "out:7:1: an update must be an object"),
      ("{}", "out:7:1: an update has one of snapshot, upsert, remove, degraded, not none"),
      (#"{"upsert":{"id":"a"},"remove":"b"}"#, "out:7:22: an update has one of"),
      (#"{"snapshot":{}}"#, "out:7:13: snapshot must be a list of nodes, which may be empty, not a mapping"),
      (#"{"remove":"a"}{"remove":"b"}"#, "out:7:15: a line has one JSON object, not several"),
      (#"{"remove":"\#u{0}"}"#, "out:7:12: a NUL character isn't allowed"),
    ])
  func malformed(line: String, expected: String) throws {
    let error = #expect(throws: YAMLError.self) { try Self.read(line) }
    #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
  }

  @Test("a line that is too long isn't read")
  func long() {
    #expect(throws: YAMLError.self) {
      try UpdateLine.read(#"{"degraded":"0123456789"}"#.utf8, name: "out", maximumBytes: 20)
    }
  }
}
