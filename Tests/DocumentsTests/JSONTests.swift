import Documents
import Testing

@Suite struct JSONTests {
  @Test("JSON is read with JSON's meaning: surrogate pairs, escaped slashes, tabs, keys of any length")
  func reading() throws {
    let key = String(repeating: "k", count: 2_000)
    let root = try node("{\t\"a\": \"\\ud83d\\uDE00\\/\\n\",\n\t\"\(key)\":[1,-2.5e3,true,null,\"12\"]}")
    #expect(root["a"]?.string == "😀/\n")
    let list = try #require(root[key]?.items)
    #expect(list.map(\.kindName) == ["a number", "a number", "true or false", "nothing", "text"])
    #expect(list[1].double == -2500)
    #expect(list[0].mark == YAMLMark(line: 2, column: 2_006))
  }

  @Test("JSON values behind each other are documents")
  func streams() throws {
    #expect(
      try parse("{\"a\":1}\n{\"a\":2}\n[3]\n").documents.map { YAML.json(of: $0) } == [
        "{\"a\":1}", "{\"a\":2}", "[3]",
      ])
  }

  @Test("YAML that begins as JSON does is read as YAML")
  func flowYAML() throws {
    #expect(try node("{a: b}")["a"]?.string == "b")
    #expect(try node("\"a\": b")["a"]?.string == "b")
    #expect(try node("[1, 2] # two\n").items?.count == 2)
    #expect(try node("[yes, 'x']").items?.map(\.string) == ["yes", "x"])
    #expect(try parse("{\"a\": 1}\n---\n{\"a\": 2}").documents.count == 2)
  }

  @Test("broken JSON is an error at the place of the mistake")
  func errors() {
    #expect(message("{\"a\": \"\\ud83d\\ude00\", \"b\": [1,").hasPrefix("t.yaml:1:31: "))
    #expect(message("{\"a\": \"\\ud83d\"}").contains("four hexadecimal digits"))
    #expect(message("{\"a\" 1}").hasPrefix("t.yaml:1:"))
    #expect(message("{\"a\": \"x").contains("that begins at line 1, column 7"))
  }

  @Test("nodes are written as JSON that reads as the same")
  func writing() throws {
    let root = try node(
      "a: 012\nb: 0x1F\nc: +1.\nd: .5\ne: ~\nf: TRUE\ng: \"x\\n\\u0001\\\"\"\nh: .inf\ni: []\nj: {}\nk: 'true'"
    )
    #expect(
      YAML.json(of: root)
        == #"{"a":12,"b":31,"c":1.0,"d":0.5,"e":null,"f":true,"g":"x\n\u0001\"","h":".inf","i":[],"j":{},"k":"true"}"#
    )
    #expect(try parse(YAML.json(of: root)).documents.first?["g"]?.string == "x\n\u{1}\"")
    #expect(YAML.json(of: .plain("-00.50e3")) == "-0.50e3")
    #expect(YAML.json(of: .plain("99999999999999999999")) == "99999999999999999999")
  }

  @Test("indented JSON has a line for each part, keys in their order, and reads as the same")
  func indented() throws {
    let root = try node("b: [1, {d: x, c: []}]\na: {}\n")
    let text = YAML.json(of: root, .indented(by: 2))
    #expect(
      text == """
        {
          "a": {},
          "b": [
            1,
            {
              "c": [],
              "d": "x"
            }
          ]
        }
        """)
    #expect(try YAML.json(of: node(text)) == YAML.json(of: root.sorted))
    #expect(YAML.json(of: .null, .indented(by: 2)) == "null")
  }
}
