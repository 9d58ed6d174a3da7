import Synchronization

/// Tells one waiting task that there is something to do. Raised any number of times, it is heard once.
final class Signal: Sendable {
  private struct State {
    var isRaised = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// Lets the waiting task go on, or the next one that waits.
  func raise() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let waiter = state.waiter else {
        state.isRaised = true
        return nil
      }
      state.waiter = nil
      return waiter
    }
    waiter?.resume()
  }

  /// Waits until the signal is raised, or was since the last wait, or the task is cancelled. One task at a time.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let goesOn = state.withLock { state -> CheckedContinuation<Void, Never>? in
          if state.isRaised || Task.isCancelled {
            state.isRaised = false
            return continuation
          }
          let earlier = state.waiter
          state.waiter = continuation
          return earlier
        }
        goesOn?.resume()
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume()
    }
  }
}
