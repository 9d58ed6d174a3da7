import Testing

@testable import Documents

@Suite("Merge keys")
struct MergeKeyTests {
  /// The last document as compact JSON.
  private func json(_ text: String) throws -> String {
    YAML.json(of: try #require(YAML.parse(Array(text.utf8), file: "t.yaml").documents.last))
  }

  @Test(
    "a mapping has what it merges as if it were written out; what it says itself counts",
    arguments: [
      ("{<<: {a: 1, b: 2}, b: 3}", #"{"b":3,"a":1}"#),
      ("{b: 3, <<: {a: 1, b: 2}}", #"{"b":3,"a":1}"#),
      ("[&d {a: 1}, {<<: *d, b: 2}]", #"[{"a":1},{"b":2,"a":1}]"#),
      ("{<<: [{a: 1}, {a: 2, b: 2}], c: 3}", #"{"c":3,"a":1,"b":2}"#),
      ("{<<: {a: 1}, <<: {a: 2, b: 2}}", #"{"a":1,"b":2}"#),
      ("{<<: {<<: {a: 1}, b: 2}, c: 3}", #"{"c":3,"b":2,"a":1}"#),
      ("a: &a\n  x: {y: 1}\nb:\n  <<: *a\n  x: 2\n", #"{"a":{"x":{"y":1}},"b":{"x":2}}"#),
      ("<<: {}", "{}"), ("<<: []", "{}"), ("!!merge <<: {a: 1}", #"{"a":1}"#),
      ("\"<<\": 1", #"{"<<":1}"#), ("!!str <<: 1", #"{"<<":1}"#), ("'<<': {a: 1}", #"{"<<":{"a":1}}"#),
    ])
  func merging(text: String, json: String) throws {
    #expect(try self.json(text) == json)
    #expect(try YAML.parse(Array(text.utf8), file: "t.yaml").duplicateKeys == [])
  }

  @Test("what is merged keeps the place where it is written")
  func places() throws {
    let text = "a: &d\n  x: 1\nb:\n  <<: *d\n"
    let stream = try YAML.parse(Array(text.utf8), file: "t.yaml")
    #expect(stream.documents[0]["b"]?["x"]?.mark == YAMLMark(line: 2, column: 6))
    #expect(stream.anchorMarks == [YAMLMark(line: 1, column: 4)])
  }

  @Test(
    "what can't be merged is an error at its place",
    arguments: ["<<: 1", "<<:", "<<: [1]", "<<: [[{a: 1}]]", "<<: text"])
  func faults(text: String) {
    #expect { try json(text) } throws: {
      "\($0)".hasPrefix("t.yaml:1:") && "\($0)".contains("the merge key '<<'")
    }
  }

  @Test("merging asks for no more than aliases may stand for")
  func bounded() throws {
    let base = "b: &b {" + (0..<100).map { "k\($0): 1" }.joined(separator: ", ") + "}\n"
    let text = base + "l:\n" + String(repeating: "- {<<: *b}\n", count: 200)
    #expect { try json(text) } throws: { "\($0)".contains("aliases stand for more than 10000 nodes") }
    let limits = YAMLLimits(aliasedNodes: 1_000_000)
    #expect(try YAML.parse(Array(text.utf8), file: "t.yaml", limits: limits).documents.count == 1)
  }

  @Test("in JSON '<<' is a key as any other")
  func inJSON() throws {
    #expect(try json(#"{"<<": {"a": 1}}"#) == #"{"<<":{"a":1}}"#)
  }
}
