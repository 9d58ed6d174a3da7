import Testing

@testable import Documents

@Suite("Numbers and long lists of programs' documents")
struct LenientNumbersTests {
  private func port(_ text: String, _ style: FieldReader.Style) throws -> (value: UInt16?, problems: Int) {
    let node = try #require(YAML.parse(Array("port: \(text)".utf8), file: "a").documents.first)
    let diagnostics = Diagnostics(file: "a")
    let fields = FieldReader(node, "it", keys: nil, style: style, diagnostics: diagnostics)
    return (fields.port("port"), diagnostics.errors.count)
  }

  @Test(
    "a number in quotes is a number where programs' documents are read",
    arguments: ["'6443'", "\"6443\"", "6443"])
  func quoted(text: String) throws {
    #expect(try port(text, .lenient) == (6443, 0))
  }

  @Test(
    "what is no number of that range isn't, with quotes or without",
    arguments: ["'0'", "'65536'", "''", "' 1'", "'1.0'", "x", "'6443 '"])
  func wrong(text: String) throws {
    let (value, problems) = try port(text, .lenient)
    #expect(value == nil)
    #expect(problems == (text == "''" ? 0 : 1))
  }

  @Test("a person who writes a configuration is told to leave the quotes out")
  func strict() throws {
    #expect(try port("'6443'", .strict) == (nil, 1))
  }

  @Test("of a list that is too long the first items are taken, and that is told")
  func long() throws {
    let node = try #require(YAML.parse(Array("a: [1, 2, 3]".utf8), file: "a").documents.first)
    for (style, count) in [(FieldReader.Style.lenient, 2), (.strict, nil)] {
      let diagnostics = Diagnostics(file: "a")
      let fields = FieldReader(node, "it", keys: nil, style: style, diagnostics: diagnostics)
      #expect(fields.items("a", of: "numbers", maximum: 2)?.count == count)
      #expect(diagnostics.errors.count == 1)
    }
  }
}
