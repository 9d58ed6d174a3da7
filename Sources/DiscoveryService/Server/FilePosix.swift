#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that could not be read or written: what was tried, which file, and the system's reason.
struct FileProblem: Error, CustomStringConvertible {
  let description: String
  /// Whether there is no such file.
  let isMissing: Bool

  init(_ action: String, _ path: String, _ code: Int32 = errno) {
    description = "can't \(action) \(path): \(String(cString: strerror(code)))"
    isMissing = code == ENOENT
  }
}

/// The few file operations that the service needs. They block: keep them off event loops.
enum Files {
  /// What changes when a file is replaced or written to.
  struct Signature: Equatable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var seconds: Int64
    var nanoseconds: Int64
  }

  static func signature(_ path: String) throws(FileProblem) -> Signature {
    var info = stat()
    guard stat(path, &info) == 0 else { throw FileProblem("look at", path) }
    return Signature(
      device: UInt64(info.st_dev), inode: UInt64(info.st_ino), size: Int64(info.st_size),
      seconds: Int64(info.st_mtim.tv_sec), nanoseconds: Int64(info.st_mtim.tv_nsec))
  }

  static func read(_ path: String) throws(FileProblem) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileProblem("read", path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let capacity = chunk.count
      let count = chunk.withUnsafeMutableBytes { buffer in
        #if canImport(Glibc)
          Glibc.read(file, buffer.baseAddress, capacity)
        #else
          Musl.read(file, buffer.baseAddress, capacity)
        #endif
      }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileProblem("read", path)
      }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  static func move(_ from: String, to: String) throws(FileProblem) {
    guard rename(from, to) == 0 else { throw FileProblem("move to \(to) the file", from) }
  }

  /// Writes a file so that at any moment, also of a crash, its path holds the old content or the new one.
  ///
  /// - Parameter produce: Called with a function that appends bytes.
  static func replace(
    _ path: String,
    _ produce: ((UnsafeRawBufferPointer) throws(FileProblem) -> Void) throws(FileProblem) -> Void
  ) throws(FileProblem) {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileProblem("write", temporary) }
    do throws(FileProblem) {
      defer { close(file) }
      try produce { (bytes) throws(FileProblem) in
        try writeAll(bytes, to: file, path: temporary)
      }
      guard fsync(file) == 0 else { throw FileProblem("write", temporary) }
    } catch {
      unlink(temporary)
      throw error
    }
    try move(temporary, to: path)
    syncFolder(of: path)
  }

  private static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to file: Int32, path: String
  ) throws(FileProblem) {
    var rest = bytes
    while !rest.isEmpty {
      let count = write(file, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileProblem("write", path)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// The new name itself has to reach the disk too; where a file system can't do that, nothing is lost but that.
  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let file = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = fsync(file)
    close(file)
  }
}
