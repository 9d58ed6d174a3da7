import Platform
import Testing

@Suite("Lines of a text")
struct TextLinesTests {
  @Test(
    "lines end with a line feed, with or without a carriage return before it, and the last one may have no end",
    arguments: [
      ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\nb", ["a", "b"]), ("a\r\nb\r\n", ["a", "b"]),
      ("\n", [""]), ("\r\n", [""]), ("\n\n", ["", ""]), ("a\r\n\r\nb", ["a", "", "b"]),
      ("a\r", ["a\r"]), ("a\rb", ["a\rb"]), ("a\r\r\n", ["a\r"]),
      ("a\u{2028}b\u{85}c\u{b}d", ["a\u{2028}b\u{85}c\u{b}d"]),
      ("a\n\u{301}b", ["a", "\u{301}b"]), ("e\u{301}\r\n", ["e\u{301}"]),
    ])
  func lines(text: String, lines: [String]) {
    #expect(text.lines.map(String.init) == lines)
    #expect("x\(text)y".dropFirst().dropLast().lines.map(String.init) == lines)
  }

  @Test(
    "blanks and line breaks at the ends are no part of a text",
    arguments: [
      ("", ""), (" \t\r\n", ""), ("a", "a"), ("\r\n a b\t\r\n", "a b"), ("\u{a0}a\u{a0}", "\u{a0}a\u{a0}"),
      ("\n\u{301}", "\u{301}"),
    ])
  func trimming(text: String, trimmed: String) {
    #expect(Array(text.trimmed.utf8) == Array(trimmed.utf8))
  }
}

@Suite struct Base64Tests {
  private static let vectors: [(String, String)] = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ]

  @Test("the vectors of RFC 4648 §10 are written and read", arguments: vectors)
  func rfc(plain: String, encoded: String) {
    #expect(Base64.encode(plain.utf8) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
    #expect(Base64.decodeLeniently(encoded) == Array(plain.utf8))
  }

  @Test("all bytes come back, of any length")
  func roundTrip() {
    for count in 0..<300 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      let text = Base64.encode(bytes)
      #expect(Base64.decode(text) == bytes)
      let other = String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
      #expect(Base64.decodeLeniently(other) == bytes)
    }
  }

  @Test(
    "anything but the one right form is refused",
    arguments: [
      "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", " Zm9v", "Zm9-", "Zm9_", "Z", "=", "====",
      "Zm9v=",
      "Zg==Zg==", "Z===", "Zm9v\u{0}", "Zm9v\u{301}", "\u{212A}m9v", "Zм9v", "ÀÀÀÀ",
    ])
  func strict(text: String) { #expect(Base64.decode(text) == nil) }

  @Test(
    "either alphabet is read where that is asked for, with or without padding, with white space around it")
  func lenient() {
    #expect(Base64.decodeLeniently(" \r\n-_-_\n") == [0xFB, 0xFF, 0xBF])
    #expect(Base64.decodeLeniently("+/-_") == [0xFB, 0xFF, 0xBF])
    for text in ["Zg", "Zg=="] { #expect(Base64.decodeLeniently(text) == [0x66]) }
    for text in ["Zh", "Z\r\nh==\n"] { #expect(Base64.decodeLeniently(text) == [0x66]) }
    for text in ["Zg=", "Z", "Z===", "Zm 9v", "=", "==", "Zg==Zg==", "Zg= =", "Zg==="] {
      #expect(Base64.decodeLeniently(text) == nil, "\(text)")
    }
    #expect(Base64.decodeLeniently("") == [])
  }

  @Test("text in lines is read where that is asked for, and is else as strict")
  func lines() {
    for text in ["Zm9vYmFy", "Zm9v\nYmFy\n", "Zm9v\r\nYm\r\nFy"] {
      #expect(Base64.decodeLines(text) == Array("foobar".utf8))
    }
    for text in ["Zm9v YmFy", "Zm9v\tYmFy", " Zm9vYmFy", "Zh==\n", "Zg\n", "Zm9-\n"] {
      #expect(Base64.decodeLines(text) == nil, "\(text)")
    }
  }
}

@Suite struct JSONStringTests {
  @Test("text is one JSON string on one line, whatever is in it")
  func strings() {
    #expect(jsonString("a\"b\\c\n\r\t\u{1}\u{2028}é") == #""a\"b\\c\n\r\t\u0001\u2028é""#)
    #expect(jsonString("\u{e0001}") == #""\udb40\udc01""#)
    #expect(jsonString("\u{202E}\u{7F}") == #""\u202e\u007f""#)
    #expect(jsonString("") == #""""#)
    #expect(jsonString("xay".dropFirst().dropLast()) == #""a""#)
  }
}
