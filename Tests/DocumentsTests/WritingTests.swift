import Documents
import Testing

@Suite struct WritingTests {
  @Test("blocks are indented as Go programs print them")
  func layout() {
    let member: YAMLNode = .mapping([
      ("node", .text("10.5.0.2")),
      (
        "metadata",
        .mapping([
          ("namespace", .text("cluster")), ("version", .integer(2)),
          ("created", .plain("2022-12-01T10:00:00Z")),
        ])
      ),
      (
        "spec",
        .mapping([
          ("addresses", .list([.text("10.5.0.2"), .text("fd83:b1f7::7c94")])), ("none", .list([])),
          ("endpoints", .list([.mapping([("a", .integer(1)), ("b", .mapping([("c", .bool(true))]))])])),
          ("lists", .list([.list([.integer(1), .integer(2)]), .mapping([])])),
          ("operatingSystem", .text("Talos (v1.2.3)")), ("empty", .text("")), ("number", .text("12")),
          ("host", .text("a: b")), ("prefix", .text("::/0")), ("old", .text("yes")),
        ])
      ),
    ])
    #expect(
      YAML.text(of: [member, .mapping([("a", .null)])]) == """
        node: 10.5.0.2
        metadata:
            namespace: cluster
            version: 2
            created: 2022-12-01T10:00:00Z
        spec:
            addresses:
                - 10.5.0.2
                - fd83:b1f7::7c94
            none: []
            endpoints:
                - a: 1
                  b:
                    c: true
            lists:
                - - 1
                  - 2
                - {}
            operatingSystem: Talos (v1.2.3)
            empty: ""
            number: "12"
            host: 'a: b'
            prefix: ::/0
            old: "yes"
        ---
        a: null

        """)
  }

  @Test("lines are never broken")
  func longLines() {
    let long = Array(repeating: "word", count: 500).joined(separator: " ")
    #expect(YAML.text(of: [.mapping([("a", .text(long))])]) == "a: \(long)\n")
  }

  @Test("what is written reads as the same nodes")
  func roundTrip() throws {
    var random = SplitMix(seed: 7)
    for round in 0..<1_000 {
      let documents = (0..<Int.random(in: 1...3, using: &random)).map { _ in randomNode(&random, depth: 4) }
      let text = YAML.text(of: documents)
      let read: [YAMLNode]
      do { read = try parse(text).documents } catch {
        Issue.record("round \(round): \(error)\n\(text)")
        return
      }
      guard read.map(bare) == documents.map(bare) else {
        Issue.record("round \(round) reads differently:\n\(text)")
        return
      }
      for document in documents {
        let again = try parse(YAML.json(of: document)).documents.first.map { YAML.json(of: $0) }
        #expect(again == YAML.json(of: document), "round \(round)")
      }
    }
  }
}

/// A generator that gives the same each time.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

private let pieces = [
  "a", "b c", " ", "  ", "\n", "\t", "\r", ":", ": ", " #", "#", "-", "- ", "?", "? ", "[", "]", "{", "}",
  ",", "&",
  "*", "!", "|", ">", "'", "\"", "%", "@", "`", "\\", "---", "...", "<<", "=", "~", "null", "true", "yes",
  "No", "12",
  "0x1", "1e3", "-.5", "12:30", "1_0", "2022-01-01", "ü", "e\u{301}", "'\u{301}", "😀", "\u{85}", "\u{2028}",
  "\u{FEFF}",
  "\u{7F}", "\u{1}", "\u{A0}", "\u{FFFE}", String(repeating: "long ", count: 300),
]

private func randomText(_ random: inout SplitMix) -> String {
  (0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
}

private func randomNode(_ random: inout SplitMix, depth: Int) -> YAMLNode {
  switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
  case 0:
    return .plain(
      ["", "~", "null", "true", "FALSE", "1", "-2.5", "0x1F", ".inf"].randomElement(using: &random) ?? "")
  case 1...4: return .text(randomText(&random))
  case 5, 6:
    var keys: Set<String> = []
    let pairs = (0..<Int.random(in: 0...4, using: &random)).compactMap {
      _ -> (key: String, value: YAMLNode)? in
      let key = randomText(&random)
      return keys.insert(key).inserted ? (key, randomNode(&random, depth: depth - 1)) : nil
    }
    return .mapping(pairs)
  default:
    return .list(
      (0..<Int.random(in: 0...4, using: &random)).map { _ in randomNode(&random, depth: depth - 1) })
  }
}

/// The node without places, with every text alike whether it was in quotes or not, and every nothing as well.
private func bare(_ node: YAMLNode) -> YAMLNode {
  switch node.content {
  case .scalar(let scalar) where scalar.kind == .null: .null
  case .scalar(let scalar): YAMLNode(.scalar(YAMLScalar(scalar.text, isPlain: scalar.kind != .text)))
  case .sequence(let items): .list(items.map(bare))
  case .mapping(let pairs): .mapping(pairs.map { ($0.key, bare($0.value)) })
  }
}
