package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file's whole content, of a size that was bounded, and what the system knows of it.
///
/// Reading blocks for as long as the file system likes: keep it off event loops and off the threads that tasks
/// share where the file may lie on a server.
package struct BoundedFile: Sendable {
  /// The file as the caller named it.
  package let path: String
  package let bytes: [UInt8]
  /// What tells this content from a later one.
  package let signature: FileSignature
  /// Who had it open for writing when it had been read; unknown where nobody asked, and for a pipe.
  package let writers: FileWriters
  /// Permission bits alone.
  package let permissions: FilePermissions

  /// What a path may lead to.
  package enum Kind: Sendable {
    /// A regular file, links followed. Pipes, devices, sockets and folders are refused without being opened.
    case regular
    /// A regular file, or a pipe, as a shell's `<(…)` makes them. A pipe is read until its last writer closes
    /// it, which may be never; one that nobody writes to is empty.
    case regularOrPipe
  }

  /// The file at `path`.
  ///
  /// A regular file that is written to while it is read is read again, and refused when it doesn't hold still:
  /// half of a file must not pass for the whole.
  ///
  /// - Parameters:
  ///   - limit: the most bytes that it may have; of a file that has more, no more than that is read.
  ///   - asksForWriters: whether ``writers`` is found out: where it is `none`, the file is whole.
  package static func read(
    _ path: String, limit: Int, kind: Kind = .regular, asksForWriters: Bool = false
  ) throws(FileError) -> BoundedFile {
    try read(path, limit: limit, kind: kind, asksForWriters: asksForWriters, onceRead: {})
  }

  /// - Parameter onceRead: called each time that the content was read, before it is looked whether the file held
  ///   still: for tests.
  static func read(
    _ path: String, limit: Int, kind: Kind, asksForWriters: Bool = false, onceRead: () -> Void
  ) throws(FileError) -> BoundedFile {
    // Looked at before it is opened: the mere opening of some devices does something.
    try check(try status(path) { () throws(Errno) in try Stat(FilePath(path)) }, path, limit, kind)
    let file = try open(path)
    defer { try? file.close() }
    for _ in 0..<3 {
      let before = try status(path) { () throws(Errno) in try Stat(file) }
      try check(before, path, limit, kind)
      let isRegular = before.type == .regular
      if !isRegular { blockWhileReading(file) }
      let bytes = try content(of: file, path, limit: limit, sizeHint: isRegular ? Int(before.size) : 0)
      onceRead()
      // Asked before it is looked whether the file held still: what nobody can write to any more has all of it.
      let writers: FileWriters = asksForWriters && isRegular ? .of(file.rawValue) : .unknown
      let signature = FileSignature(try status(path) { () throws(Errno) in try Stat(file) }.rawValue)
      if !isRegular || signature == FileSignature(before.rawValue) {
        return BoundedFile(
          path: path, bytes: bytes, signature: signature, writers: writers, permissions: before.permissions)
      }
      lseek(file.rawValue, 0, SEEK_SET)
    }
    throw FileError(.read, path, .changing)
  }

  /// The content as text.
  package func text() throws(FileError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(.read, path, .notUTF8) }
    return text
  }

  /// The text of the file at `path`, which may have at most `limit` bytes.
  package static func text(_ path: String, limit: Int) throws(FileError) -> String {
    try read(path, limit: limit).text()
  }

  /// Checks that nobody but the file's owner may do anything with it, as secrets need it.
  package func checkOwnerOnly() throws(FileError) {
    guard permissions.isDisjoint(with: [.groupReadWriteExecute, .otherReadWriteExecute]) else {
      throw FileError(.read, path, .readableByOthers(mode: UInt32(permissions.rawValue)))
    }
  }

  // MARK: Steps

  private static func check(
    _ status: Stat, _ path: String, _ limit: Int, _ kind: Kind
  ) throws(FileError) {
    switch status.type {
    case .regular:
      guard status.size <= limit else {
        throw FileError(.read, path, .tooLarge(limit: limit, size: status.size))
      }
    case .fifo where kind == .regularOrPipe: break
    case let type: throw FileError(.read, path, .notAFile(kind: name(of: type)))
    }
  }

  private static func name(of type: FileType) -> String {
    switch type {
    case .directory: "a folder"
    case .fifo: "a pipe"
    case .socket: "a socket"
    case .characterSpecial, .blockSpecial: "a device"
    default: "something else"
    }
  }

  private static func open(_ path: String) throws(FileError) -> FileDescriptor {
    // Should it have become a pipe or a terminal since it was looked at: not to wait for its other end, and not
    // to be ruled by it.
    let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking, .init(rawValue: O_NOCTTY)]
    do {
      return try FileDescriptor.open(FilePath(path), .readOnly, options: options)
    } catch {
      throw FileError(.read, path, error as? Errno ?? .ioError)
    }
  }

  private static func status(
    _ path: String, _ look: () throws(Errno) -> Stat
  ) throws(FileError) -> Stat {
    do throws(Errno) { return try look() } catch { throw FileError(.read, path, error) }
  }

  private static func blockWhileReading(_ file: FileDescriptor) {
    let flags = fcntl(file.rawValue, F_GETFL)
    if flags >= 0 { _ = fcntl(file.rawValue, F_SETFL, flags & ~O_NONBLOCK) }
  }

  private static func content(
    of file: FileDescriptor, _ path: String, limit: Int, sizeHint: Int
  ) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(sizeHint)
    var buffer = [UInt8](repeating: 0, count: min(max(sizeHint, 4095) + 1, 1 << 20))
    while bytes.count <= limit {
      let count: Int
      do {
        count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
      } catch {
        throw FileError(.read, path, error as? Errno ?? .ioError)
      }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
    throw FileError(.read, path, .tooLarge(limit: limit, size: nil))
  }
}
