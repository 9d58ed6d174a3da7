import Dispatch
import Platform
import RegistryKit
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A thread that does one job after the other, for calls that may block or never return.
///
/// A task would take one of the few threads that all tasks share. A thread whose job never returns is
/// left as it is; it keeps alive what the job uses.
final class ControlThread: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isEnding = false
  }

  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)

  /// - Parameter name: shown by the system's tools; its first 15 bytes count.
  init(name: String) throws(RegistryError) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<ControlThread>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, context.toOpaque())
    guard result == 0 else {
      context.release()
      throw RegistryError(.unavailable, "can't make a thread: \(errnoText(result))")
    }
    pthread_detach(thread)
    enqueue { Self.setName(name) }
  }

  /// Does `job` after those that were given before.
  func enqueue(_ job: @escaping @Sendable () -> Void) {
    state.withLock { $0.jobs.append(job) }
    wake.signal()
  }

  /// Ends the thread after the jobs that were given before.
  func end() {
    state.withLock { $0.isEnding = true }
    wake.signal()
  }

  /// Does `job` and returns its result, or nil where it didn't end in time: the thread is then lost in it.
  func perform<Result: Sendable>(
    within limit: Duration, clock: any Clock<Duration>, _ job: @escaping @Sendable () -> Result
  ) async -> Result? {
    let outcome = OneShot<Result?>()
    enqueue { outcome.fulfil(job()) }
    // Unstructured, as a child would end at once where this task has been cancelled, and so end the wait.
    let timer = Task {
      do {
        try await clock.sleep(for: limit)
        outcome.fulfil(nil)
      } catch {}
    }
    defer { timer.cancel() }
    return await outcome.value
  }

  /// Names the thread that calls it.
  private static func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
  }

  private func work() {
    while true {
      wake.wait()
      let (job, isLast) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isEnding)
      }
      if let job { job() } else if isLast { return }
    }
  }
}
