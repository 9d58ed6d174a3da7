import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite("Who has a file open for writing")
struct FileWritersTests {
  @Test("a writer is seen until it closes the file; readers don't count")
  func writer() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", to: "a")
    #expect(FileWriters.of(path) == .none)
    let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    #expect(FileWriters.of(path) == .none)
    let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    for _ in 0..<2 { #expect(FileWriters.of(path) == .some) }
    try writer.close()
    #expect(FileWriters.of(path) == .none)
    try reader.close()
  }

  @Test("of what is no file, or isn't there, it isn't known")
  func unknown() throws {
    let folder = try TemporaryFolder()
    #expect(FileWriters.of(folder.path("missing")) == .unknown)
    #expect(FileWriters.of(folder.path) == .unknown)
  }

  @Test("a file is never kept from its writers for longer than a moment")
  func contention() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("", to: "a")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for _ in 0..<2000 { _ = FileWriters.of(path) } }
      group.addTask {
        for _ in 0..<500 {
          let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
          try writer.close()
        }
      }
      try await group.waitForAll()
    }
    #expect(FileWriters.of(path) == .none)
  }
}
