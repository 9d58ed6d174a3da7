import ClusterModel
import NodeFixtures

/// Makes lists of Nodes of random shape that JSON allows: order of keys, white space, escapes, depth.
struct RandomNodes {
  var random: SplitMix

  init(seed: UInt64) { random = SplitMix(state: seed) }

  /// `bytes` in pieces of random length.
  mutating func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    let longest = Int.random(in: 1...200, using: &random)
    while start < bytes.count {
      let end = min(bytes.count, start + Int.random(in: 1...longest, using: &random))
      pieces.append(bytes[start..<end])
      start = end
    }
    return pieces
  }

  /// A NodeList.
  mutating func list() -> [UInt8] {
    let nodes = (0..<Int.random(in: 0...5, using: &random)).map { _ in node() }
    let list = object([
      ("kind", "\"NodeList\""), ("metadata", object([("resourceVersion", string("17"))])),
      ("items", array(nodes)), ("x", junk(4)),
    ])
    return Array((space() + list + space()).utf8)
  }

  private mutating func node() -> String {
    var metadata = [("name", string("n" + word())), ("uid", string(word())), ("managedFields", junk(5))]
    if Bool.random(using: &random) { metadata.append(("annotations", annotations())) }
    if Bool.random(using: &random) {
      let time = Timestamp(milliseconds: Int64.random(in: 0...4_000_000_000, using: &random) * 1000)
      metadata.append(("creationTimestamp", string(time.description)))
    }
    if Bool.random(using: &random) {
      metadata.append(
        ("labels", object([("node-role.kubernetes.io/control-plane", string("")), ("a", "\"b\"")])))
    }
    let addresses = (0..<3).map { _ in
      let type = ["Hostname", "InternalIP", "ExternalIP"].randomElement(using: &random) ?? ""
      return object([("type", string(type)), ("address", string(word()))])
    }
    let conditions = (0..<Int.random(in: 0...4, using: &random)).map { _ in condition() }
    let status = [
      ("addresses", array(addresses)), ("images", junk(3)), ("conditions", array(conditions)),
      ("nodeInfo", object([("osImage", string(word())), ("machineID", string(word())), ("x", junk(1))])),
    ]
    return object([("metadata", object(metadata)), ("status", object(status)), ("spec", junk(3))])
  }

  private mutating func condition() -> String {
    let type = ["Ready", "MemoryPressure", "ReadyX", ""].randomElement(using: &random) ?? ""
    let state = ["True", "False", "Unknown"].randomElement(using: &random) ?? ""
    return object([
      ("type", string(type)), ("status", string(state)), ("reason", string(word())), ("x", junk(3)),
    ])
  }

  private mutating func annotations() -> String {
    let names = [
      "cluster.talos.dev/node-id", "networking.talos.dev/self-ips", "networking.talos.dev/kubespan-ip",
      "other",
      "networking.talos.dev/kubespan-public-key", "networking.talos.dev/self-ipsx",
    ]
    return object(names.map { ($0, string(word())) })
  }

  /// Any value, of at most `depth` levels.
  private mutating func junk(_ depth: Int) -> String {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
    case 0: "null"
    case 1: "true"
    case 2: "false"
    case 3: ["0", "-1", "12.50", "1e5", "-0.1E-2", "9007199254740993"].randomElement(using: &random) ?? "0"
    case 4, 5: string(word())
    case 6: array((0..<Int.random(in: 0...4, using: &random)).map { _ in junk(depth - 1) })
    default: object((0..<Int.random(in: 0...4, using: &random)).map { ("k\($0)", junk(depth - 1)) })
    }
  }

  private mutating func array(_ elements: [String]) -> String {
    "[" + space() + elements.map { space() + $0 + space() }.joined(separator: ",") + "]"
  }

  private mutating func object(_ members: [(String, String)]) -> String {
    let shuffled = members.shuffled(using: &random)
    let text = shuffled.map { key, value in space() + string(key) + space() + ":" + space() + value + space()
    }
    return "{" + space() + text.joined(separator: ",") + "}"
  }

  private mutating func space() -> String {
    Int.random(in: 0..<6, using: &random) == 0
      ? ["\n", "  ", "\t", "\r\n"].randomElement(using: &random) ?? "" : ""
  }

  /// Some characters of one to four bytes of UTF-8, and some that have to be escaped.
  private mutating func word() -> String {
    let characters: [Unicode.Scalar] = [
      "a", "Z", "0", "/", "\"", "\\", "\n", "\u{1}", "é", "€", "😀", "\u{10FFFF}",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...20, using: &random) {
      text.unicodeScalars.append(characters.randomElement(using: &random) ?? "a")
    }
    return text
  }

  /// `text` in quotes; every character may be escaped, those that must be are.
  private mutating func string(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      let must = scalar == "\"" || scalar == "\\" || scalar.value < 0x20
      if must || Int.random(in: 0..<12, using: &random) == 0 {
        for unit in Character(scalar).utf16 { quoted += "\\u" + hexadecimal(unit) }
      } else {
        quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private mutating func hexadecimal(_ unit: UInt16) -> String {
    let text = String(unit, radix: 16, uppercase: Bool.random(using: &random))
    return String(repeating: "0", count: 4 - text.count) + text
  }
}
