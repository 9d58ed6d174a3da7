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
}
