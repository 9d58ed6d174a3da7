import Documents
import Foundation
import Testing

@Suite struct HostileTests {
  static let sample = """
    %YAML 1.2
    ---
    a: &x [1, "zw\\u00f6lf", 'drei', {ü: !!str 4}]
    ? key
    : |
      literal
       text
    "q": *x
    c: >-
      folded
      text # no comment
    ...
    ---
    {"j": ["\\ud83d\\ude00", 1e3, {"k": null}]}
    """

  @Test("a text that is cut off at any byte is read or refused, and never traps")
  func truncated() {
    let json = "{\"a\": [1, -2.5e3, \"\\ud83d\\ude00\", {\"b\": null, \"ü\": true}]}\n[{}]"
    for text in [Self.sample, json] {
      let bytes = Array(text.utf8)
      for end in 0...bytes.count { _ = try? YAML.parse(bytes[..<end], file: "t.yaml") }
    }
  }

  @Test("a text with any byte replaced is read or refused, and never traps")
  func damaged() {
    var random = SplitMix(seed: 3)
    let bytes = Array(Self.sample.utf8)
    for _ in 0..<5_000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] =
          Bool.random(using: &random)
          ? UInt8.random(in: 0...255, using: &random)
          : "[]{}:-?&*!|>'\"%@`#,\n\t ".utf8.randomElement(using: &random) ?? 0
      }
      _ = try? YAML.parse(damaged, file: "t.yaml")
    }
  }

  @Test("a text that is nested too deep is refused at the place where it is")
  func deep() {
    for opening in ["[", "{a: ", "{\"a\":", "- "] {
      let text = String(repeating: opening, count: 100_000)
      #expect(message(text).hasSuffix("lists and mappings are more than 64 levels deep"), "\(opening)")
    }
    let limit = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(message(limit) == "no error")
  }

  @Test("aliases of aliases can't make a small text a huge tree")
  func aliasBomb() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(message(text).hasSuffix("the text's aliases stand for more than 10000 nodes"))
  }

  @Test("aliases can't make a tree deeper than the limit")
  func aliasDepth() {
    var text = "a0: &a0 [x]\n"
    for level in 1...80 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    #expect(message(text).hasSuffix("lists and mappings are more than 64 levels deep"))
  }

  @Test("more nodes or bytes than allowed are refused")
  func tooMuch() {
    let keys = (0..<1_000_000).map { "k\($0):\n" }.joined()
    #expect(message(keys, limits: YAMLLimits(nodes: 10_000)).hasSuffix("the text has more than 10000 nodes"))
    #expect(
      message(keys, limits: YAMLLimits(size: 1_000))
        == "t.yaml:1:1: the text has \(keys.utf8.count) bytes; at most 1000 are read")
    #expect(
      message(String(repeating: "%TAG !a! b\n", count: 100_000))
        == "t.yaml:65:1: more than 64 lines begin with '%'")
  }

  @Test("many keys are read in time that grows with their number alone")
  func manyKeys() throws {
    func time(_ count: Int) throws -> Duration {
      let text = (0..<count).map { "k\($0): v\n" }.joined()
      let start = ContinuousClock.now
      let read = try parse(text).documents.first?.pairs?.count
      #expect(read == count)
      return .now - start
    }
    let (few, many) = (try time(4_000), try time(32_000))
    #expect(many < few * 40, "\(few) for 4,000 keys, \(many) for 32,000")
  }

  @Test("what a refused text took is freed")
  func memory() throws {
    func resident() throws -> Int {
      let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
      return (Int(fields.dropFirst().first ?? "") ?? 0) * 4096
    }
    let text = Array("a: &x [1, 2, {b: \"\(String(repeating: "x", count: 500))\"}, [".utf8)
    let before = try resident()
    for _ in 0..<2_000 { _ = try? YAML.parse(text, file: "t.yaml") }
    // Each parser has buffers of 64 KiB: kept, they would be 128 MiB.
    #expect(try resident() - before < 64 << 20)
  }
}
