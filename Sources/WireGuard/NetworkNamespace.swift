import Glibc

/// Which network namespace somebody is in.
struct NetworkNamespace: Hashable, Sendable {
  private let device: UInt64
  private let file: UInt64

  /// That of this thread; nil where /proc can't be read.
  static var current: NetworkNamespace? { NetworkNamespace(path: "/proc/thread-self/ns/net") }

  /// That of another process; nil where it is gone, or of another user.
  init?(processID: Int32) { self.init(path: "/proc/\(processID)/ns/net") }

  private init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, file) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}
