import Synchronization

/// A counter that tasks wait on: how one task lets others know that something changed, without a buffer.
///
/// Any number of tasks may wait. A task remembers the value that it has acted on, so that it can't miss a
/// change made while it was busy, and changes that it was too busy for count as one.
package final class ChangeSignal: Sendable {
  private struct State {
    var value: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var nextWaiter: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// The number of changes so far.
  package var value: UInt64 { state.withLock { $0.value } }

  /// Counts a change and wakes all that wait. Never to be called inside a lock: it resumes other tasks.
  package func notify() {
    let waiters = state.withLock { state in
      state.value &+= 1
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume() }
  }

  /// Returns the value as soon as it is no longer `seen`, or when the task is cancelled.
  @discardableResult
  package func wait(after seen: UInt64) async -> UInt64 {
    let id = state.withLock { state in
      state.nextWaiter &+= 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // A cancellation before this finds no waiter to wake, so it is looked for here.
          if state.value != seen || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
    return value
  }

  /// The number of tasks that wait, for tests.
  package var waiterCount: Int { state.withLock { $0.waiters.count } }
}
