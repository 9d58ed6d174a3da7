import CRegistryPlugin
import Foundation
import Platform
import TestSupport
import Testing

/// registry_options.h, with which authors in C read their options.
@Suite("Options in C")
struct CRegistryOptionsTests {
  /// What a reader of the header says.
  private struct Refusal: Error, Equatable {
    let code: registry_code
    let message: String
  }

  private typealias Message = UnsafeMutablePointer<registry_message_v1>

  /// Calls `read` with the options `json` and room for a message of `room` bytes.
  private func reading<Value>(
    _ json: String, room: Int = 256, into initial: Value,
    _ read: (registry_string_v1, inout Value, Message) -> registry_code
  ) throws(Refusal) -> Value {
    var value = initial
    var bytes = [CChar](repeating: 0x21, count: room)
    let (code, message) = bytes.withUnsafeMutableBufferPointer { bytes -> (registry_code, String) in
      var message = registry_message_v1(data: bytes.baseAddress, capacity: room, length: 0)
      let code = json.utf8.withContiguousStorageIfAvailable { json in
        json.withMemoryRebound(to: CChar.self) {
          read(registry_string_v1(data: $0.baseAddress, length: $0.count), &value, &message)
        }
      }
      let text = bytes[..<message.length].map { UInt8(bitPattern: $0) }
      return (code ?? -1, String(decoding: text, as: UTF8.self))
    }
    guard code == REGISTRY_OK else { throw Refusal(code: code, message: message) }
    return value
  }

  private func text(_ json: String, _ path: String, capacity: Int = 64) throws(Refusal) -> String {
    let buffer = try reading(json, into: [CChar](repeating: 0x21, count: capacity)) {
      options, buffer, message in
      registry_option_text(options, path, &buffer, capacity, message)
    }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func integer(_ json: String, _ path: String) throws(Refusal) -> Int64 {
    try reading(json, into: -77) { registry_option_integer($0, path, &$1, $2) }
  }

  private func number(_ json: String, _ path: String) throws(Refusal) -> Double {
    try reading(json, into: -77) { registry_option_number($0, path, &$1, $2) }
  }

  private func bool(_ json: String, _ path: String) throws(Refusal) -> Bool {
    try reading(json, into: Int32(-77)) { registry_option_bool($0, path, &$1, $2) } == 1
  }

  private func duration(_ json: String, _ path: String) throws(Refusal) -> Int64 {
    try reading(json, into: -77) { registry_option_duration($0, path, &$1, $2) }
  }

  private func count(_ json: String, _ path: String) throws(Refusal) -> Int {
    try reading(json, into: -77) { registry_option_count($0, path, &$1, $2) }
  }

  private func path(_ json: String, _ path: String, base: String, capacity: Int = 64) throws(Refusal)
    -> String
  {
    let buffer = try reading(json, into: [CChar](repeating: 0x21, count: capacity)) {
      options, buffer, message in
      base.withCString { base in
        var settings = registry_settings_v1()
        settings.options = options
        settings.base_directory = registry_string(base)
        return registry_option_path(&settings, path, &buffer, capacity, message)
      }
    }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func exists(_ json: String, _ path: String) -> Bool {
    json.withCString { registry_option_exists(registry_string($0), path) } == 1
  }

  // MARK: What is there

  @Test("options are found by their path, in objects and lists")
  func paths() throws {
    let json = #" {"a": 1, "tls": {"a": 2, "caFile": "x"}, "peers": [{"a": [3, 4]}, [5, [6]]], "ä b": 7} "#
    #expect(try integer(json, "a") == 1)
    #expect(try integer(json, "tls.a") == 2)
    #expect(try text(json, "tls.caFile") == "x")
    #expect(try integer(json, "peers[0].a[1]") == 4)
    #expect(try integer(json, "peers[1][0]") == 5)
    #expect(try integer(json, "peers[1][1][0]") == 6)
    #expect(try integer(json, "ä b") == 7)
    #expect(try integer(#"{"\u0061\u00e4": 8}"#, "aä") == 8)
  }

  @Test("text is what was meant, with a zero at its end")
  func texts() throws {
    #expect(try text(#"{"t": ""}"#, "t") == "")
    #expect(
      try text(#"{"t": "a\"\\\/\b\f\n\r\tä\u00e4\u20AC\uD83D\ude00😀"}"#, "t") == "a\"\\/\u{8}\u{c}\n\r\tää€😀😀"
    )
    #expect(try text(#"{"t": "1234567"}"#, "t", capacity: 8) == "1234567")
  }

  @Test("a relative path is put behind the base directory, an absolute one isn't")
  func filePaths() throws {
    #expect(try path(#"{"p": "a/b"}"#, "p", base: "/etc/rollcall") == "/etc/rollcall/a/b")
    #expect(try path(#"{"p": "/a/b"}"#, "p", base: "/etc/rollcall") == "/a/b")
    #expect(try path(#"{"p": "\/a"}"#, "p", base: "/etc/rollcall") == "/a")
    #expect(try path(#"{"p": "a"}"#, "p", base: "") == "a")
    #expect(try path(#"{"p": "ab"}"#, "p", base: "/etc", capacity: 8) == "/etc/ab")
  }

  @Test(
    "whole numbers are read exactly",
    arguments: [
      ("0", 0), ("-0", 0), ("12", 12), ("-12", -12), ("9223372036854775807", Int64.max),
      ("-9223372036854775808", Int64.min),
    ])
  func integers(written: String, value: Int64) throws {
    #expect(try integer(#"{"n": \#(written)}"#, "n") == value)
    #expect(try number(#"{"n": \#(written)}"#, "n") == Double(value))
  }

  @Test(
    "numbers are read as nearly as a double can be",
    arguments: [
      "0.1", "1.5", "-12.5e-3", "1e3", "1E+3", "0.000001", "123456789.125", "1e-400", "1.7976931348623e308",
      "0.3333333333333333333333333333", "100000000000000000000000", "5e-324", "-1e-7",
      "0.00000000000000000000000000000000000000001e41",
    ])
  func numbers(written: String) throws {
    let value = try number(#"{"n": \#(written)}"#, "n")
    let exact = try #require(Double(written))
    #expect(abs(value - exact) <= exact.magnitude * 1e-15 + .leastNonzeroMagnitude)
  }

  @Test("true and false, items of lists, and whether an option is there")
  func others() throws {
    let json = #"{"t": true, "f": false, "none": [], "some": [1, [2, 3], {"a": [4]}], "null": null}"#
    #expect(try bool(json, "t"))
    #expect(try !bool(json, "f"))
    #expect(try count(json, "none") == 0)
    #expect(try count(json, "some") == 3)
    #expect(try count(json, "some[1]") == 2)
    #expect(["t", "f", "none", "some[2].a"].allSatisfy { exists(json, $0) })
    #expect(
      ["x", "null", "null.x", "some[3]", "some[2].b", "t.x", "none[0]"].allSatisfy { !exists(json, $0) })
    #expect(!exists("", "a"))
  }

  @Test(
    "durations are read as the configuration's are, in milliseconds",
    arguments: [
      ("0", 0), ("30s", 30_000), ("1h30m", 5_400_000), ("1.5s", 1_500), ("250ms", 250), ("1d", 86_400_000),
      ("1d2h3m4s5ms", 93_784_005), ("0s", 0), ("1us", 1), ("1.0001s", 1_001), ("1500us", 2), ("999999ns", 1),
      ("0.5h", 1_800_000), ("36500d", 3_153_600_000_000), ("1µs", 1),
    ])
  func durations(written: String, milliseconds: Int64) throws {
    #expect(try duration(#"{"d": "\#(written)"}"#, "d") == milliseconds)
    let inSwift = try DurationText.parse(written)
    #expect(Int64((inSwift / .milliseconds(1)).rounded(.up)) == milliseconds)
  }

  // MARK: What is wrong

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "30", "s", "1", "00", "1x", "1s1m", "1s1s", "-1s", "+1s", "1.s", ".5s", "1..5s", "1.0000000000s",
      "1 s",
      " 1s", "1s ", "36501d", "99999999999999999999d", "1e3s", "1S", "1min",
      "1234567890123456789012345678901234567890123456789012345678901234s",
    ])
  func noDurations(written: String) {
    #expect(throws: (any Error).self) { try DurationText.parse(written) }
    #expect(
      throws: Refusal(
        code: registry_code(REGISTRY_INVALID_ARGUMENT),
        message: "option 'd' should be a duration with its unit, such as 30s, 1h30m, 1.5s, 250ms or 1d")
    ) { try duration(#"{"d": "\#(written)"}"#, "d") }
  }

  @Test(
    "what is wrong is said with the option's path and what would be right",
    arguments: [
      (#"{}"#, "a", "option 'a' is missing"),
      (#"{"a": null}"#, "a", "option 'a' is missing"),
      (#"{"a": {"b": null}}"#, "a.b", "option 'a.b' is missing"),
      (#"{"a": [1]}"#, "a[1]", "option 'a[1]' is missing"),
      (#"{"a": 1}"#, "a", "option 'a' should be text, not a number"),
      (#"{"a": true}"#, "a", "option 'a' should be text, not true or false"),
      (#"{"a": []}"#, "a", "option 'a' should be text, not a list"),
      (#"{"a": {}}"#, "a", "option 'a' should be text, not an object"),
      (#"{"a": "123456789"}"#, "a", "option 'a' is longer than what is taken"),
      (#"{"a": "\u0000"}"#, "a", "option 'a' has a zero byte within"),
      (#"{"a": "x", "b": 1, "\u0061": "y"}"#, "a", "option 'a' is there twice"),
      (#"{"a": 1}"#, "a.b", "option 'a.b' isn't there: what it is in is no object"),
      (#"{"a": {}}"#, "a[0]", "option 'a[0]' isn't there: what it is in is no list"),
      (#"{"a": "x"}"#, "", "option '' can't be read: that is no path such as a.b or a[0]"),
      (#"{"a": {"b": 1}}"#, "a.", "option 'a.' can't be read: that is no path such as a.b or a[0]"),
      (#"{"a": [1]}"#, "a[x]", "option 'a[x]' can't be read: that is no path such as a.b or a[0]"),
      (#"{"a": [1]}"#, "a[0", "option 'a[0' can't be read: that is no path such as a.b or a[0]"),
      (#"{"a": [[1]]}"#, "a[0]b", "option 'a[0]b' can't be read: that is no path such as a.b or a[0]"),
      (
        #"{"a": [[1]]}"#, "a[99999999999999]",
        "option 'a[99999999999999]' can't be read: that is no path such as a.b or a[0]"
      ),
    ])
  func refused(json: String, path: String, message: String) {
    let error = #expect(throws: Refusal.self) { try text(json, path, capacity: 9) }
    #expect(error?.message == message)
    let isLong = message.hasSuffix("longer than what is taken")
    #expect(error?.code == registry_code(isLong ? REGISTRY_LIMIT_EXCEEDED : REGISTRY_INVALID_ARGUMENT))
  }

  @Test("numbers of the wrong kind or size are refused")
  func wrongNumbers() {
    func message(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Refusal)?.message }
    }
    let whole = "option 'n' should be a whole number of at most 64 bits"
    for written in ["1.0", "1e3", "9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
      #expect(message { _ = try integer(#"{"n": \#(written)}"#, "n") } == whole)
    }
    #expect(
      message { _ = try integer(#"{"n": "1"}"#, "n") } == "option 'n' should be a whole number, not text")
    #expect(message { _ = try number(#"{"n": 1e309}"#, "n") } == "option 'n' is out of range")
    #expect(
      message { _ = try duration(#"{"n": 30}"#, "n") }
        == "option 'n' should be a duration with its unit, such as \"30s\", not a number")
    #expect(message { _ = try bool(#"{"n": 1}"#, "n") } == "option 'n' should be true or false, not a number")
    #expect(message { _ = try count(#"{"n": {}}"#, "n") } == "option 'n' should be a list, not an object")
    #expect(
      message { _ = try path(#"{"n": ""}"#, "n", base: "/etc") }
        == "option 'n' is empty, and should be a path")
    #expect(
      message { _ = try path(#"{"n": "abc"}"#, "n", base: "/etc", capacity: 8) }
        == "option 'n' is longer than what is taken")
  }

  @Test(
    "what isn't one JSON object is refused as a whole, wherever the option stands",
    arguments: [
      "", " ", "[]", "1", "null", #"{"a": "x""#, #"{"a": "x"} {}"#, #"{"a": "x",}"#, #"{"a": "x", "b": 01}"#,
      #"{"a": "x", "b": 1.}"#, #"{"a": "x", "b": .5}"#, #"{"a": "x", "b": 1e}"#, #"{"a": "x", "b": tru}"#,
      #"{"a": "x", "b": [1 2]}"#, #"{"a": "x", "b": [1,]}"#, #"{"a": "x", "b": {"c"}}"#,
      #"{"a": "x", "b": }"#,
      #"{"a": "x", "b": "\x"}"#, #"{"a": "x", "b": "\u12"}"#, #"{"a": "x", "b": "\ud800"}"#,
      #"{"a": "x", "b": "\udc00\ud800"}"#, "{\"a\": \"x\", \"b\": \"\u{1}\"}", #"{"a": "x", "b": [}]"#,
      #"{"a": "x" "b": 1}"#, #"{a: "x"}"#, #"{"a": "x", "b": +1}"#, #"{"a": "x", "b": -}"#, #"{"a": 'x'}"#,
      #"{"a": "x"}}"#, "{\"a\": \"x\"}\0",
    ])
  func malformed(json: String) {
    #expect(
      throws: Refusal(
        code: registry_code(REGISTRY_INVALID_ARGUMENT),
        message: "option 'a' can't be read: the options aren't one JSON object")
    ) { try text(json, "a") }
  }

  @Test("text that isn't UTF-8 is refused")
  func noUTF8() {
    for bytes in [
      [0xFF], [0xC3], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xC3, 0x28], [0x80],
    ] as [[UInt8]] {
      let json = Array(#"{"a": ""#.utf8) + bytes + Array(#""}"#.utf8)
      var buffer = [CChar](repeating: 0x21, count: 16)
      let code = json.withUnsafeBufferPointer { json in
        json.withMemoryRebound(to: CChar.self) {
          registry_option_text(
            registry_string_v1(data: $0.baseAddress, length: $0.count), "a", &buffer, buffer.count, nil)
        }
      }
      #expect(code == REGISTRY_INVALID_ARGUMENT)
      #expect(buffer.allSatisfy { $0 == 0x21 }, "nothing was written")
    }
  }

  @Test("lists and objects may be nested 64 deep, and no deeper")
  func nested() throws {
    func json(_ depth: Int) -> String {
      #"{"a": 5, "b": "# + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
        + "}"
    }
    #expect(try integer(json(64), "a") == 5)
    #expect(throws: Refusal.self) { try integer(json(65), "a") }
    #expect(throws: Refusal.self) { try integer(json(100_000), "a") }
  }

  @Test("a message that doesn't fit is cut, and one that nobody wants isn't written")
  func messages() {
    let error = #expect(throws: Refusal.self) {
      try reading("{}", room: 12, into: Int64(0)) { registry_option_integer($0, "interval", &$1, $2) }
    }
    #expect(error?.message == "option 'inte")
    var value: Int64 = 5
    #expect(registry_option_integer(registry_string("{}"), "a", &value, nil) == REGISTRY_INVALID_ARGUMENT)
    #expect(value == 5)
  }

  // MARK: Against another reader

  @Test("whatever JSON there is, each value is what Foundation reads")
  func againstFoundation() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<2_000 {
      let value = Self.randomObject(depth: 3, &random)
      let json = String(
        decoding: try JSONSerialization.data(
          withJSONObject: value, options: random.next() % 2 == 0 ? [.prettyPrinted] : []), as: UTF8.self)
      try compare(value, at: "", json)
    }
  }

  private func compare(_ value: Any, at place: String, _ json: String) throws {
    switch value {
    case let object as [String: Any]:
      for (key, value) in object { try compare(value, at: place.isEmpty ? key : "\(place).\(key)", json) }
    case let list as [Any]:
      #expect(try count(json, place) == list.count)
      for (index, value) in list.enumerated() { try compare(value, at: "\(place)[\(index)]", json) }
    case let value as String: #expect(try text(json, place) == value)
    case let value as Int64: #expect(try integer(json, place) == value)
    case let value as Double: #expect(abs(try number(json, place) - value) <= value.magnitude * 1e-15)
    case let value as Bool: #expect(try bool(json, place) == value)
    default: #expect(!exists(json, place))
    }
  }

  private static func randomObject(depth: Int, _ random: inout SeededGenerator) -> [String: Any] {
    var object: [String: Any] = [:]
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      object[
        ["a", "b", "ä", "key with spaces", "\"", "\n", "c\\", "/"].randomElement(using: &random) ?? "a"] =
        randomValue(depth: depth, &random)
    }
    return object
  }

  private static func randomValue(depth: Int, _ random: inout SeededGenerator) -> Any {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
    case 0: NSNull()
    case 1: Bool.random(using: &random)
    case 2: Int64.random(in: .min ... .max, using: &random)
    case 3: Double.random(in: -1e9...1e9, using: &random) * 1.000001
    case 4, 5:
      String(
        (0..<Int.random(in: 0...9, using: &random)).map { _ in
          ["x", "\"", "\\", "\u{1}", "ä", "😀", "/", "\u{7F}", "\u{2028}"].randomElement(using: &random) ?? "x"
        }.joined())
    case 6: randomObject(depth: depth - 1, &random)
    default: (0..<Int.random(in: 0...3, using: &random)).map { _ in randomValue(depth: depth - 1, &random) }
    }
  }
}
