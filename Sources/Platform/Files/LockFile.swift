import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that one process at a time holds, for as long as this value lives: also a process that is killed lets it
/// go. The file stays, with the process' id in it for whom it is refused.
package final class LockFile: Sendable {
  /// Why the file can't be held.
  package enum Failure: Error, Hashable {
    /// Another process holds it, whose id is that; nil where it doesn't say.
    case held(by: Int32?)
    /// It can't be made or locked.
    case file(FileError)
  }

  private let file: FileDescriptor

  /// Holds the file at `path`, which is made where it isn't there; its folder has to be.
  package init(_ path: String) throws(Failure) {
    do {
      // Read as well: whoever is refused reads who holds it.
      file = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .noFollow, .closeOnExec],
        permissions: .ownerReadWrite)
    } catch {
      throw .file(FileError(.made, path, error as? Errno ?? .ioError))
    }
    while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      let holder = Self.holder(file)
      try? file.close()
      throw code == EWOULDBLOCK ? .held(by: holder) : .file(FileError(.made, path, .system(code)))
    }
    let text = Array("\(getpid())\n".utf8)
    // Who holds it is a help for a person; the lock itself holds without.
    _ = ftruncate(file.rawValue, 0)
    _ = try? file.writeAll(toAbsoluteOffset: 0, text)
  }

  deinit { try? file.close() }

  private static func holder(_ file: FileDescriptor) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = (try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }) ?? 0
    return Int32(String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
