#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whether somebody has a file open to write to it: then its content may be half of what it is to be.
package enum FileWriters: Hashable, Sendable {
  /// Nobody has it open for writing: what it holds is whole.
  case none
  /// Somebody has it open for writing.
  case some
  /// The system doesn't say: the file is another user's, or its file system knows no leases.
  case unknown

  /// Who has the regular file open that `file` is open for reading.
  package static func of(_ file: Int32) -> FileWriters {
    // A read lease is only given where nobody has the file open for writing (fcntl(2)). Who opens it in the moment
    // until the lease is returned waits for that, and the kernel tells the holder by a signal: by one that is
    // ignored unless asked for, in place of SIGIO, which ends a process.
    guard fcntl(file, setSignal, SIGURG) == 0 else { return .unknown }
    guard fcntl(file, setLease, Int32(F_RDLCK)) == 0 else {
      return errno == EAGAIN ? .some : .unknown
    }
    _ = fcntl(file, setLease, Int32(F_UNLCK))
    return .none
  }

  /// `F_SETLEASE` and `F_SETSIG` of Linux, which `fcntl.h` shows to GNU sources alone.
  private static let setLease: Int32 = 1024
  private static let setSignal: Int32 = 10
}
