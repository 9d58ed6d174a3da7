import Foundation
import KubernetesRegistry
import NodeFixtures

/// How fast a list is read, as pages of 500 Nodes that arrive in pieces of 16 KiB.
enum DecodeBenchmark {
  static let readers = ["NodeListDecoder", "JSONDecoder"]

  /// Runs each reader in a process of its own, so that one's memory isn't the other's.
  @discardableResult
  static func compare(nodeCount: Int) throws -> [DecodeFigures] {
    try readers.map { reader in
      let figures = try Figures.measured(
        DecodeFigures.self, ["decode-alone", reader, String(nodeCount)])
      print(figures.lines)
      return figures
    }
  }

  static func run(_ reader: String, nodeCount: Int) throws {
    let pages = stride(from: 0, to: nodeCount, by: 500).map { start in
      let items = (start..<min(start + 500, nodeCount)).map {
        NodeFixture(index: $0, resourceVersion: $0).json
      }
      return Array(NodeListJSON.list(items, resourceVersion: nodeCount).utf8)
    }
    let size = Double(pages.reduce(0) { $0 + $1.count }) / 1e6
    if let page = pages.first, try streamed(page) != FoundationNodeList.decode(page) { throw Difference() }
    Usage.forgetPeak()
    let before = Usage.now
    var nodes: [NodeObject] = []
    for _ in 0..<repetitions {
      nodes = []
      for page in pages {
        nodes += try reader == "JSONDecoder" ? FoundationNodeList.decode(page) : streamed(page)
      }
    }
    let after = Usage.now
    try Figures.tell(
      DecodeFigures(
        reader: reader, nodes: nodes.count, megabytes: size,
        milliseconds: (after.wall - before.wall) / Double(repetitions) * 1000,
        cpuMilliseconds: (after.cpu - before.cpu) / Double(repetitions) * 1000,
        peak: after.peak - before.peak))
  }

  private struct Difference: Error, CustomStringConvertible {
    let description = "the readers differ"
  }

  private static let repetitions = 3

  private static func streamed(_ page: [UInt8]) throws -> [NodeObject] {
    var decoder = NodeListDecoder()
    var nodes: [NodeObject] = []
    try page.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: 16_384) {
        nodes += try decoder.feed(
          UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 16_384, bytes.count)]))
      }
    }
    _ = try decoder.finish()
    return nodes
  }
}
