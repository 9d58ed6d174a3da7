import ClusterModel
import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite("Reading a file of a bounded size")
struct BoundedFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func failure(_ path: String, limit: Int = 100, _ kind: BoundedFile.Kind = .regular) -> String? {
    do throws(FileError) {
      _ = try BoundedFile.read(path, limit: limit, kind: kind)
      return nil
    } catch {
      #expect(error.path == path)
      return error.explanation
    }
  }

  @Test("a file's bytes, text, mode and signature are read, also through a link")
  func reading() throws {
    let path = try folder.write("grüße\r\n", to: "a")
    try #require(chmod(path, 0o640) == 0)
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: path)
    for path in [path, folder.path("link")] {
      let file = try BoundedFile.read(path, limit: 9)
      #expect(file.bytes == Array("grüße\r\n".utf8))
      #expect(try file.text() == "grüße\r\n")
      #expect(file.permissions.rawValue == 0o640)
      #expect(file.signature == (try FileSignature(path)))
    }
    #expect(try BoundedFile.read(try folder.write("", to: "empty"), limit: 0).bytes == [])
    // More than one piece.
    let long = String(repeating: "0123456789", count: 300_000)
    #expect(try BoundedFile.text(try folder.write(long, to: "long"), limit: 3_000_000) == long)
  }

  @Test("a file that is larger than the limit isn't read; one as large is")
  func limit() throws {
    let path = try folder.write("0123456789", to: "a")
    #expect(failure(path, limit: 10) == nil)
    #expect(failure(path, limit: 9) == "it has 10 bytes, more than the 9 that are read")
    // The kernel's files have no size before they are read.
    #expect(failure("/proc/self/status", limit: 9) == "it has more than 9 bytes")
  }

  @Test("what is no regular file is refused at once and by name")
  func kinds() throws {
    try #require(mkfifo(folder.path("pipe"), 0o600) == 0)
    #expect(failure(folder.path("pipe")) == "it is a pipe, not a file")
    #expect(failure(folder.path) == "it is a folder, not a file")
    #expect(failure("/dev/null") == "it is a device, not a file")
    #expect(failure("/dev/null", .regularOrPipe) == "it is a device, not a file")
    let socket = try SocketFile(folder.path("socket"))
    #expect(failure(folder.path("socket")) == "it is a socket, not a file")
    _ = socket
  }

  @Test("what isn't there or may not be read is told in words, with its path")
  func missing() throws {
    #expect(failure(folder.path("none")) == "there is no such file")
    let file = try folder.write("", to: "file")
    #expect(failure("\(file)/below") == "Not a directory")
    #expect(failure("") == "there is no such file")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("loop"), withDestinationPath: folder.path("loop"))
    #expect(failure(folder.path("loop")) == "Too many levels of symbolic links")
    let error = #expect(throws: FileError.self) { try BoundedFile.read("/nowhere/x", limit: 1) }
    #expect(error?.description == "'/nowhere/x' can't be read: there is no such file")
    #expect(error?.isMissing == true)
    #expect(FileError(.read, "x", .system(EACCES)).explanation == "it may not be read by this user")
    #expect(
      FileError(.written, "x", .system(EACCES)).description == "'x' can't be written: Permission denied")
  }

  @Test("a pipe is read to its end where that is asked for, and one without a writer is empty")
  func pipes() throws {
    let path = folder.path("pipe")
    try #require(mkfifo(path, 0o600) == 0)
    #expect(try BoundedFile.read(path, limit: 10, kind: .regularOrPipe).bytes == [])

    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    try #require(write(ends[1], "abc", 3) == 3)
    let writingEnd = ends[1]
    let writer = Thread {
      // The reader may or may not wait by now.
      _ = write(writingEnd, "def", 3)
      close(writingEnd)
    }
    writer.start()
    let file = try BoundedFile.read("/dev/fd/\(ends[0])", limit: 6, kind: .regularOrPipe)
    #expect(try file.text() == "abcdef")
  }

  @Test("a file that grows while it is read is read again, and refused if it never holds still")
  func growing() throws {
    let path = try folder.write("a", to: "a")
    func grow() {
      let file = open(path, O_WRONLY | O_APPEND)
      _ = write(file, "b", 1)
      close(file)
    }
    var growth = 2
    let file = try BoundedFile.read(path, limit: 100, kind: .regular) {
      if growth > 0 { grow() }
      growth -= 1
    }
    #expect(try file.text() == "abb")

    let error = #expect(throws: FileError.self) {
      try BoundedFile.read(path, limit: 100, kind: .regular, onceRead: grow)
    }
    #expect(error?.reason == .changing)
    // Grown beyond the limit meanwhile.
    #expect(throws: FileError(.read, path, .tooLarge(limit: 6, size: 7))) {
      try BoundedFile.read(path, limit: 6, kind: .regular, onceRead: grow)
    }
  }

  @Test("text that isn't UTF-8 is refused, not mended")
  func notText() throws {
    try Data([0x61, 0xFF]).write(to: folder.url.appendingPathComponent("a"))
    let error = #expect(throws: FileError.self) { try BoundedFile.text(folder.path("a"), limit: 9) }
    #expect(error?.description == "'\(folder.path("a"))' can't be read: it isn't UTF-8 text")
  }

  @Test(
    "whether others may read a file is told with its mode",
    arguments: [(0o600, nil), (0o400, nil), (0o640, "640"), (0o604, "604"), (0o601, "601"), (0o644, "644")])
  func ownerOnly(mode: mode_t, shown: String?) throws {
    let path = try folder.write("secret", to: "a")
    try #require(chmod(path, mode) == 0)
    let file = try BoundedFile.read(path, limit: 9)
    do throws(FileError) {
      try file.checkOwnerOnly()
      #expect(shown == nil)
    } catch {
      #expect(error.explanation == "others may read it (mode \(shown ?? "")); set its mode to 600")
    }
  }

  @Test("a signature changes with the content, the size, the file and its mode, and tells how recent it is")
  func signatures() throws {
    let path = try folder.write("abc", to: "a")
    let first = try FileSignature(path)
    #expect(try FileSignature(path) == first)
    let now = Timestamp.now()
    #expect(abs(first.modificationTime.milliseconds - now.milliseconds) < 60_000)
    #expect(first.isRecent(at: first.modificationTime))
    #expect(!first.isRecent(at: Timestamp(milliseconds: now.milliseconds + 60_000)))
    try folder.write("abcd", to: "a")
    #expect(try FileSignature(path) != first)
    try folder.replace("a", with: "abc")
    #expect(try FileSignature(path) != first)
    #expect(throws: FileError(.read, folder.path("none"), .system(ENOENT))) {
      try FileSignature(folder.path("none"))
    }
  }
}

/// A socket with a name.
private final class SocketFile {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)
  }

  deinit { close(descriptor) }
}
