import Glibc
import Platform
import SystemPackage

/// The file of a listening Unix socket, made with its mode from the beginning, and unlinked at the end.
final class UnixSocketFile: Sendable {
  /// Why there can't be a socket.
  struct Failure: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  /// The socket, which listens.
  let descriptor: Int32
  private let path: String
  private let identity: Identity

  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
    /// When it was made: numbers of files are given again.
    let made: Int64
  }

  /// The most bytes of a path: Linux' sockaddr_un has 108, the last of them a zero.
  static let maximumPathLength = 107

  /// Listens at `path`. Its folder is made where it isn't there, mode 0750. A dead socket that is there is replaced;
  /// one at which somebody answers, or what isn't a socket, is a failure.
  ///
  /// - Parameters:
  ///   - mode: who may connect.
  ///   - group: the id of the group that it belongs to; nil: as the system has it.
  init(_ path: String, mode: mode_t = 0o660, group: gid_t? = nil) throws(Failure) {
    guard !path.isEmpty, path.utf8.count <= Self.maximumPathLength, !path.utf8.contains(0) else {
      throw Failure(
        description:
          "socket '\(path)': its path has \(path.utf8.count) bytes and must have 1 to \(Self.maximumPathLength)"
      )
    }
    let folder = FilePaths.folder(of: path)
    do { try FilePaths.makeFolder(folder, mode: FilePermissions(rawValue: 0o750)) } catch {
      throw Failure(description: "the folder of socket '\(path)': \(error)")
    }
    // Who else starts now waits until this one answers, and doesn't take its socket for a dead one.
    let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else {
      throw Failure(description: "the folder of socket '\(path)': \(errnoText(errno))")
    }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw Failure(description: "the folder of socket '\(path)' can't be locked: \(errnoText(errno))")
      }
    }
    try Self.clear(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(description: "socket '\(path)': \(errnoText(errno))") }
    // The file is made with the mode of its descriptor, less the umask: at no moment may more connect.
    fchmod(descriptor, mode)
    guard Self.with(path, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 512) == 0 else {
      let code = errno
      close(descriptor)
      throw Failure(description: "socket '\(path)' can't be made: \(errnoText(code))")
    }
    if let group { _ = lchown(path, uid_t.max, group) }
    chmod(path, mode)
    guard let identity = Self.identity(of: path) else {
      close(descriptor)
      throw Failure(description: "socket '\(path)' isn't there any more: \(errnoText(errno))")
    }
    self.descriptor = descriptor
    self.path = path
    self.identity = identity
  }

  /// Unlinks the file, unless it is another one's by now. The descriptor is the listener's.
  func remove() {
    if Self.identity(of: path) == identity { unlink(path) }
  }

  /// Removes a socket at `path` at which nobody answers.
  private static func clear(_ path: String) throws(Failure) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw Failure(description: "socket '\(path)': \(errnoText(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw Failure(description: "'\(path)' is there and isn't a socket: it is left alone; name another path")
    }
    let probe = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { throw Failure(description: "socket '\(path)': \(errnoText(errno))") }
    defer { close(probe) }
    let result = with(path) { connect(probe, $0, $1) }
    let code = errno
    // A full backlog is of somebody who lives.
    guard result != 0, code == ECONNREFUSED else {
      if result != 0, code != EAGAIN {
        throw Failure(description: "socket '\(path)' is there and can't be asked: \(errnoText(code))")
      }
      throw Failure(description: "somebody answers at socket '\(path)': another daemon runs")
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw Failure(description: "the dead socket '\(path)' can't be replaced: \(errnoText(errno))")
    }
  }

  private static func identity(of path: String) -> Identity? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return Identity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
      made: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
  }

  private static func with<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
