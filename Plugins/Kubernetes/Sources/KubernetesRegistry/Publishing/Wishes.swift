import ClusterModel
import RegistryKit
import Synchronization

/// What this machine's Node is to tell.
struct Wish: Hashable, Sendable {
  /// Counts up.
  var number: Int
  var nodeName: String
  var nodeID: NodeIdentity
  /// nil removes them.
  var annotations: [NodeAnnotation: String]?
}

/// Hands what is to be published to the publisher, and its outcome back.
final class Wishes: Sendable {
  private struct State {
    var current: Wish?
    var count = 0
    var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
    /// Those that nobody waits for any more, before they began to.
    var cancelled: Set<Int> = []
  }

  private let state = Mutex(State())
  let node = LocalNode()

  var current: Wish? { state.withLock { $0.current } }

  /// Replaces what is to be told, and waits until it has been accepted.
  ///
  /// - Throws: why it can't be, `CancellationError`.
  func make(
    nodeName: String, nodeID: NodeIdentity, annotations: [NodeAnnotation: String]?
  ) async throws {
    node.setName(nodeName)
    let number = state.withLock { state in
      state.count += 1
      state.current = Wish(
        number: state.count, nodeName: nodeName, nodeID: nodeID, annotations: annotations)
      return state.count
    }
    defer { state.withLock { _ = $0.cancelled.remove(number) } }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isLate = state.withLock { state in
          guard state.cancelled.remove(number) == nil else { return true }
          state.waiting[number] = continuation
          return false
        }
        if isLate { continuation.resume(throwing: CancellationError()) } else { node.wake() }
      }
    } onCancel: {
      let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
        if let waiting = state.waiting.removeValue(forKey: number) { return waiting }
        state.cancelled.insert(number)
        return nil
      }
      waiting?.resume(throwing: CancellationError())
    }
  }

  /// Nothing is to be told any more; what was told stays.
  func drop() { state.withLock { $0.current = nil } }

  func fulfilled(_ number: Int) { settle(number, .success(())) }

  func failed(_ number: Int, _ error: RegistryError) { settle(number, .failure(error)) }

  private func settle(_ number: Int, _ result: Result<Void, any Error>) {
    let waiting = state.withLock { state in
      let settled = state.waiting.filter { $0.key <= number }
      for key in settled.keys { state.waiting[key] = nil }
      return settled.values
    }
    for continuation in waiting { continuation.resume(with: result) }
  }
}
