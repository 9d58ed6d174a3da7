#if canImport(Glibc)
  import Glibc
#endif

/// Lets a thread wait until something has happened once.
///
/// For threads that may block, never for tasks. `@unchecked`: a POSIX semaphore is made for use by several
/// threads; it is freed when nobody holds the gate any more.
package final class Gate: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  package init() {
    semaphore = .allocate(capacity: 1)
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Lets one waiting thread, or the next that comes, go on.
  package func open() { sem_post(semaphore) }

  /// Blocks this thread until the gate is opened.
  package func wait() {
    while sem_wait(semaphore) != 0 {}
  }
  /// Blocks this thread until the gate is opened, for `limit` at the most.
  package func wait(atMost limit: Duration) {
    var end = timespec()
    clock_gettime(CLOCK_REALTIME, &end)
    let nanoseconds = Int64(end.tv_nsec) + limit.components.attoseconds / 1_000_000_000
    end.tv_sec += Int(limit.components.seconds + nanoseconds / 1_000_000_000)
    end.tv_nsec = Int(nanoseconds % 1_000_000_000)
    while sem_timedwait(semaphore, &end) != 0, errno == EINTR {}
  }
}
