import ClusterModel
import Foundation
import KubernetesRegistry
import NodeFixtures
import Platform
import TestSupport
import Testing

@Suite("Properties of the decoders")
struct DecodingPropertyTests {
  @Test("a generated list gives the Nodes that JSONDecoder finds in it")
  func listEqualsJSONDecoder() throws {
    let items = (0..<40).map { NodeFixture(index: $0, resourceVersion: 100 + $0, revision: $0 % 5).json }
    let list = Array(NodeListJSON.list(items, resourceVersion: 9, continueToken: "next", remaining: 7).utf8)
    var decoder = NodeListDecoder()
    var nodes: [NodeObject] = []
    for piece in pieces(of: list, length: 16_384) { nodes += try decoder.feed(Array(piece)) }
    #expect(nodes == (try FoundationNodeList.decode(list)))
    #expect(try decoder.finish() == NodeListEnd(resourceVersion: "9", continueToken: "next", remaining: 7))
    #expect(nodes.count == 40 && decoder.skipped == 0 && decoder.dropped == 0)
  }

  @Test("a generated Node is what it was generated from, and about 12 KB long")
  func generatedNode() throws {
    let fixture = NodeFixture(index: 1, resourceVersion: 5)
    let event = Array(NodeListJSON.event("MODIFIED", fixture.objectJSON).utf8)
    var decoder = NodeWatchDecoder()
    let node = NodeObject(
      name: fixture.name, uid: fixture.uid, resourceVersion: "5",
      createdAt: Timestamp(rfc3339: "2026-03-01T08:12:44Z"),
      annotations: Dictionary(uniqueKeysWithValues: fixture.annotations), isControlPlane: true,
      hostname: fixture.name, addresses: [fixture.address], osImage: NodeFixture.osImage,
      machineID: fixture.machineID, health: .ready)
    #expect(try decoder.feed(event) == [.modified(node)])
    #expect((11_000...13_500).contains(event.count), "\(event.count) bytes")
  }

  @Test("shuffled and nested JSON with every kind of string gives what JSONDecoder finds, in any pieces")
  func randomListsEqualJSONDecoder() throws {
    for seed in 0..<60 as Range<UInt64> {
      var generator = RandomNodes(seed: seed)
      let list = generator.list()
      let prefixes = [
        [], ["networking.talos.dev/self", "o"], ["a", "node-role.kubernetes.io/"], ["cluster"],
      ]
      for prefixes in prefixes {
        let expected = try FoundationNodeList.decode(list, prefixes: prefixes)
        var decoder = NodeListDecoder(prefixes: LabelPrefixes(prefixes))
        var nodes: [NodeObject] = []
        for piece in generator.cut(list) { nodes += try decoder.feed(Array(piece)) }
        _ = try decoder.finish()
        #expect(nodes == expected, "seed \(seed)")
      }
    }
  }

  @Test("bytes that are changed, left out or doubled never trap, and give the same in any pieces")
  func damage() {
    for seed in 0..<400 as Range<UInt64> {
      var generator = RandomNodes(seed: seed)
      var bytes = generator.list()
      for _ in 0..<Int.random(in: 1...4, using: &generator.random) {
        let place = Int.random(in: 0..<bytes.count, using: &generator.random)
        switch Int.random(in: 0..<4, using: &generator.random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator.random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(bytes[bytes.count - 1 - place], at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { break }
      }
      let cut = generator.cut(bytes)
      #expect(Outcome.list(cut) == Outcome.list([bytes[...]]), "seed \(seed)")
      #expect(Outcome.watch(cut) == Outcome.watch([bytes[...]]), "seed \(seed)")
    }
  }

  @Test("garbage is an error that has a place within it")
  func garbage() {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let bytes = (0..<Int.random(in: 1...64, using: &random)).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      guard bytes.contains(where: { $0 > 0x20 }) else { continue }
      var decoder = NodeWatchDecoder()
      let error = #expect(throws: NodeDecodeError.self, "seed \(seed)") {
        _ = try decoder.feed(bytes)
        try decoder.finish()
      }
      #expect(error.map { (0...bytes.count).contains($0.offset) } == true, "seed \(seed)")
    }
  }
}
