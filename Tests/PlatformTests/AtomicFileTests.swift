import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite("Writing a file in one step")
struct AtomicFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.path(name), encoding: .utf8)
  }

  private func mode(_ name: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: folder.path(name))[.posixPermissions] as? NSNumber)?
      .intValue
  }

  @Test("a file is written, replaced, for its owner alone unless something else is asked for")
  func replacing() throws {
    let path = folder.path("state")
    try AtomicFile.replace(path, with: "one".utf8)
    #expect(try text("state") == "one")
    #expect(try mode("state") == 0o600)
    try AtomicFile.replace(path, with: "two".utf8, mode: [.ownerReadWrite, .groupRead, .otherRead])
    #expect(try text("state") == "two")
    #expect(try mode("state") == 0o644)
    try AtomicFile.replace(path, with: [])
    #expect(try text("state") == "")
    #expect(folder.names == ["state"])
  }

  @Test("a large file may be written piece by piece")
  func pieces() throws {
    try AtomicFile.replace(folder.path("state")) { (append) throws(FileError) in
      for number in 0..<1000 {
        let line = Array("\(number)\n".utf8)
        let result = line.withUnsafeBytes { bytes in Result { () throws(FileError) in try append(bytes) } }
        try result.get()
      }
    }
    #expect(try text("state") == (0..<1000).map { "\($0)\n" }.joined())
  }

  @Test("what fails half way leaves the old content and nothing else")
  func failing() throws {
    try folder.write("old", to: "state")
    let path = folder.path("state")
    let failure = FileError(.written, "elsewhere", .changing)
    #expect(throws: failure) {
      try AtomicFile.replace(path) { (append) throws(FileError) in
        try append(UnsafeRawBufferPointer(start: nil, count: 0))
        throw failure
      }
    }
    #expect(try text("state") == "old")
    #expect(folder.names == ["state"])
  }

  @Test("a path that can't be written to is told, and nothing is left behind")
  func noPlace() throws {
    try folder.write("", to: "sub/file")
    #expect(throws: FileError(.written, folder.path("none/state"), .system(ENOENT))) {
      try AtomicFile.replace(folder.path("none/state"), with: "x".utf8)
    }
    #expect(throws: FileError(.written, folder.path("sub/file/state"), .system(ENOTDIR))) {
      try AtomicFile.replace(folder.path("sub/file/state"), with: "x".utf8)
    }
    // A folder is never replaced.
    #expect(throws: FileError(.written, folder.path("sub"), .system(EISDIR))) {
      try AtomicFile.replace(folder.path("sub"), with: "x".utf8)
    }
    #expect(folder.names == ["sub"])
  }

  @Test("a link at the path is replaced, and what it leads to stays as it is")
  func linkAtPath() throws {
    try folder.write("other", to: "other")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("state"), withDestinationPath: folder.path("other"))
    try AtomicFile.replace(folder.path("state"), with: "new".utf8)
    #expect(try text("other") == "other")
    #expect(try text("state") == "new")
  }

  @Test("a link that waits at the temporary name isn't followed: another name is taken")
  func linkAtTemporaryName() throws {
    try folder.write("victim", to: "victim")
    let trap = ".state.trap.tmp"
    try FileManager.default.createSymbolicLink(
      atPath: folder.path(trap), withDestinationPath: folder.path("victim"))
    var names = ["trap", "trap", "free"][...]
    try write("new", names: { names.removeFirst() })
    #expect(try text("victim") == "victim")
    #expect(try text("state") == "new")
    #expect(folder.names == [trap, "state", "victim"])

    #expect(throws: FileError(.written, folder.path("state"), .system(EEXIST))) {
      try write("never", names: { "trap" })
    }
    #expect(try text("victim") == "victim")
    #expect(try text("state") == "new")
  }

  private func write(_ text: String, names: () -> String) throws(FileError) {
    let path = folder.path("state")
    try AtomicFile.write(
      path, .ownerReadWrite, names,
      { (append) throws(FileError) in
        let result = Array(text.utf8).withUnsafeBytes { bytes in
          Result { () throws(FileError) in try append(bytes) }
        }
        try result.get()
      }
    ) { (draft) throws(FileError) in
      guard rename(draft, path) == 0 else { throw FileError(.written, path, .system(errno)) }
    }
  }

  @Test("temporary names are never the same and tell nothing")
  func names() {
    let names = (0..<1000).map { _ in AtomicFile.randomName() }
    #expect(Set(names).count == 1000)
    #expect(names.allSatisfy { $0.utf8.count == 16 })
  }

  @Test("a file that must be new is made once, whoever makes it")
  func creating() async throws {
    let path = folder.path("identity")
    let made = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<50 { group.addTask { try AtomicFile.create(path, with: "\(number)\n".utf8) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(made.count { $0 } == 1)
    #expect(try text("identity").hasSuffix("\n"))
    #expect(try mode("identity") == 0o600)
    #expect(folder.names == ["identity"])
    // Whatever is there counts, be it a link to nowhere.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: folder.path("none"))
    #expect(try AtomicFile.create(folder.path("link"), with: "x".utf8) == false)
    #expect(folder.names == ["identity", "link"])
  }

  @Test("what crashes left behind is removed, and nothing else")
  func leftovers() throws {
    let kept = ["state", ".state.tmp", ".state.0123456789abcdef", ".other.0123456789abcdef.tmp", "state.tmp"]
    for name in kept + [".state.0123456789abcdef.tmp", ".state.\(AtomicFile.randomName()).tmp"] {
      try folder.write("", to: name)
    }
    AtomicFile.removeLeftovers(of: folder.path("state"))
    #expect(folder.names == kept.sorted())
    AtomicFile.removeLeftovers(of: folder.path("none/state"))
  }

  @Test("a name as long as a file system takes may be written to")
  func longName() throws {
    let name = String(repeating: "ü", count: 127)
    try AtomicFile.replace(folder.path(name), with: "x".utf8)
    #expect(folder.names == [name])
  }
}

@Suite struct FilePathsTests {
  @Test("a path is resolved against a folder unless it is absolute")
  func resolving() {
    #expect(FilePaths.resolve("a/b", base: "/etc") == "/etc/a/b")
    #expect(FilePaths.resolve("a", base: "/") == "/a")
    #expect(FilePaths.resolve("a", base: "x/") == "x/a")
    #expect(FilePaths.resolve("/a", base: "/etc") == "/a")
    #expect(FilePaths.resolve("a", base: ".") == "a")
    #expect(FilePaths.resolve("a", base: "") == "a")
    #expect(FilePaths.resolve("../a", base: "x") == "x/../a")
  }

  @Test("a path's folder is what stands before its last slash")
  func folders() {
    #expect(FilePaths.folder(of: "/etc/a") == "/etc")
    #expect(FilePaths.folder(of: "/a") == "/")
    #expect(FilePaths.folder(of: "a") == ".")
    #expect(FilePaths.folder(of: "x/y/a") == "x/y")
    #expect(FilePaths.folder(of: "/") == "/")
    #expect(FilePaths.folder(of: "") == ".")
  }

  @Test("a folder is made with those on the way to it, for its owner alone; what is there stays")
  func makingFolders() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a/b/c")
    #expect(!FilePaths.exists(path))
    try FilePaths.makeFolder(path)
    try FilePaths.makeFolder(path)
    try FilePaths.makeFolder(folder.path("a/b/d/"))
    #expect(FilePaths.exists(path) && FilePaths.exists(folder.path("a/b/d")))
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("a"))
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    try folder.write("", to: "file")
    #expect(throws: FileError(.made, folder.path("file"), .system(ENOTDIR))) {
      try FilePaths.makeFolder(folder.path("file"))
    }
    #expect(throws: FileError(.made, folder.path("file/sub"), .system(ENOTDIR))) {
      try FilePaths.makeFolder(folder.path("file/sub"))
    }
  }
}
