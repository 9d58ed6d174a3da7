import Dispatch
import Synchronization

/// A thread for work that may block, such as a program that prints credentials, or a read of a file on a server
/// that doesn't answer: the threads that tasks share must not wait for it.
package final class BlockingQueue: Sendable {
  private let queue: DispatchQueue

  package init(_ label: String) { queue = DispatchQueue(label: label) }

  /// What `work` gives. Pieces of work are done one after the other.
  ///
  /// - Parameter work: may ask whether anybody still waits for it.
  /// - Throws: `CancellationError` as soon as the task is cancelled. Work that hangs in the system can't be
  ///   ended; it is left behind, and what comes of it is dropped.
  package func run<Value: Sendable>(
    _ work: @escaping @Sendable (_ isCancelled: () -> Bool) -> Value
  ) async throws -> Value {
    let waiter = Waiter<Value>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard waiter.wait(continuation) else { return }
        queue.async {
          guard waiter.isWaiting else { return }
          waiter.resume(with: .success(work { !waiter.isWaiting }))
        }
      }
    } onCancel: {
      waiter.resume(with: .failure(CancellationError()))
    }
  }

  /// Somebody who waits for one result, the first of several.
  private final class Waiter<Value: Sendable>: Sendable {
    private enum State {
      case new
      case waiting(CheckedContinuation<Value, any Error>)
      case done
    }

    private let state = Mutex(State.new)

    var isWaiting: Bool {
      state.withLock { if case .waiting = $0 { true } else { false } }
    }

    /// Begins to wait, unless it is too late for that: then the wait ends at once, as cancelled.
    func wait(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
      let isNew = state.withLock { state in
        guard case .new = state else { return false }
        state = .waiting(continuation)
        return true
      }
      if !isNew { continuation.resume(throwing: CancellationError()) }
      return isNew
    }

    func resume(with result: Result<Value, any Error>) {
      let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
        defer { state = .done }
        return if case .waiting(let continuation) = state { continuation } else { nil }
      }
      continuation?.resume(with: result)
    }
  }
}
