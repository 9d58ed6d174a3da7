import Documents
import Testing

func parse(_ text: String, limits: YAMLLimits = .standard) throws(YAMLError) -> YAMLStream {
  try YAML.parse(text.utf8, file: "t.yaml", limits: limits)
}

func node(_ text: String) throws -> YAMLNode {
  try #require(try parse(text).documents.first)
}

func message(_ text: String, limits: YAMLLimits = .standard) -> String {
  do {
    _ = try parse(text, limits: limits)
    return "no error"
  } catch { return error.description }
}

@Suite struct ReadingTests {
  @Test("every node has the line and the column, in characters, where it was written")
  func marks() throws {
    let root = try node("größe: 1\nb:\n  - x\n  - 'ü': y\n")
    #expect(root.mark == YAMLMark(line: 1, column: 1))
    #expect(root["größe"]?.mark == YAMLMark(line: 1, column: 8))
    let item = try #require(root["b"]?.items?.last)
    #expect(item.pairs?.first?.keyMark == YAMLMark(line: 4, column: 5))
    #expect(item["ü"]?.mark == YAMLMark(line: 4, column: 10))
  }

  @Test("a byte-order mark is no part of the text")
  func byteOrderMark() throws {
    let stream = try YAML.parse([0xEF, 0xBB, 0xBF] + Array("a: 1".utf8), file: "t.yaml")
    #expect(stream.documents.first?.pairs?.first?.keyMark == YAMLMark(line: 1, column: 1))
    #expect(stream.documents.first?["a"]?.int == 1)
  }

  @Test("an empty text has no documents, and documents are separated by ---")
  func documents() throws {
    #expect(try parse("").documents.isEmpty)
    #expect(try parse("# a comment\n").documents.isEmpty)
    #expect(try parse("a: 1\n---\n- 2\n--- 3\n").documents.count == 3)
  }

  @Test("scalars are what YAML 1.2 says, and what is in quotes is text")
  func coreSchema() throws {
    let kinds: [(String, YAMLScalar.Kind)] = [
      ("", .null), ("~", .null), ("null", .null), ("true", .bool), ("False", .bool), ("12", .integer),
      ("-0", .integer), ("0x1F", .integer), ("0o17", .integer), ("012", .integer), ("1.5", .number),
      (".5", .number), ("1e3", .number), ("1.", .number), ("-.inf", .number), (".nan", .number),
      ("yes", .text), ("on", .text), ("10.5.0.2", .text), ("1_000", .text), ("0x", .text), (".", .text),
      ("+", .text), ("1e", .text), ("12:30", .text), ("e5", .text), ("٣", .text),
    ]
    for (text, kind) in kinds {
      #expect(YAMLScalar(text, isPlain: true).kind == kind, "\(text)")
      #expect(YAMLScalar(text, isPlain: false).kind == .text, "\(text)")
    }
    let root = try node("a: 0x1F\nb: '12'\nc: TRUE\nd: 1.5\ne: yes\nf:\ng: 99999999999999999999\nh: -7\n")
    #expect(root["a"]?.int == 31)
    #expect(root["b"]?.int == nil && root["b"]?.string == "12")
    #expect(root["c"]?.bool == true)
    #expect(root["d"]?.double == 1.5)
    #expect(root["e"]?.bool == nil && root["e"]?.string == "yes")
    #expect(root["f"]?.isNull == true && root["nothing"] == nil)
    #expect(root["g"]?.int == nil && root["g"]?.kindName == "a number")
    #expect(root["h"]?.int == -7)
  }

  @Test("core tags say what a scalar is, and must fit it")
  func tags() throws {
    let root = try node("a: !!str 12\nb: ! 12\nc: !!int '7'\nd: !!seq [1]\ne: !!map {a: 1}\nf: !!null ''\n")
    #expect(root["a"]?.string == "12" && root["b"]?.string == "12")
    #expect(root["c"]?.int == 7)
    #expect(root["d"]?.items?.count == 1 && root["e"]?["a"]?.int == 1 && root["f"]?.isNull == true)
    #expect(message("a: !!int x").hasPrefix("t.yaml:1:4: what is written isn't what its tag"))
    #expect(message("a: !thing x").hasPrefix("t.yaml:1:4: the tag '!thing' isn't known"))
    #expect(message("- !!set {a}").hasPrefix("t.yaml:1:3: the tag 'tag:yaml.org,2002:set' isn't known"))
  }

  @Test("an alias is what its anchor was")
  func aliases() throws {
    let root = try node("a: &x [1, 2]\nb: *x\nc: &k key\n*k : d\n")
    #expect(root["b"]?.items == root["a"]?.items)
    #expect(root["key"]?.string == "d")
    #expect(message("a: *x") == "t.yaml:1:4: there is no anchor '&x' before this alias")
    #expect(message("a: &x 1\n---\nb: *x") == "t.yaml:3:4: there is no anchor '&x' before this alias")
    #expect(message("a: &x [*x]") == "t.yaml:1:8: there is no anchor '&x' before this alias")
  }

  @Test("a repeated key is reported with both places, and the first one counts")
  func duplicateKeys() throws {
    for text in ["a: 1\nb: 2\na: 3\n", "{\"a\": 1,\n\"b\": 2,\n\"a\": 3}"] {
      let stream = try parse(text)
      #expect(stream.documents.first?["a"]?.int == 1)
      #expect(stream.documents.first?.pairs?.count == 2)
      let column = text.hasPrefix("{") ? 2 : 1
      #expect(
        stream.duplicateKeys.map(\.description) == [
          "t.yaml:3:1: the key 'a' is here again; it is first at t.yaml:1:\(column)"
        ])
    }
    let many = try parse(String(repeating: "a: 1\n", count: 1_000))
    #expect(many.duplicateKeys.count == YAMLLimits.standard.duplicateKeys)
  }

  @Test(
    "what can't be read is one error with its place and what would be right",
    arguments: [
      (
        "<<: 1",
        "t.yaml:1:5: the merge key '<<' must be a mapping, such as *defaults, or a list of mappings, not the number 1"
      ),
      ("? [a]\n: b", "t.yaml:1:3: a key must be text, not a list or a mapping"),
      ("?\n: b", "t.yaml:1:2: a key is missing before ':'"),
      ("a:\n\tb: 1", "t.yaml:2:1: found character that cannot start any token"),
      ("a: b: c", "t.yaml:1:5: mapping values are not allowed in this context; put text with ': '"),
      ("a: [1, 2", "t.yaml:1:9: did not find expected ',' or ']' while parsing a flow sequence"),
      ("a: \"\\ud83d\\ude00\"", "t.yaml:1:7: found invalid Unicode character escape code"),
      ("a: 'x", "t.yaml:1:6: found unexpected end of stream while scanning a quoted scalar that begins at"),
      ("a: \u{7}", "t.yaml:1:4: control characters are not allowed (U+0007)"),
      ("a:\n  ü: \u{7}", "t.yaml:2:6: control characters are not allowed (U+0007)"),
      ("a: 1\nü\u{0}", "t.yaml:2:2: a NUL character isn't allowed"),
      ("%YAML 3.0\n--- a", "t.yaml:1:1: found incompatible YAML document"),
    ])
  func errors(text: String, expected: String) {
    #expect(message(text).hasPrefix(expected), "\(message(text))")
  }

  @Test("text that isn't UTF-8 is refused at its place")
  func encodings() {
    func message(_ bytes: [UInt8]) -> String {
      do {
        _ = try YAML.parse(bytes, file: "t.yaml")
        return "no error"
      } catch { return error.description }
    }
    #expect(message([0xFF, 0xFE, 0x61, 0x00]) == "t.yaml:1:1: the text is UTF-16; save it as UTF-8")
    #expect(message([0x61, 0x00, 0x62, 0x00]).hasPrefix("t.yaml:1:2: a NUL character isn't allowed; if the"))
    #expect(message(Array("a: 1\nü: ".utf8) + [0xC3]) == "t.yaml:2:4: the text isn't UTF-8")
    #expect(message([0xED, 0xA0, 0x80]) == "t.yaml:1:1: the text isn't UTF-8")
  }
}
