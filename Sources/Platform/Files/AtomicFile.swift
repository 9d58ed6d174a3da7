package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes files so that at any moment, also of a crash, a path holds the old content or the new one.
///
/// The content goes to a new file in the same folder, whose name nobody can know before, and is on the disk
/// before the file gets its own name. Where the path is a link, the link is replaced, not what it leads to.
/// What a crash leaves behind begins with a dot and ends in `.tmp`; see ``removeLeftovers(of:)``. Blocks.
package enum AtomicFile {
  /// Appends bytes to the file that is being written.
  package typealias Append = (UnsafeRawBufferPointer) throws(FileError) -> Void

  /// Who owns a file, and who may do what with it.
  package struct Access: Hashable, Sendable {
    package let user: UInt32
    package let group: UInt32
    package let mode: FilePermissions
  }

  /// Whose file is at `path`, links followed.
  package static func access(of path: String) throws(FileError) -> Access {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(.read, path, .system(errno)) }
    return Access(
      user: status.st_uid, group: status.st_gid, mode: FilePermissions(rawValue: status.st_mode & 0o7777))
  }

  /// Writes `bytes` to the file at `path`, in place of what is there.
  ///
  /// - Parameters:
  ///   - mode: the file's permissions, whatever the process's mask.
  ///   - owner: whose it is to be; nil: this process's user's.
  package static func replace(
    _ path: String, with bytes: some Collection<UInt8>, mode: FilePermissions = .ownerReadWrite,
    owner: Access? = nil
  ) throws(FileError) {
    try write(
      path, mode, randomName, { (append) throws(FileError) in try appendAll(bytes, append) },
      { (draft) throws(FileError) in
        guard rename(draft, path) == 0 else { throw FileError(.written, path, .system(errno)) }
      }, owner: owner)
  }

  /// Writes what `produce` appends, piece by piece, to the file at `path`, in place of what is there.
  package static func replace(
    _ path: String, mode: FilePermissions = .ownerReadWrite, _ produce: (Append) throws(FileError) -> Void
  ) throws(FileError) {
    try write(path, mode, randomName, produce) { (draft) throws(FileError) in
      guard rename(draft, path) == 0 else { throw FileError(.written, path, .system(errno)) }
    }
  }

  /// Writes `bytes` to a new file at `path`; false, with nothing changed, where there is something already.
  package static func create(
    _ path: String, with bytes: some Collection<UInt8>, mode: FilePermissions = .ownerReadWrite
  ) throws(FileError) -> Bool {
    var isNew = true
    try write(path, mode, randomName, { (append) throws(FileError) in try appendAll(bytes, append) }) {
      (draft) throws(FileError) in
      guard link(draft, path) != 0 else {
        unlink(draft)
        return
      }
      let code = errno
      guard code == EEXIST else { throw FileError(.made, path, .system(code)) }
      unlink(draft)
      isNew = false
    }
    return isNew
  }

  /// Gives the file at `path` another name in the same folder, in place of what has that name.
  package static func move(_ path: String, to other: String) throws(FileError) {
    guard rename(path, other) == 0 else { throw FileError(.moved, path, .system(errno)) }
    sync(folder: FilePaths.folder(of: path))
  }

  /// Removes what writes to `path` left behind that a crash ended. For who alone writes to it, at its start.
  package static func removeLeftovers(of path: String) {
    let folder = FilePaths.folder(of: path)
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    let start = draftPrefix(of: path)
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(start), name.hasSuffix(draftSuffix),
        name.utf8.count == start.utf8.count + 16 + draftSuffix.utf8.count
      {
        unlink(FilePaths.resolve(name, base: folder))
      }
    }
  }

  // MARK: Steps

  private static let draftSuffix = ".tmp"

  private static func draftPrefix(of path: String) -> String {
    // Cut, as a name has at most 255 bytes.
    let name = path.utf8.suffix(
      from: path.utf8.lastIndex(of: UInt8(ascii: "/")).map(path.utf8.index(after:)) ?? path.startIndex)
    return ".\(String(decoding: name.prefix(200), as: UTF8.self))."
  }

  /// 16 characters that nobody knows before.
  static func randomName() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// - Parameters:
  ///   - name: a part of the name of the file that is written to at first.
  ///   - finish: gives that file its own name.
  ///   - owner: whose it is to be; nil: this process's user's.
  static func write(
    _ path: String, _ mode: FilePermissions, _ name: () -> String,
    _ produce: (Append) throws(FileError) -> Void, _ finish: (_ draft: String) throws(FileError) -> Void,
    owner: Access? = nil
  ) throws(FileError) {
    let folder = FilePaths.folder(of: path)
    let (draft, file) = try openDraft(path, folder: folder, name)
    do throws(FileError) {
      do throws(FileError) {
        try produce { (bytes) throws(FileError) in try writeAll(bytes, to: file, path) }
        // Whose it is already needs no right to give it away.
        if let owner, owner.user != geteuid() || owner.group != getegid(),
          fchown(file.rawValue, owner.user, owner.group) != 0
        {
          throw FileError(.written, path, .system(errno))
        }
        // Only now: nobody else may read half of it.
        guard fchmod(file.rawValue, mode.rawValue) == 0, fsync(file.rawValue) == 0 else {
          throw FileError(.written, path, .system(errno))
        }
      } catch {
        try? file.close()
        throw error
      }
      guard (try? file.close()) != nil else { throw FileError(.written, path, .ioError) }
      try finish(draft)
    } catch {
      unlink(draft)
      throw error
    }
    sync(folder: folder)
  }

  private static func openDraft(
    _ path: String, folder: String, _ name: () -> String
  ) throws(FileError) -> (path: String, file: FileDescriptor) {
    var attempts = 0
    while true {
      let draft = FilePaths.resolve(draftPrefix(of: path) + name() + draftSuffix, base: folder)
      do {
        // What is there already, a link too, isn't touched.
        let file = try FileDescriptor.open(
          FilePath(draft), .writeOnly, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
          permissions: .ownerReadWrite)
        return (draft, file)
      } catch {
        attempts += 1
        let errno = error as? Errno ?? .ioError
        if errno == .fileExists, attempts < 8 { continue }
        throw FileError(.written, path, errno)
      }
    }
  }

  private static func appendAll(
    _ bytes: some Collection<UInt8>, _ append: Append
  ) throws(FileError) {
    let result = Array(bytes).withUnsafeBytes { buffer in
      Result { () throws(FileError) in try append(buffer) }
    }
    try result.get()
  }

  private static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to file: FileDescriptor, _ path: String
  ) throws(FileError) {
    do {
      try file.writeAll(bytes)
    } catch {
      throw FileError(.written, path, error as? Errno ?? .ioError)
    }
  }

  /// The new name itself has to reach the disk too; where a file system can't do that, nothing is lost but that.
  private static func sync(folder: String) {
    guard
      let file = try? FileDescriptor.open(FilePath(folder), .readOnly, options: [.directory, .closeOnExec])
    else { return }
    fsync(file.rawValue)
    try? file.close()
  }
}
