import ClusterModel
import ClusterResources
import Foundation
import Testing

/// The six-node world of the documentation, as the daemon's API gives it.
@Suite("The documented world is printed as its documentation shows it")
struct WorldTests {
  private static let now = Timestamp(milliseconds: 1_795_662_000_000)

  static func items(_ name: String) throws -> [PrintedResource] {
    let list = try ResourceValue(json: Array(golden("world/\(name).json").utf8))
    return (list["items"]?.items ?? []).map { PrintedResource($0) }
  }

  private func text(_ name: String, _ type: ResourceType, _ format: String) throws -> String {
    var printer = try OutputFormat(format).printer(of: type)
    return try printer.text(of: Self.items(name), at: Self.now)
  }

  @Test(
    "tables",
    arguments: [
      ("members", ResourceType.member, "table", "members"), ("members", .member, "wide", "members-wide"),
      ("members-all", .member, "wide", "members-all"), ("registries", .registry, "table", "registries"),
      ("registries", .registry, "wide", "registries-wide"),
      ("conflicts", .conflict, "table", "conflicts-all"),
      ("conflicts", .conflict, "wide", "conflicts-all"),
    ])
  func tables(name: String, type: ResourceType, format: String, expected: String) throws {
    let lines = try text(name, type, format).split(separator: "\n").map { line in
      String(line).replacing(#/ +$/#, with: "")
    }
    #expect(try lines.joined(separator: "\n") + "\n" == golden("world/\(expected).txt"))
  }

  @Test("moments of the API are moments in YAML too, and what is text stays text")
  func yaml() throws {
    let text = try text("members", .member, "yaml")
    #expect(text.contains("\n    created: 2026-11-26T01:12:09Z\n"))
    #expect(text.contains("\n    since: 2026-11-26T02:48:11Z\n"))
    let value = try ResourceValue(
      json: Array(#"{"hostname":"2026-11-26T02:48:11Z","since":"2026-11-26"}"#.utf8))
    #expect(value == ["hostname": "2026-11-26T02:48:11Z", "since": "2026-11-26"])
  }

  @Test("names are what other verbs take")
  func names() throws {
    #expect(
      try text("members", .member, "name")
        == "member/cp-1\nmember/cp-2\nmember/cp-3\nmember/w-1\nmember/w-2\nmember/w-3\n")
    #expect(try text("conflicts", .conflict, "name").hasPrefix("conflict/address/10.20.0.22\n"))
  }

  @Test("ndjson is a document a line, in its own order of fields")
  func lines() throws {
    let lines = try text("members", .member, "ndjson").split(separator: "\n")
    #expect(lines.count == 6)
    #expect(lines.allSatisfy { $0.hasPrefix(#"{"node":"10.20.0.11","metadata":{"namespace":"cluster","#) })
    for line in lines { _ = try ResourceValue(json: Array(line.utf8)) }
  }

  @Test("custom columns are what paths find, several of them behind each other, and <none>")
  func customColumns() throws {
    #expect(
      try text(
        "members", .member, "custom-columns=NAME:.metadata.id,ADDR:.spec.addresses[0,1],X:{.status.nothing}")
          == """
          NAME   ADDR                    X
          cp-1   10.20.0.11              <none>
          cp-2   10.20.0.12              <none>
          cp-3   10.20.0.13              <none>
          w-1    10.20.0.21,10.20.0.22   <none>
          w-2    10.20.0.22              <none>
          w-3    10.20.0.23              <none>

          """)
  }

  @Test(
    "wrong custom columns are told with what would be right",
    arguments: [
      (
        "custom-columns",
        "custom-columns needs columns, such as custom-columns=NAME:.metadata.id,OS:.spec.operatingSystem"
      ),
      ("custom-columns=", "custom-columns: '' isn't NAME:PATH, such as NAME:.metadata.id"),
      ("custom-columns=A", "custom-columns: 'A' isn't NAME:PATH, such as NAME:.metadata.id"),
      (
        "custom-columns=A:.a[}",
        "custom-columns: A: jsonpath column 4: '}' doesn't belong here; expected a field's name"
      ),
    ])
  func wrongColumns(format: String, expected: String) {
    #expect(message { try OutputFormat(format) }?.hasPrefix(expected) == true, "\(expected)")
  }

  @Test("a table without its header is its rows")
  func headless() throws {
    var printer = OutputFormat.table.printer(of: .member, hasHeader: false)
    let text = try printer.text(of: Self.items("members"), at: Self.now)
    #expect(text.split(separator: "\n").count == 6)
    #expect(!text.contains("NAMESPACE"))
    var custom = try OutputFormat("custom-columns=A:.metadata.id").printer(of: .member, hasHeader: false)
    #expect(try custom.text(of: Self.items("members"), at: Self.now).hasPrefix("cp-1\n"))
  }

  @Test("kubectl's templates over the list's items are evaluated over the list")
  func overTheList() throws {
    #expect(
      try text("members", .member, #"jsonpath={range .items[*]}{.metadata.id}={.status.state}{"\n"}{end}"#)
        == "cp-1=ready\ncp-2=ready\ncp-3=left\nw-1=ready\nw-2=notready\nw-3=missing\n")
    #expect(try text("members", .member, "jsonpath={.items[-1].metadata.id}") == "w-3\n")
    #expect(
      try text("members", .member, "jsonpath={.items[?(@.status.state==\"ready\")].metadata.id}")
        == "cp-1\ncp-2\nw-1\n")
    #expect(try text("members", .member, "jsonpath={.metadata.id}") == "cp-1\ncp-2\ncp-3\nw-1\nw-2\nw-3\n")
  }

  @Test(
    "an expression that finds nothing in any row is told, one that finds something in one row isn't",
    arguments: [
      (
        "{.metadata.name}", "the jsonpath expression '{.metadata.name}' matched nothing in any of 6 resources"
      ),
      (
        "{.items[*].metadata.name}",
        "the jsonpath expression '{.items[*].metadata.name}' matched nothing in any of 6 resources"
      ),
      (
        "{range .items[*]}{.nothing}{end}",
        "the jsonpath expression '{range .items[*]}{.nothing}{end}' matched nothing in any of 6 resources"
      ),
      ("{.status.flags[0]}", nil), ("text", nil), ("{range .items[*]}{.status.flags[0]}{end}", nil),
    ])
  func nothingFound(expression: String, expected: String?) throws {
    var printer = OutputFormat.jsonPath(
      try JSONPathTemplate(relaxed: expression == "text" ? "{'text'}" : expression)
    ).printer(of: .member)
    _ = try printer.text(of: Self.items("members"), at: Self.now)
    #expect(printer.notes == (expected.map { [$0] } ?? []))
  }

  @Test("lists for other programs are made of documents as of a snapshot; what is left out is told")
  func exports() throws {
    var hosts = try OutputFormat("hosts").printer(of: .member, revision: "q7f3k.1842")
    let text = try hosts.text(of: Self.items("members-all"), at: Self.now)
    #expect(
      text == """
        # rollcall \(RollcallVersion.current), 2026-11-26T03:00:00Z, 6 members, revision q7f3k.1842
        10.20.0.11\tcp-1
        10.20.0.12\tcp-2
        10.20.0.13\tcp-3
        10.20.0.21\tw-1
        10.20.0.22\tw-2
        10.20.0.23\tw-3

        """)
    #expect(hosts.notes == [])
    var prometheus = try OutputFormat("prometheus").printer(of: .member, export: ExportOptions(port: 9100))
    let targets = try prometheus.text(of: Self.items("members-all"), at: Self.now)
    #expect(targets.contains("10.20.0.23:9100") && !targets.contains("10.20.0.13:9100"))
    let odd: ResourceValue = ["metadata": ["id": "no host name"], "spec": ["addresses": ["10.0.0.1", "x"]]]
    #expect(try hosts.text(of: [PrintedResource(odd)], at: Self.now).hasPrefix("# "))
    #expect(hosts.notes.count == 1 && hosts.notes[0].hasPrefix("hosts: 'no host name' "))
  }

  @Test("a member's row is all that its document says of it")
  func rows() throws {
    let items = try Self.items("members-all").map(\.document)
    let rows = items.map { ExportedMember($0) }
    #expect(rows.map(\.isListed) == [true, true, true, true, true, true, false, false])
    #expect(rows.map(\.isTombstone) == [false, false, false, false, false, false, false, true])
    let row = ExportedMember([
      "metadata": ["id": "a", "labels": ["rack": "r1"]],
      "spec": [
        "nodeId": "n", "addresses": ["10.0.0.1"], "hostname": "h", "machineType": "controlplane",
        "operatingSystem": "os", "controlPlane": ["port": 6443],
      ],
      "status": [
        "state": "notready", "reason": "x", "since": "2026-11-26T03:00:00Z", "flags": ["conflict"],
        "sources": [["registry": "a", "presence": "fresh"], ["registry": "b", "presence": "gone"]],
      ],
    ])
    #expect(
      row
        == ExportedMember(
          id: "a", nodeID: "n", hostname: "h", machineType: "controlplane", operatingSystem: "os",
          addresses: [try IPAddress("10.0.0.1")], labels: try NodeLabels(["rack": "r1"]),
          controlPlanePort: 6443,
          state: "notready", reason: "x", since: Timestamp(milliseconds: 1_795_662_000_000),
          flags: ["conflict"],
          sources: ["a"]))
  }

  @Test("a list of 10,000 isn't too much for an expression over it")
  func largeList() throws {
    let items = (0..<10_000).map { PrintedResource(["metadata": ["id": .text("n\($0)")]] as ResourceValue) }
    var printer = try OutputFormat("jsonpath={range .items[*]}{.metadata.id} {end}").printer(of: .member)
    #expect(try printer.text(of: items, at: Self.now).hasSuffix(" n9999 \n"))
  }

  @Test(
    "rows are sorted by what a path finds: numbers by size, also those in names, the missing last",
    arguments: [
      (".metadata.version", "cp-1 cp-2 w-2 w-1 cp-3 w-3"), ("{.status.since}", "cp-1 cp-2 w-2 w-1 w-3 cp-3"),
      (".status.flags[0]", "w-1 w-2 cp-1 cp-2 cp-3 w-3"), (".spec.hostname", "cp-1 cp-2 cp-3 w-1 w-2 w-3"),
      (".nothing", "cp-1 cp-2 cp-3 w-1 w-2 w-3"),
    ])
  func sorted(path: String, expected: String) throws {
    let sorted = try ResourceOrder(path).sorted(Self.items("members"))
    #expect(sorted.compactMap { $0.document.at("metadata", "id")?.text }.joined(separator: " ") == expected)
    let names = ["w-10", "w-9", "w-2", "w-1b", "w-01"].map {
      PrintedResource(["spec": ["hostname": .text($0)]] as ResourceValue)
    }
    #expect(
      try ResourceOrder(".spec.hostname").sorted(names).compactMap {
        $0.document.at("spec", "hostname")?.text
      }
        == ["w-01", "w-1b", "w-2", "w-9", "w-10"])
  }

  @Test("what is stale or not heard yet is marked in SOURCES, what is gone comes last")
  func sources() {
    let member: ResourceValue = [
      "status": [
        "state": "stale", "flags": ["conflict", "flapping"],
        "sources": [
          ["registry": "a", "presence": "gone"], ["registry": "b", "presence": "stale"],
          ["registry": "c", "presence": "unknown"], ["registry": "d", "presence": "published"],
          ["registry": "e", "presence": "stale", "health": "notready"],
        ],
      ]
    ]
    #expect(MemberText.sources(member) == "~b,?c,d,~e!,-a")
    #expect(MemberText.status(member) == "stale,conflict,flapping")
  }

  @Test(
    "ages",
    arguments: [
      (-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (100, "1m40s"), (119, "1m59s"),
      (120, "2m"),
      (177, "3m"), (709, "12m"), (3298, "55m"), (7199, "120m"), (7200, "2h"), (10_800, "3h"),
      (172_799, "48h"),
      (172_800, "2d"), (518_400, "6d"),
    ])
  func ages(seconds: Int64, expected: String) {
    #expect(AgeText.text(seconds: seconds) == expected)
  }

  @Test("ages of moments that are too far off for a number are bounded")
  func farOff() {
    let (first, last) = (Timestamp(milliseconds: .min), Timestamp(milliseconds: .max))
    #expect(AgeText.text(from: first, to: last).hasSuffix("d"))
    #expect(AgeText.text(from: last, to: first) == "0s")
  }
}

@Suite("Documents are read from JSON")
struct ResourceReaderTests {
  @Test("what is written as JSON is read as the same value")
  func roundTrip() throws {
    let value: ResourceValue = [
      "text": "a\"\\\n\u{202e}é😀", "list": [1, -2, .bool(true), .null, [:], []], "fields": ["a": ["b": "c"]],
      "since": .time(created),
    ]
    #expect(try ResourceValue(json: Array(JSONText.compact(value).utf8)) == value)
  }

  @Test("a number that isn't whole, or too large, keeps its digits")
  func numbers() throws {
    let value = try ResourceValue(json: Array("[1.5, 99999999999999999999, 12]".utf8))
    #expect(value == ["1.5", "99999999999999999999", 12])
  }

  @Test(
    "what isn't one JSON value is told with its place",
    arguments: ["", "{", "[1,]", "{\"a\" 1}", "1 2", "nul", "\"a", "\u{1}"])
  func wrong(text: String) {
    #expect(message { try ResourceValue(json: Array(text.utf8)) }?.hasPrefix("byte ") == true)
  }

  @Test("fields that nobody needs are passed over, whatever is in them, and the rest is the same")
  func omitted() throws {
    let text = #"{"a":1,"x":{"x":["}\\\"",{"b":[]}],"a":2},"b":[{"x":"]","c":null},{"x":12}],"x":true}"#
    let value = try ResourceValue(json: Array(text.utf8), without: ["x"])
    #expect(value == ["a": 1, "b": [["c": .null], [:]]])
    for cut in [#"{"x":{"#, #"{"x":"a"#, #"{"x":[1,"#, #"{"x":"a\"#, #"{"x":1"#] {
      #expect(
        message { try ResourceValue(json: Array(cut.utf8), without: ["x"]) }?.hasPrefix("byte ") == true)
    }
  }

  @Test(
    "only what is written as a moment is is read as one",
    arguments: [
      "2026-11-26T03:00:60Z", "2026-11-26t03:00:00Z", "2026-13-26T03:00:00Z", "2026-11-26T03:00:00z",
    ])
  func odd(text: String) throws {
    #expect(try ResourceValue(json: Array("{\"since\":\"\(text)\"}".utf8)) == ["since": .text(text)])
  }

  @Test("nesting is bounded")
  func depth() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(
      message { try ResourceValue(json: Array(deep.utf8)) }?.contains("more than 64 levels deep") == true)
  }
}
