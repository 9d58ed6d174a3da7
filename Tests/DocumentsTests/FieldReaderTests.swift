import ClusterModel
import Documents
import Testing

/// A text read as a mapping, and what is wrong with it.
private struct Reading {
  let diagnostics: Diagnostics
  let root: FieldReader

  init(
    _ text: String, keys: [String]? = nil, style: FieldReader.Style = .strict, subject: String = "",
    places: [String: String] = [:]
  ) throws {
    diagnostics = Diagnostics(file: "a.yaml", places: places)
    let stream = try YAML.parse(text.utf8, file: "a.yaml")
    root = FieldReader(
      stream.documents.first, "the file", subject: subject, keys: keys, style: style, diagnostics: diagnostics
    )
  }

  var errors: [String] { diagnostics.errors.kept.map(\.description) }
  var warnings: [String] { diagnostics.warnings.kept.map(\.description) }
}

@Suite("Reading typed fields")
struct FieldReaderTests {
  @Test("values of each type are read, and what is left out is nil without an error")
  func values() throws {
    let reading = try Reading(
      """
      text: hello
      quoted: "42"
      yes: true
      port: 6443
      count: -3
      wait: 1h30m
      nothing: 0
      folder: data/x
      key: Zm9v
      list: [10.0.0.1, fd00::1]
      section: {inner: {deep: 1}}
      sections: [{name: a}, {name: b}]
      """)
    let root = reading.root
    #expect(root.text("text") == "hello" && root.text("quoted") == "42")
    #expect(root.bool("yes") == true)
    #expect(root.port("port") == 6443 && root.integer("count", in: -5...5) == -3)
    #expect(root.duration("wait") == .seconds(5400) && root.duration("nothing") == .zero)
    #expect(root.path("folder", base: "/etc") == "/etc/data/x")
    #expect(root.base64("key") == Array("foo".utf8))
    let addresses = root.list("list", of: "addresses") { (text) throws(ModelError) in try IPAddress(text) }
    #expect(addresses?.map(\.description) == ["10.0.0.1", "fd00::1"])
    let texts = root.texts("list", of: "addresses")
    #expect(texts?.map(\.text) == ["10.0.0.1", "fd00::1"] && texts?.map(\.mark.column) == [8, 18])
    let inner = root.section("section", keys: ["inner"]).section("inner", keys: ["deep"])
    #expect(inner.integer("deep", in: 0...9) == 1 && inner.path == "section.inner")
    let sections = root.sections("sections", of: "things", keys: ["name"])
    #expect(sections.map { $0.text("name") } == ["a", "b"])
    #expect(sections.map(\.path) == ["sections[0]", "sections[1]"])

    #expect(root.text("x") == nil && root.bool("x") == nil && root.port("x") == nil)
    #expect(root.duration("x") == nil && root.base64("x") == nil && root.items("x", of: "things") == nil)
    #expect(root.section("x", keys: []).isMissing && root.sections("x", of: "things", keys: nil).isEmpty)
    #expect(reading.errors == [])
  }

  @Test(
    "a value of another type is told with its place, its keys and what would be right",
    arguments: [
      ("v: 42", "a.yaml:1:4: v must be text, not the number 42; write it in quotes: '42'"),
      ("v: true", "a.yaml:1:4: v must be text, not true; write it in quotes: 'true'"),
      ("v: [a]", "a.yaml:1:4: v must be text, not a list"),
      ("v:", "a.yaml:1:3: v is empty; write a value, or leave the key out"),
      ("v: ''", "a.yaml:1:4: v is empty; write a value, or leave the key out"),
      ("v: \"a\\tb\"", "a.yaml:1:4: v 'a\\tb' has a control character; it is one line of text"),
      ("v: 123456789x", "a.yaml:1:4: v has at most 9 bytes, this one has 10"),
    ])
  func texts(text: String, message: String) throws {
    let reading = try Reading(text)
    #expect(reading.root.text("v", maximum: 9) == nil)
    #expect(reading.errors == [message])
  }

  @Test("text may have any character but controls and line ends: what can't be seen is for outputs to escape")
  func unseen() throws {
    for scalar: Unicode.Scalar in ["\u{FE0F}", "\u{200D}", "\u{E000}", "\u{2800}"] {
      let reading = try Reading("v: \"a\(scalar)b\"")
      #expect(reading.root.text("v") == "a\(scalar)b")
      #expect(reading.errors == [])
    }
    for escape in ["\\x85", "\\u2028", "\\r", "\\x7f"] {
      let reading = try Reading("v: \"a\(escape)b\"")
      #expect(reading.root.text("v") == nil)
      #expect(reading.errors.count == 1)
    }
  }

  @Test(
    "booleans, numbers and ports are told apart from what only looks like them",
    arguments: [
      ("v: yes", "v must be true or false, not the text 'yes'; write true"),
      ("v: 0", "v must be true or false, not the number 0; write false"),
      ("v: 'false'", "v must be true or false, not the text 'false'; write false"),
      ("v: perhaps", "v must be true or false, not the text 'perhaps'"),
    ])
  func booleans(text: String, message: String) throws {
    let reading = try Reading(text)
    #expect(reading.root.bool("v") == nil)
    #expect(reading.errors == ["a.yaml:1:4: \(message)"])
  }

  @Test(
    "a port is a number from 1 to 65535",
    arguments: [
      ("0", "not the number 0"), ("65536", "not the number 65536"), ("-1", "not the number -1"),
      ("1.5", "not the number 1.5"), ("'80'", "not the text '80' in quotes; write 80"),
      ("http", "not the text 'http'"), ("[80]", "not a list"),
      ("99999999999999999999", "not the number 99999999999999999999"),
    ])
  func ports(value: String, message: String) throws {
    let reading = try Reading("v: \(value)")
    #expect(reading.root.port("v") == nil)
    #expect(reading.errors == ["a.yaml:1:4: v must be a whole number from 1 to 65535, \(message)"])
  }

  @Test(
    "durations have their grammar and their range",
    arguments: [
      ("30", "v: '30' has no unit; write 30s"), ("1.5", "v: '1.5' has no unit; write 1.5s"),
      ("1h1h", "v: '1h1h' has the unit h twice"),
      ("'5 m'", "v: '5 m' has a space; write it without, as in 1h30m"),
      ("2m", "v: '2m' is out of range; it may be from 1s to 1m30s"),
      ("9999999999999h", "v: '9999999999999h' is too long; a duration has at most 36500d"),
      ("true", "v must be a duration such as 30s, 5m or 1h30m, not true"),
      ("{a: b}", "v must be a duration such as 30s, 5m or 1h30m, not a mapping"),
    ])
  func durations(value: String, message: String) throws {
    let reading = try Reading("v: \(value)")
    #expect(reading.root.duration("v", in: .seconds(1) ... .seconds(90)) == nil)
    #expect(reading.errors == ["a.yaml:1:4: \(message)"])
  }

  @Test("of a list the right items are read, and each wrong one is told")
  func lists() throws {
    let reading = try Reading("v: [10.0.0.1, nowhere, '', [x], 10.0.0.2]\nw: text\nx: [1, 2, 3]")
    let read = { (key: String) in
      reading.root.list(key, of: "addresses", maximum: 5) { (text) throws(ModelError) in try IPAddress(text)
      }?
      .map(\.description)
    }
    #expect(read("v") == ["10.0.0.1", "10.0.0.2"])
    #expect(read("w") == nil)
    #expect(reading.root.items("x", of: "numbers", maximum: 2) == nil)
    #expect(
      reading.errors == [
        "a.yaml:1:15: v[1]: 'nowhere' isn't an IP address such as 10.5.0.2 or fd00::2",
        "a.yaml:1:24: v[2] is empty; write a value, or leave the key out",
        "a.yaml:1:28: v[3] must be text, not a list",
        "a.yaml:2:4: w must be a list of addresses, not the text 'text'",
        "a.yaml:3:4: x has at most 2 items, this one has 3",
      ])
  }

  @Test("an unknown key is told with the one that was meant, where it belongs, or those that there are")
  func unknownKeys() throws {
    let reading = try Reading(
      "hostnam: x\nport: 1\ncolour: red\nabcdefghij+/=: x\nsub: {adress: y, zzz: 1}",
      keys: ["hostname", "sub"], places: ["port": "sub", "zzz": ""])
    _ = reading.root.section("sub", keys: ["address"])
    #expect(
      reading.errors == [
        "a.yaml:1:1: unknown key 'hostnam'; did you mean 'hostname'?",
        "a.yaml:2:1: unknown key 'port'; it belongs in sub",
        "a.yaml:3:1: unknown key 'colour'; the file knows hostname, sub",
        "a.yaml:4:1: unknown key (not shown, as it may be a secret); the file knows hostname, sub",
        "a.yaml:5:7: unknown key 'adress'; did you mean 'address'?",
        "a.yaml:5:18: unknown key 'zzz'; it belongs at the top of the file",
      ])
  }

  @Test("what must be a mapping and isn't is told once, without its text, and reads as empty")
  func noMapping() throws {
    let reading = try Reading("s: secret:hush\nt: [1]\nu:", keys: nil)
    let sections = ["s", "t", "u", "v"].map { reading.root.section($0, keys: ["a", "b", "c"]) }
    for section in sections { #expect(section.text("a") == nil && section.pairs.isEmpty) }
    #expect(sections.map(\.isMissing) == [false, false, true, true])
    #expect(
      reading.errors == [
        "a.yaml:1:4: s must be a mapping with a, b, c, not text",
        "a.yaml:2:4: t must be a mapping with a, b, c, not a list",
      ])
    #expect(try Reading("[1]").errors == ["a.yaml:1:1: the file must be a mapping, not a list"])
    #expect(try Reading("").errors == [])
  }

  @Test("lines may end as on other systems, and places are counted alike")
  func lineEnds() throws {
    for end in ["\n", "\r\n"] {
      let text = ["# a", "", "a: 1", "box:", "  c: x", "  d: [1,", "    y]", ""].joined(separator: end)
      let reading = try Reading(text, keys: ["box"])
      let section = reading.root.section("box", keys: ["c", "d"])
      #expect(section.text("c") == "x")
      #expect(section.texts("d", of: "texts")?.map(\.text) == ["y"])
      #expect(
        reading.errors == [
          "a.yaml:3:1: unknown key 'a'; the file knows box",
          "a.yaml:6:7: box.d[0] must be text, not the number 1; write it in quotes: '1'",
        ], "\(end.utf8.count)")
    }
  }

  @Test("base64 may be in lines, other text not")
  func lines() throws {
    let reading = try Reading("v: |\n  Zm9v\n  YmFy\n")
    #expect(reading.root.base64("v") == Array("foobar".utf8))
    #expect(reading.root.text("v") == nil)
    #expect(reading.errors.count == 1 && reading.errors[0].contains("it is one line of text"))
  }

  @Test("a secret never stands in a message")
  func secrets() throws {
    for value in ["12345678", "[hush]", "\"hu\\tsh\"", "'hush!hush'"] {
      let reading = try Reading("v: \(value)")
      #expect(reading.root.base64("v") == nil)
      let message = try #require(reading.errors.first)
      #expect(!message.contains("12345678") && !message.contains("hu"), "\(message)")
    }
  }

  @Test("what programs print is taken as they mean it: a number is text, and empty is none")
  func lenient() throws {
    let reading = try Reading(
      "a: 42\nb: ''\nc:\nd: ~\ne: true\nf: []\ng: ['', x]", style: .lenient, subject: "node 'n'")
    let root = reading.root
    #expect(root.text("a") == "42" && root.text("e") == "true")
    for key in ["b", "c", "d"] {
      #expect(root.text(key) == nil && root.bool(key) == nil && root.duration(key) == nil)
      #expect(root.value(key) == nil && root.pair(key) != nil)
    }
    #expect(root.items("f", of: "things")?.isEmpty == true && root.items("c", of: "things") == nil)
    #expect(reading.errors == [])
    #expect(root.list("g", of: "texts") { $0 } == ["x"])
    root.error("a", "it is odd")
    root.error("nowhere", ModelError("it is needed"))
    root.warning("e", "it is old")
    #expect(
      reading.errors == [
        "a.yaml:7:5: node 'n': g[0] is empty; write a value, or leave the key out",
        "a.yaml:1:4: node 'n': a: it is odd", "a.yaml:1:1: node 'n': nowhere: it is needed",
      ])
    #expect(reading.warnings == ["a.yaml:5:4: node 'n': e: it is old"])
  }

  @Test("the first problems are kept in the order of the file, and all are counted")
  func bounded() throws {
    let diagnostics = Diagnostics(file: "a.yaml", limit: 3)
    for line in [9, 2, 5, 1, 7] { diagnostics.error(YAMLMark(line: line, column: 1), "wrong") }
    diagnostics.add([YAMLError(file: "b.yaml", mark: YAMLMark(line: 1, column: 1), message: "also")])
    diagnostics.sort()
    #expect(diagnostics.errors.kept.map(\.mark.line) == [2, 5, 9])
    #expect(diagnostics.errors.count == 6 && !diagnostics.errors.isEmpty && diagnostics.warnings.isEmpty)
  }

  /// What a kubeconfig needs: only the entry that is chosen is looked at, and the first problem is what counts.
  @Test("a kubeconfig's entries are read with their names in messages")
  func kubeconfig() throws {
    let text = """
      current-context: home
      clusters:
        - name: away
          cluster: [broken]
        - name: home
          cluster: {server: 'https://10.5.0.2:6443', certificate-authority-data: Zm9v, insecure-skip-tls-verify: 1}
      users:
        - name: me
          user: {exec: {command: ./login, env: [{name: A, value: 1}], args: [-v, 7]}}
      """
    let reading = try Reading(text, style: .lenient)
    let entry = try #require(
      reading.root.sections("clusters", of: "clusters", keys: nil).first { $0.text("name") == "home" })
    let cluster = FieldReader(
      entry.node?["cluster"], "a cluster", subject: "cluster 'home'", keys: nil, style: .lenient,
      diagnostics: reading.diagnostics)
    #expect(cluster.text("server") == "https://10.5.0.2:6443")
    #expect(cluster.base64("certificate-authority-data") == Array("foo".utf8))
    #expect(reading.errors == [])
    #expect(cluster.bool("insecure-skip-tls-verify") == nil)
    #expect(
      reading.errors == [
        "a.yaml:6:108: cluster 'home': insecure-skip-tls-verify must be true or false, not the number 1; write true"
      ])
    let exec = reading.root.sections("users", of: "users", keys: nil)[0].section("user", keys: nil)
      .section("exec", keys: nil)
    #expect(exec.path("command", base: "/home/.kube") == "/home/.kube/./login")
    #expect(exec.sections("env", of: "variables", keys: nil).map { $0.text("value") } == ["1"])
    #expect(exec.list("args", of: "arguments") { $0 } == ["-v", "7"])
  }
}
