import Synchronization

/// The instance of a registry that runs now, for who publishes; it is waited for where the run has only been
/// asked for.
final class CurrentInstance: Sendable {
  private struct State {
    var instance: PluginInstance?
    var waiting: [UInt64: CheckedContinuation<PluginInstance, any Error>] = [:]
    var nextID: UInt64 = 0
  }

  private let state = Mutex(State())

  func set(_ instance: PluginInstance?) {
    let waiting = state.withLock { state in
      state.instance = instance
      guard instance != nil else { return [CheckedContinuation<PluginInstance, any Error>]() }
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    guard let instance else { return }
    for continuation in waiting { continuation.resume(returning: instance) }
  }

  /// The instance, when there is one.
  func instance() async throws -> PluginInstance {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let answer: Result<PluginInstance, any Error>? = state.withLock { state in
          if let instance = state.instance { return .success(instance) }
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiting[id] = continuation
          return nil
        }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }
}
