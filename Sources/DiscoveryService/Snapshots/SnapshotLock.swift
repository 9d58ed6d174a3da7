import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keeps a second service from the same snapshot file, for as long as it lives.
///
/// A file beside it is locked: the snapshot itself is another file after each write. The system lets go of the lock
/// when the process ends, in whatever way.
final class SnapshotLock: Sendable {
  private let file: Int32

  /// - Throws: ``ServiceConfigurationError`` where somebody else has it, or it can't be had.
  init(snapshot path: String) throws(ServiceConfigurationError) {
    let lock = path + ".lock"
    file = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
    guard file >= 0 else {
      throw ServiceConfigurationError("can't lock the snapshot file by \(lock): \(errnoText(errno))")
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(file)
      throw ServiceConfigurationError(
        code == EWOULDBLOCK
          ? "another service uses the snapshot file \(path); give each its own"
          : "can't lock the snapshot file by \(lock): \(errnoText(code))")
    }
  }

  deinit { close(file) }
}
