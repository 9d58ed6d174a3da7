import ClusterModel
import Foundation
import Inventories
import RegistryKit
import Testing

@testable import StaticFileRegistry

@Suite struct ScannerTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func scan(
    _ name: String, maximumBytes: Int = InventoryLimits.bytes, known: [String: FileMark] = [:]
  ) throws -> Scan {
    Scanner(
      paths: [try PathPattern(name)], base: folder.path, watch: FolderWatch(failure: "none"),
      maximumBytes: maximumBytes, now: { Timestamp(milliseconds: .max / 2) }
    ).scan(known: known)
  }

  private func error(_ scan: Scan) -> RegistryError? {
    if case .unreadable(let error) = scan.files.first?.outcome { error } else { nil }
  }

  @Test("a file that is too large isn't read, and the error has its size")
  func tooLarge() throws {
    try folder.write("0123456789", to: "nodes.yaml")
    let error = error(try scan("nodes.yaml", maximumBytes: 9))
    #expect(error?.code == .limitExceeded)
    #expect(error?.message == "'nodes.yaml' can't be read: it has 10 bytes, more than the 9 that are read")
  }

  @Test("a pipe is refused at once, not waited for")
  func pipe() throws {
    try #require(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    #expect(error(try scan("pipe"))?.message == "'pipe' can't be read: it is a pipe, not a file")
  }

  @Test("a file that holds what it held is unchanged, untouched or written anew")
  func unchanged() throws {
    try folder.write("nodeId: x", to: "nodes.yaml")
    guard case .read(_, let mark) = try scan("nodes.yaml").files.first?.outcome else {
      Issue.record("not read")
      return
    }
    for _ in 0..<2 {
      guard case .unchanged = try scan("nodes.yaml", known: ["nodes.yaml": mark]).files.first?.outcome else {
        Issue.record("changed")
        return
      }
      try folder.replace("nodes.yaml", with: "nodeId: x")
    }
  }
}
