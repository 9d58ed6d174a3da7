import Synchronization

/// Work in somebody else's hands that may not end when it is cancelled: a registry's code.
///
/// A child task can't be left behind, so this is a task of its own. It is cancelled with the task that
/// waits for it, and left behind if it then doesn't end within its grace. An instance runs one piece of work.
package final class AbandonableWork: Sendable {
  package enum Outcome: Sendable {
    /// It ended by itself, or within its grace after it was cancelled.
    case returned
    case threw(any Error)
    /// It was cancelled and didn't end in time. It still runs.
    case abandoned
  }

  private struct State {
    var outcome: Outcome?
    var waiter: CheckedContinuation<Outcome, Never>?
    var timer: Task<Void, Never>?
  }

  private let state = Mutex(State())
  /// Changes when the work has really ended, even after it was left behind.
  package let ended = ChangeSignal()

  package init() {}

  /// Runs `work` to its end; after a cancellation at most for `grace` more, by `time`.
  package func run(
    grace: Duration, time: TimeSource, _ work: @escaping @Sendable () async throws -> Void
  ) async -> Outcome {
    let task = Task {
      let outcome: Outcome
      do {
        try await work()
        outcome = .returned
      } catch {
        outcome = .threw(error)
      }
      settle(outcome)
      ended.notify()
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        let outcome = state.withLock { state in
          if state.outcome == nil { state.waiter = waiter }
          return state.outcome
        }
        if let outcome { waiter.resume(returning: outcome) }
      }
    } onCancel: {
      task.cancel()
      let timer = Task {
        // Cancelled when the work ends first.
        guard (try? await time.sleep(grace)) != nil else { return }
        self.settle(.abandoned)
      }
      let isOver = state.withLock { state in
        state.timer = timer
        return state.outcome != nil
      }
      if isOver { timer.cancel() }
    }
  }

  private func settle(_ outcome: Outcome) {
    let (waiter, timer) = state.withLock { state in
      guard state.outcome == nil else { return (nil as CheckedContinuation<Outcome, Never>?, state.timer) }
      state.outcome = outcome
      defer { state.waiter = nil }
      return (state.waiter, state.timer)
    }
    timer?.cancel()
    waiter?.resume(returning: outcome)
  }
}
