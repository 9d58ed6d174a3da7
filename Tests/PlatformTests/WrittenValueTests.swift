import Platform
import Testing

@Suite("Messages about what somebody wrote")
struct WrittenValueTests {
  @Test("a value that isn't what it must be is told with what it is, hidden where it is a secret")
  func mismatches() {
    let values: [(WrittenValue, shown: String, hidden: String)] = [
      (.text("x\n"), "the text 'x\\n'", "text"), (.number("42"), "the number 42", "a number"),
      (.bool("True"), "True", "true or false"), (.list, "a list", "a list"),
      (.mapping, "a mapping", "a mapping"),
      (
        .number(String(repeating: "9", count: 99)), "the number \(String(repeating: "9", count: 40))",
        "a number"
      ),
    ]
    for (value, shown, hidden) in values {
      #expect(value.mismatch(must: "a thing") == "must be a thing, not \(shown)")
      #expect(value.mismatch(must: "a thing", isShown: false) == "must be a thing, not \(hidden)")
    }
    #expect(WrittenValue.nothing.mismatch(must: "a thing") == "is empty; write a value, or leave the key out")
    #expect(WrittenValue.nothing.kindName == "nothing")
  }

  @Test("what to write is told where it is clear, and nowhere else")
  func advice() {
    for (value, text) in [
      (WrittenValue.text("Yes"), "; write true"), (.number("0"), "; write false"),
      (.bool("TRUE"), "; write true"),
      (.text("perhaps"), ""), (.list, ""), (.nothing, ""),
    ] { #expect(value.booleanAdvice == text) }
    for (value, text) in [
      (WrittenValue.text("3"), " in quotes; write 3"), (.text("-1.5"), " in quotes; write -1.5"),
      (.text("nan"), ""), (.text("1e999"), ""), (.text("x"), ""), (.text(""), ""), (.number("3"), ""),
    ] { #expect(value.numberAdvice == text) }
    #expect(WrittenValue.number("8080").textAdvice(isShown: true) == "; write it in quotes: '8080'")
    #expect(WrittenValue.number("8080").textAdvice(isShown: false) == "; write it in quotes")
    #expect(WrittenValue.list.textAdvice(isShown: true) == "")
  }

  @Test("an unknown key is told with the one that was meant, where it belongs, or those that there are")
  func unknownKeys() {
    #expect(unknownKey("paht", in: "a", known: ["path"]) == "unknown key 'paht'; did you mean 'path'?")
    #expect(unknownKey("x", in: "a", known: ["path", "mode"]) == "unknown key 'x'; a knows path, mode")
    #expect(unknownKey("x", in: "a", known: []) == "unknown key 'x'; a has no keys")
    #expect(unknownKey("x", in: "a", known: [], place: "b.c") == "unknown key 'x'; it belongs in b.c")
    #expect(
      unknownKey("x", in: "a", known: [], place: "") == "unknown key 'x'; it belongs at the top of the file")
    for key in ["", "hush+hush/hush=", "hush hush", String(repeating: "k", count: 41), "ключ"] {
      #expect(
        unknownKey(key, in: "a", known: [])
          == "unknown key (not shown, as it may be a secret); a has no keys")
    }
  }
}
