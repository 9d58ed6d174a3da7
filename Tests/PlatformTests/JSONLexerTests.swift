import Platform
import Testing

/// A JSON text read whole by its tokens, one a line.
private func tokens(_ text: String) throws(JSONLexer.Failure) -> [String] {
  var lexer = JSONLexer(Array(text.utf8))
  var tokens: [String] = []
  func value() throws(JSONLexer.Failure) {
    switch lexer.current {
    case UInt8(ascii: "{"):
      tokens.append("{")
      var scope = lexer.begin()
      while try lexer.next(in: &scope) {
        tokens.append("\(try lexer.key()):")
        try value()
      }
      tokens.append("}")
    case UInt8(ascii: "["):
      tokens.append("[")
      var scope = lexer.begin()
      while try lexer.next(in: &scope) { try value() }
      tokens.append("]")
    case UInt8(ascii: "\""): tokens.append("'\(try lexer.string())'")
    default: tokens.append("\(try lexer.literal())")
    }
  }
  lexer.skipBlanks()
  try value()
  lexer.skipBlanks()
  guard lexer.current == nil else { throw lexer.failure("more") }
  return tokens
}

@Suite("The tokens of JSON")
struct JSONLexerTests {
  @Test("lists, objects, texts, numbers and the three words are read, with blanks between them")
  func reading() throws {
    #expect(
      try tokens(" {\"a\" :[ 1 ,-0.5e+3,true , false,null],\t\"\":{}\r\n, \"ä\":[]} ") == [
        "{", "a:", "[", "number(\"1\")", "number(\"-0.5e+3\")", "bool(true)", "bool(false)", "null", "]", ":",
        "{",
        "}", "ä:", "[", "]", "}",
      ])
    #expect(try tokens("0") == ["number(\"0\")"])
    #expect(
      try tokens(#""\"\\\/\b\f\n\r\t\u00e4\uD83D\uDE00 ä""#) == ["'\"\\/\u{8}\u{c}\n\r\tä\u{1F600} ä'"])
  }

  @Test(
    "what isn't JSON is told with its place in bytes",
    arguments: [
      ("", 0, "a JSON value is expected"), ("nul", 0, "a JSON value is expected"),
      ("01", 0, "a JSON value is expected"), ("-", 0, "a JSON value is expected"),
      ("1.", 0, "a JSON value is expected"), ("1e", 0, "a JSON value is expected"),
      ("+1", 0, "a JSON value is expected"), (".5", 0, "a JSON value is expected"),
      ("0x1", 0, "a JSON value is expected"), ("NaN", 0, "a JSON value is expected"),
      ("[1,]", 3, "a JSON value is expected"), ("[,1]", 1, "a JSON value is expected"),
      ("[1 2]", 3, "',' or ']' is expected"), ("{\"a\":1]", 6, "',' or '}' is expected"),
      ("{a:1}", 1, "a key in quotes is expected"), ("{\"a\" 1}", 5, "':' is expected after a key"),
      ("{\"a\":1,}", 7, "a key in quotes is expected"), ("[1", 2, "the text ends within the list"),
      ("{\"a\":1", 6, "the text ends within the object"), ("\"ä", 3, "the text ends within the quotes"),
      ("\"\n\"", 1, "a control character must be written as an escape in JSON text"),
      (#""\x""#, 1, "JSON has no such escape"), ("\"\\", 1, "JSON has no such escape"), ("1 1", 2, "more"),
    ])
  func failures(text: String, offset: Int, message: String) {
    do throws(JSONLexer.Failure) {
      _ = try tokens(text)
      Issue.record("it was read")
    } catch {
      #expect(error.offset == offset && error.message == message)
      #expect((error.beginning == nil) == !message.hasPrefix("the text ends"))
    }
  }

  @Test(
    "half a character isn't one",
    arguments: [
      #"\u12"#, #"\uD83D"#, #"\uD83Dx"#, #"\uD83D\n"#, #"\uD83D\u0041"#, #"\uDE00"#, #"\u+123"#, "\\u٣٣٣٣",
    ])
  func surrogates(escape: String) {
    #expect(throws: JSONLexer.Failure.self) { try tokens("\"\(escape)\"") }
  }

  @Test("a text cut off anywhere is refused, and never traps")
  func truncated() throws {
    let text = #"{"a":[1,-2.5e3,"\u00e4\ud83d\ude00x"],"b":{"c":null,"d":true}}"#
    _ = try tokens(text)
    for end in 0..<text.utf8.count {
      let part = String(decoding: Array(text.utf8)[..<end], as: UTF8.self)
      #expect(throws: JSONLexer.Failure.self) { try tokens(part) }
    }
  }
}

@Suite struct TextPlaceTests {
  @Test("places are counted in characters, and lines end as on any system")
  func places() {
    let bytes = Array("aä\nb\r\nc\rd\u{1F600}e".utf8)
    let places = (0...bytes.count + 1).map { TextPlace(of: $0, in: bytes) }
    let found = places.map { "\($0.line):\($0.column)" }
    #expect(
      found == [
        "1:1", "1:2", "1:3", "1:3", "2:1", "2:2", "2:2", "3:1", "3:2", "4:1", "4:2", "4:3", "4:3", "4:3",
        "4:3", "4:4",
        "4:4",
      ])
    #expect(TextPlace() == TextPlace(of: 0, in: []))
  }
}
