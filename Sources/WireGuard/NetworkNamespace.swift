import Glibc

/// Which network namespace somebody is in.
struct NetworkNamespace: Hashable, Sendable {
  /// A process has ended, or is about to, and so is in no namespace any more.
  struct ProcessGone: Error {}

  private let device: UInt64
  private let file: UInt64

  /// That of this thread; nil where /proc can't be read.
  static var current: NetworkNamespace? { try? NetworkNamespace(path: "/proc/thread-self/ns/net") }

  /// That of another process; nil where this one may not know it.
  init?(processID: Int32) throws(ProcessGone) { try self.init(path: "/proc/\(processID)/ns/net") }

  private init?(path: String) throws(ProcessGone) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ESRCH { throw ProcessGone() }
      return nil
    }
    (device, file) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}
