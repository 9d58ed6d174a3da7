import ClusterModel
import Foundation
import Testing

/// Pairs of bytes and text that existing nodes made.
private struct Base62Vector: Decodable, Sendable, CustomTestStringConvertible {
  let hex: String
  let base62: String

  enum CodingKeys: String, CodingKey {
    case hex = "Hex"
    case base62 = "Base62"
  }

  var testDescription: String { base62 }

  var bytes: [UInt8] {
    stride(from: 0, to: hex.count, by: 2).compactMap { offset in
      let start = hex.index(hex.startIndex, offsetBy: offset)
      return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
    }
  }

  static func all() throws -> [Base62Vector] {
    let file = try #require(
      Bundle.module.url(forResource: "base62", withExtension: "json", subdirectory: "Vectors"))
    return try JSONDecoder().decode([Base62Vector].self, from: Data(contentsOf: file))
  }
}

@Suite("A node identity")
struct NodeIdentityTests {
  @Test("is written and read as existing nodes write theirs")
  func vectors() throws {
    let vectors = try Base62Vector.all()
    #expect(vectors.count == 200)
    for vector in vectors {
      #expect(Base62.encode(vector.bytes) == vector.base62)
      #expect(Base62.decode(vector.base62, byteCount: vector.bytes.count) == vector.bytes)
      guard vector.bytes.count == NodeIdentity.byteCount else { continue }
      #expect(try NodeIdentity(bytes: vector.bytes).text == vector.base62)
      #expect(try NodeIdentity(vector.base62).bytes == vector.bytes)
    }
  }

  @Test("of random bytes gives the bytes back, in 43 characters or a few more")
  func random() {
    var lengths = Set<Int>()
    for _ in 0..<2_000 {
      let identity = NodeIdentity.random()
      #expect(identity.bytes?.count == 32)
      lengths.insert(identity.text.count)
    }
    #expect(lengths.isSubset(of: Set(43...52)))
  }

  @Test("of the last bits alone set is read back", arguments: 0..<256)
  func everyBit(bit: Int) throws {
    var bytes = [UInt8](repeating: 0, count: 32)
    bytes[bit / 8] = 1 << UInt8(bit % 8)
    #expect(try NodeIdentity(bytes: bytes).bytes == bytes)
    let inverse = bytes.map { ~$0 }
    #expect(try NodeIdentity(bytes: inverse).bytes == inverse)
  }

  @Test("may be other text, and then has no bytes", arguments: ["node-1", "a", "Utoh3O0Z!", "joSJ_x"])
  func opaque(text: String) throws {
    let identity = try NodeIdentity(text)
    #expect(identity.text == text)
    #expect(identity.bytes == nil)
  }

  @Test(
    "that isn't one is refused with the reason",
    arguments: [
      ("", "a node identity can't be empty"),
      ("a/b", "node identity 'a/b' may only have printable ASCII without spaces and '/'"),
      ("a b", "node identity 'a b' may only have printable ASCII without spaces and '/'"),
      ("nœud", "node identity 'nœud' may only have printable ASCII without spaces and '/'"),
      ("a\u{0}", #"node identity 'a\0' may only have printable ASCII without spaces and '/'"#),
      (String(repeating: "x", count: 257), "a node identity has at most 256 bytes, this one has 257"),
    ])
  func refused(text: String, reason: String) {
    #expect(throws: ModelError(reason)) { try NodeIdentity(text) }
  }

  @Test("of a wrong number of bytes is refused", arguments: [0, 31, 33])
  func wrongByteCount(count: Int) {
    #expect(throws: ModelError("a node identity is made of 32 bytes, not of \(count)")) {
      try NodeIdentity(bytes: [UInt8](repeating: 1, count: count))
    }
  }

  @Test("sorts as text, byte by byte")
  func order() throws {
    let texts = ["b3DebkPaCRLTLL", "2VfX3nu67ZtZ", "NVtfu1bT1Qjh", "6EVq8RHIne03", "Utoh3O0ZneV0"]
    let sorted = try texts.map { try NodeIdentity($0) }.sorted().map(\.text)
    #expect(sorted == ["2VfX3nu67ZtZ", "6EVq8RHIne03", "NVtfu1bT1Qjh", "Utoh3O0ZneV0", "b3DebkPaCRLTLL"])
  }
}
