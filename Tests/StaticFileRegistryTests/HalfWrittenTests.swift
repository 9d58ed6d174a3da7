import ClusterModel
import Foundation
import RegistryTestSupport
import Synchronization
import Testing

@testable import StaticFileRegistry

/// Files that are emptied, half written or taken away: what they said stays.
@Suite struct HalfWrittenTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private static let before = "nodes:\n- nodeId: a\n  addresses:\n  - 10.0.0.12\n"

  /// A time at which every file was changed just now.
  @Sendable private static func atOnce() -> Timestamp { Timestamp(milliseconds: 0) }

  /// A writer that has the file open.
  private func open(_ name: String) throws -> FileHandle {
    let path = "\(folder.path)/\(name)"
    if !FileManager.default.fileExists(atPath: path) { try folder.write("", to: name) }
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  @Test("a file that is emptied keeps its nodes and is reported, until it has some again or says none")
  func emptied() async throws {
    let folder = folder
    try folder.write(Self.before, to: "nodes.yaml")
    try await run(folder.registry("nodes.yaml")) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.write("", to: "nodes.yaml")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == ["a"])
      #expect(
        record.error(.content)?.message
          == "'nodes.yaml' lists no nodes, not even none; what it listed before (1 node) stays. Write "
          + "`nodes: []` if there are none")
      try folder.write("nodes: []\n", to: "nodes.yaml")
      try await recorder.wait(for: "none") { $0.isHealthy && $0.ids() == [] }
    }
  }

  @Test("a file isn't read while its writer has it open", arguments: [true, false])
  func writer(isNew: Bool) async throws {
    let folder = folder
    if !isNew { try folder.write(Self.before, to: "nodes.yaml") }
    try folder.write(nodes(["b": "0"]), to: "other.yaml")
    try await run(folder.registry("*.yaml") { $0.now = Self.atOnce }) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.ids("other.yaml") == ["b"] }
      let writer = try self.open("nodes.yaml")
      try writer.truncate(atOffset: 0)
      // It is looked at in between, whatever the reason.
      for step in 1...3 {
        writer.write(Data("nodes:\n- nodeId: a\n  addresses:\n  - 10.0.0.1".utf8))
        try folder.replace("other.yaml", with: nodes(["b": "\(step)"]))
        try await recorder.wait(for: "step \(step)") { $0.hostname("b", "other.yaml") == "\(step)" }
        try writer.truncate(atOffset: 0)
      }
      writer.write(Data("nodes:\n- nodeId: a\n  addresses:\n  - 10.0.0.129\n".utf8))
      try writer.close()
      let record = try await recorder.wait(for: "the whole") {
        $0.affiliate("a", "nodes.yaml")?.addresses.map(\.description) == ["10.0.0.129"]
      }
      #expect(!record.updates.contains { "\($0)".contains("10.0.0.1]") || "\($0)".contains("remove") })
      #expect(record.isHealthy)
    }
  }

  @Test("a registry that begins while its file is being written waits for the rest")
  func beginning() async throws {
    let folder = folder
    let writer = try open("nodes.yaml")
    writer.write(Data("nodes:\n- nodeId: a\n  addresses:\n  - 10.0.0.1".utf8))
    let registry = try folder.registry("nodes.yaml") { registry in
      registry.now = Self.atOnce
      let scans = ScanCount()
      registry.beforeScan = {
        // The rest comes when the half has been looked at.
        guard scans.next() == 3 else { return }
        writer.write(Data("2\n".utf8))
        try? writer.close()
      }
    }
    try await run(registry) { recorder in
      let record = try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      #expect(record.affiliate("a")?.addresses.map(\.description) == ["10.0.0.12"])
      #expect(record.updates.count == 1)
    }
  }

  @Test("what is gone, be it with its folder, stays for staleAfter", arguments: ["d/nodes.yaml", "d/*.yaml"])
  func gone(path: String) async throws {
    let folder = folder
    try folder.makeFolder("d")
    try folder.write(Self.before, to: "d/nodes.yaml")
    let staleAfter = Duration.milliseconds(700)
    try await run(folder.registry(path), staleAfter: staleAfter) { recorder in
      try await recorder.wait(for: "the snapshot") { $0.hasNode }
      let start = ContinuousClock.now
      try folder.remove("d")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(
        record.error(.reading)?.message.hasPrefix("'d/nodes.yaml' is gone; what it listed (1 node) stays")
          == true)
      #expect(record.hasNode)
      try await recorder.wait(for: "the removal") { !$0.hasNode }
      #expect(ContinuousClock.now - start >= staleAfter)
    }
  }
}

extension SessionRecord {
  fileprivate var hasNode: Bool { contents.values.contains { !$0.isEmpty } }
}

private final class ScanCount: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }
}
