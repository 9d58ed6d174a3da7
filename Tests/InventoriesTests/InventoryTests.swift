import ClusterModel
import Documents
import TestSupport
import Testing

@testable import Inventories

@Suite struct InventoryTests {
  @Test(
    "the form is told by the content",
    arguments: [
      ("10.0.0.1 w-1\n", InventoryFormat.hosts), ("# hosts\n\n::1 localhost\n", .hosts),
      ("hostname,address\n", .csv), ("name;ip\n", .csv), ("id\thostname\n", .csv),
      (#""id","name""# + "\n", .csv),
      ("nodes: []\n", .nodes), ("[]", .nodes), ("", .nodes), ("# nothing\n", .nodes), ("null", .nodes),
      ("nodes: [a, hostname]\n", .nodes), ("a, b\n", .nodes), ("hostname\n", .nodes),
      (#"[{"targets": []}]"#, .fileSD), ("- targets: []\n", .fileSD),
      (#"{"_meta": {"hostvars": {}}}"#, .ansible), ("all: {hosts: {a: }}\n", .ansible),
      ("web: {hosts: {a: }}\ndb: {children: {web: }}\nungrouped: {}\n", .ansible),
      ("kind: NodeList\nitems: []\n", .kubernetes), (#"{"apiVersion": "v1", "kind": "List"}"#, .kubernetes),
      ("metadata: {type: Members}\nspec: {}\n", .nodes),
    ])
  func formats(text: String, format: InventoryFormat) throws {
    let bytes = Array(text.utf8)
    let told = try InventoryFormat.ofText(bytes) ?? InventoryFormat.of(YAML.parse(bytes, file: "f"))
    #expect(told == format)
  }

  @Test(
    "content of another form than was named is refused, and no empty list",
    arguments: [
      (InventoryFormat.fileSD, "nodes: []\n"), (.httpSD, "text\n"), (.ansible, "[]"), (.ansible, "text"),
      (.kubernetes, "[]"), (.kubernetes, "{}"), (.kubernetes, #"{"kind": "NodeList"}"#),
      (.csv, "a,b\n1,2\n"), (.csv, #"hostname"# + "\n\"w-1\n"), (.nodes, "nodes: ["), (.auto, "{\"a\": "),
      (.auto, "hostname,address\n\"w-1,10.0.0.1\n"), (.auto, "\u{0}"),
    ])
  func otherForm(format: InventoryFormat, text: String) {
    #expect(throws: YAMLError.self) { try Inventory.read(Array(text.utf8), name: "f", format: format) }
  }

  @Test(
    "what says nothing of nodes isn't an empty list", arguments: InventoryFormat.allCases,
    ["", "\n\n", "# nothing\n"])
  func silence(format: InventoryFormat, text: String) throws {
    if format == .csv, text.hasPrefix("#") { return }
    let inventory = try Inventory.read(Array(text.utf8), name: "f", format: format)
    #expect(!inventory.listsNodes && inventory.nodes.isEmpty)
  }

  @Test(
    "a web page, a login form or an error in place of a list hides nodes or is refused",
    arguments: [
      "<html><body>502 Bad Gateway</body></html>", "<!DOCTYPE html>\n<html>\n<p>Sign in: here</p>\n</html>",
      #"{"error": "not found"}"#, "upstream connect error, reset", "Not Found\n", #""unauthorized""#, "0",
      "true",
      #"{"nodes": null}"#, #"{"nodes": {}}"#, "{}", "null", #"[{"error": "x"}]"#, #"["a"]"#,
    ])
  func wrongContent(text: String) {
    guard let inventory = try? Inventory.read(Array(text.utf8), name: "f") else { return }
    #expect(inventory.nodes.isEmpty)
    #expect(inventory.hidesNodes || !inventory.listsNodes, "\(inventory)")
  }

  @Test("what an API server answers in place of a list hides nodes; an empty list is one")
  func kubernetesAnswers() throws {
    let status = #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nodes is forbidden"}"#
    for format in [InventoryFormat.auto, .kubernetes] {
      let read = try Inventory.read(Array(status.utf8), name: "list", format: format)
      #expect(read.hidesNodes && read.nodes.isEmpty)
      #expect(read.problems.kept.map(\.description).contains { $0.contains("nodes is forbidden") })
      let empty = try Inventory.read(Array(#"{"kind":"List","items":[]}"#.utf8), name: "list", format: format)
      #expect(empty.listsNodes && !empty.hidesNodes && empty.problems.kept.isEmpty)
    }
  }

  @Test("hostile lists are bounded: each ends soon and within the limits")
  func hostile() throws {
    let clock = ContinuousClock()
    let many = (0..<20_000)
    let texts: [(InventoryFormat, String)] = [
      (.nodes, "[" + (0..<251_000).map { #"{"id":"n\#($0)"}"# }.joined(separator: ",") + "]"),
      (.hosts, many.map { "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255) h\($0)\n" }.joined()),
      (.csv, "id,x\n" + many.map { "n\($0),y\n" }.joined()),
      (.ansible, #"{"all":{"hosts":["h[1:999999]","g[a:z][1:999999]"]}}"#),
      (.ansible, "all: {hosts: {'h[1:200000]': {a: b}, 'g[1:200000:0]': }}"),
      (
        .ansible,
        "{"
          + (0..<1_500).map { #""g\#($0)":{"hosts":["h"],"children":["g\#($0 + 1)","g\#($0 / 2)"]}"# }
          .joined(separator: ",") + "}"
      ),
      (.fileSD, #"[{"targets":["# + many.map { #""h\#($0):1""# }.joined(separator: ",") + "]}]"),
      (.csv, String(repeating: ",", count: 100_000) + "id\n"),
      (.csv, "id" + String(repeating: "\n\"", count: 1_001)),
      (.hosts, "10.0.0.1 " + String(repeating: "a ", count: 100_000)),
      (.hosts, "10.0.0.1 " + String(repeating: "a", count: 1_000_000)),
      (.nodes, String(repeating: "[", count: 100_000)),
    ]
    for (format, text) in texts {
      let start = clock.now
      let inventory = try? Inventory.read(Array(text.utf8), name: "f", format: format)
      #expect((inventory?.nodes.count ?? 0) <= InventoryLimits.nodes)
      #expect((inventory?.problems.kept.count ?? 0) <= 100)
      #expect(clock.now - start < .seconds(60), "\(format): \(text.prefix(60))")
    }
  }

  @Test("labels beyond the limits are left out one by one, and reported")
  func labels() throws {
    let many = (0..<70).map { "l\($0): x" }.joined(separator: ", ")
    let long = String(repeating: "x", count: 4000)
    let text =
      "- {id: a, labels: {\(many)}}\n- {id: b, labels: {k: \(long), l: \(long), m: y, '': z, n: \"a\\tb\"}}\n"
    let inventory = try Inventory.read(Array(text.utf8), name: "f")
    let records = inventory.nodes.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
    #expect(records.map(\.labels.count) == [64, 2])
    #expect(inventory.problems.count == 6 + 3)
    #expect(!inventory.hidesNodes)
  }

  @Test("bytes changed, left out or doubled anywhere never end the process", arguments: 0..<40)
  func mutations(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let texts = try FormFixtureTests.files.map { try FormFixtureTests.bytes($0.name) }
    for var text in texts {
      for _ in 0..<Int.random(in: 1...8, using: &generator) where !text.isEmpty {
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text[place] = UInt8.random(in: 0...255, using: &generator)
        case 1:
          text.removeSubrange(place..<min(text.count, place + Int.random(in: 1...40, using: &generator)))
        default: text.insert(contentsOf: text[place..<min(text.count, place + 20)], at: place)
        }
      }
      try InventoryFuzz.check(text)
    }
  }
}
