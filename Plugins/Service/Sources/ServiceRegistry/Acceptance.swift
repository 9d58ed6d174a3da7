import RegistryKit
import Synchronization

/// Those that wait until a service has accepted what is published.
final class Acceptance: Sendable {
  private struct State {
    var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
    var nextNumber = 0
  }

  private let state = Mutex(State())

  /// Waits until it is settled; throws why it was not, or when cancelled.
  func wait(isolation: isolated (any Actor)? = #isolation) async throws {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isCancelled = state.withLock { state in
          guard !Task.isCancelled else { return true }
          state.waiters[number] = continuation
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(throwing: CancellationError())
    }
  }

  /// Those that wait go on: with `error`, if there is one.
  func settle(failing error: RegistryError? = nil) {
    let waiters = state.withLock { state in
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters {
      if let error { waiter.resume(throwing: error) } else { waiter.resume() }
    }
  }
}
