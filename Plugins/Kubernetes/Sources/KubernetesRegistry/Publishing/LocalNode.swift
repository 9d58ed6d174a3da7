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
    /// How many answers about the Node there were.
    var replies = 0
    var listener: AsyncStream<Void>.Continuation?
  }

  /// What a reading of all Nodes finds out about this one.
  struct Reading: Sendable {
    fileprivate var replies = 0
    fileprivate var known: Known?
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
    update(Known(node), isReply: false)
  }

  /// The Node as the server answered who asked for it, or changed it.
  func take(_ new: Known) { update(new, isReply: true) }

  private func update(_ new: Known, isReply: Bool) {
    let isChange = state.withLock { state -> Bool in
      guard new.name == state.name else { return false }
      if isReply { state.replies += 1 }
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

  /// All Nodes begin to be read.
  func beginReading() -> Reading { Reading(replies: state.withLock { $0.replies }) }

  /// A Node that was read with all others.
  func add(_ node: NodeObject, to reading: inout Reading) {
    guard node.name == state.withLock({ $0.name }) else { return }
    reading.known = Known(node)
  }

  /// A Node that was read turned out to be gone.
  func remove(_ node: NodeObject, from reading: inout Reading) {
    if reading.known?.name == node.name { reading.known = nil }
  }

  /// All Nodes have been read, and what was read counts, be it older than what was known: the server may be another
  /// one, or have been restored from a backup. Only an answer that came in the meantime may be newer.
  func complete(_ reading: Reading) {
    let isChange = state.withLock { state -> Bool in
      let old = state.known
      let new = reading.known.flatMap { $0.name == state.name ? $0 : nil }
      if state.replies != reading.replies, let old {
        guard let new, let version = new.version, let known = old.version, version >= known else {
          return false
        }
      }
      state.known = new
      return old?.annotations != new?.annotations
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

extension LocalNode.Known {
  fileprivate init(_ node: NodeObject) {
    self.init(name: node.name, version: UInt64(node.resourceVersion), annotations: node.annotations)
  }
}
