import Synchronization

/// What is known of this machine's own Node, and who waits to hear of it.
final class LocalNode: Sendable {
  /// The Node's annotations at a version.
  struct Known: Hashable, Sendable {
    var name: String
    var version: UInt64?
    /// Those of ``NodeAnnotation``.
    var annotations: [String: String]
  }

  private struct State {
    var name: String?
    var known: Known?
    var listener: AsyncStream<Void>.Continuation?
  }

  private let state = Mutex(State())

  /// Gives a sign at once, and whenever something about the Node changes. For one listener, the newest.
  func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let previous = state.withLock { state in
      defer { state.listener = continuation }
      return state.listener
    }
    previous?.finish()
    continuation.yield()
    return stream
  }

  /// Says which Node it is. What is known of another one is forgotten.
  func setName(_ name: String?) {
    state.withLock { state in
      guard state.name != name else { return }
      state.name = name
      state.known = nil
    }
  }

  /// What is known of the Node; nil where nothing is.
  var known: Known? { state.withLock { $0.known } }

  /// A Node as it is now; others than this machine's don't matter, and neither does what is older than what is
  /// known.
  func observe(_ node: NodeObject) {
    take(Known(name: node.name, version: UInt64(node.resourceVersion), annotations: node.annotations))
  }

  func take(_ new: Known) {
    let isChange = state.withLock { state -> Bool in
      guard new.name == state.name else { return false }
      if let known = state.known {
        if let newer = new.version, let older = known.version, newer < older { return false }
        if known.annotations == new.annotations {
          state.known = new
          return false
        }
      }
      state.known = new
      return true
    }
    if isChange { wake() }
  }

  /// A Node is gone.
  func forget(_ node: NodeObject) {
    let isChange = state.withLock { state -> Bool in
      guard node.name == state.name, state.known != nil else { return false }
      state.known = nil
      return true
    }
    if isChange { wake() }
  }

  /// What is known can't be relied on.
  func forget() { state.withLock { $0.known = nil } }

  /// Makes who waits look again.
  func wake() {
    let listener = state.withLock { $0.listener }
    listener?.yield()
  }
}
