import Foundation
import KubernetesRegistry
import NodeFixtures

/// How fast a list is read, as pages of 500 Nodes that arrive in pieces of 16 KiB.
enum DecodeBenchmark {
  static let readers = ["NodeListDecoder", "JSONDecoder"]

  /// Runs each reader in a process of its own, so that one's memory isn't the other's.
  static func compare(nodeCount: Int) throws {
    for reader in readers {
      try Helper(["decode-alone", reader, String(nodeCount)], keepsOutput: false)
        .process.waitUntilExit()
    }
  }

  static func run(_ reader: String, nodeCount: Int) {
    let pages = stride(from: 0, to: nodeCount, by: 500).map { start in
      let items = (start..<min(start + 500, nodeCount)).map {
        NodeFixture(index: $0, resourceVersion: $0).json
      }
      return Array(NodeListJSON.list(items, resourceVersion: nodeCount).utf8)
    }
    let size = Double(pages.reduce(0) { $0 + $1.count }) / 1e6
    if let page = pages.first, streamed(page) != foundation(page) { print("the readers differ") }
    Usage.forgetPeak()
    let before = Usage.now
    var nodes: [NodeObject] = []
    for _ in 0..<repetitions {
      nodes = []
      for page in pages { nodes += reader == "JSONDecoder" ? foundation(page) : streamed(page) }
    }
    let after = Usage.now
    let wall = (after.wall - before.wall) / Double(repetitions)
    let cpu = (after.cpu - before.cpu) / Double(repetitions)
    print(
      "\(reader): \(nodes.count) Nodes, \(text(size)) MB, \(text(wall * 1000)) ms, CPU \(text(cpu * 1000)) ms, "
        + "\(text(size / cpu)) MB/s of CPU, peak RSS +\(text(after.peak - before.peak)) MB")
  }

  private static let repetitions = 3

  private static func streamed(_ page: [UInt8]) -> [NodeObject] {
    var decoder = NodeListDecoder()
    var nodes: [NodeObject] = []
    do {
      try page.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: 16_384) {
          nodes += try decoder.feed(
            UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 16_384, bytes.count)]))
        }
      }
      _ = try decoder.finish()
    } catch {
      print("\(error)")
    }
    return nodes
  }

  private static func foundation(_ page: [UInt8]) -> [NodeObject] {
    do {
      return try FoundationNodeList.decode(page)
    } catch {
      print("\(error)")
      return []
    }
  }
}
