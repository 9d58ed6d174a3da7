import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite("Who has a file open for writing")
struct FileWritersTests {
  private func writers(_ path: String, kind: BoundedFile.Kind = .regular) throws -> FileWriters {
    try BoundedFile.read(path, limit: 10, kind: kind, asksForWriters: true).writers
  }

  @Test("a writer is seen until it closes the file; readers don't count")
  func writer() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", to: "a")
    #expect(try writers(path) == .none)
    let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    #expect(try writers(path) == .none)
    let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    for _ in 0..<2 { #expect(try writers(path) == .some) }
    #expect(try BoundedFile.read(path, limit: 10).writers == .unknown)
    try writer.close()
    #expect(try writers(path) == .none)
    try reader.close()
  }

  @Test("a writer that closes the file once it was read is seen, as what it wrote last is")
  func lastMoment() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", to: "a")
    let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try writer.seekToEnd()
    var rounds = 0
    let file = try BoundedFile.read(path, limit: 10, kind: .regular, asksForWriters: true) {
      rounds += 1
      guard rounds == 1 else { return }
      writer.write(Data("b".utf8))
      try? writer.close()
    }
    #expect(file.bytes == Array("ab".utf8))
    #expect(file.writers == .none)
  }

  @Test("a file is never kept from its writers for longer than a moment")
  func contention() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("", to: "a")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for _ in 0..<2000 { _ = try BoundedFile.read(path, limit: 10, asksForWriters: true) } }
      group.addTask {
        for _ in 0..<500 {
          let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
          try writer.close()
        }
      }
      try await group.waitForAll()
    }
    #expect(try writers(path) == .none)
  }
}
