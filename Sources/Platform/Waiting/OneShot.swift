import Synchronization

/// A value that comes once, from anywhere, and is awaited by one task.
package final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case awaited(CheckedContinuation<Value, Never>)
    case fulfilled(Value)
  }

  private let state = Mutex(State.empty)

  package init() {}

  /// Gives the value; only the first counts.
  package func fulfil(_ value: Value) {
    let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
      switch state {
      case .empty:
        state = .fulfilled(value)
        return nil
      case .awaited(let continuation):
        state = .fulfilled(value)
        return continuation
      case .fulfilled: return nil
      }
    }
    waiting?.resume(returning: value)
  }

  /// The value, when it is there. Not ended by cancellation: who gives the value sees to that.
  package var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let known: Value? = state.withLock { state in
          if case .fulfilled(let value) = state { return value }
          state = .awaited(continuation)
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    }
  }
}
