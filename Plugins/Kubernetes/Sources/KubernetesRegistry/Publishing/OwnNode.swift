import FoundationEssentials
import Platform
import RegistryKit
import Synchronization

/// What is known of this machine's own Node: from all Nodes as the informer reads them, and from the server's
/// replies to the publisher. May be used from any thread.
final class OwnNode: Sendable {
  /// The Node's annotations at a version.
  struct Known: Hashable, Sendable {
    var name: String
    var version: UInt64?
    /// Those of ``NodeAnnotation``.
    var annotations: [String: String]
  }

  /// What a reading of all Nodes found out about this one.
  struct Reading: Sendable {
    fileprivate var replies = 0
    fileprivate var known: Known?
  }

  private struct State {
    var name: String?
    var known: Known?
    /// How many replies about the Node there were.
    var replies = 0

    mutating func take(_ new: Known) {
      guard new.name == name else { return }
      if let known, let newer = new.version, let older = known.version, newer < older { return }
      known = new
    }
  }

  private let state = Mutex(State())
  /// Notified when the Node's annotations may be others.
  let changes = ChangeSignal()

  /// What is known of the Node; nil where nothing is.
  var known: Known? { state.withLock { $0.known } }

  /// Sets which Node it is. What is known of another one is forgotten.
  func setName(_ name: String) {
    change { state in
      guard state.name != name else { return }
      state.name = name
      state.known = nil
    }
  }

  /// What is known can't be relied on. Notifies nobody.
  func forget() { state.withLock { $0.known = nil } }

  /// Notifies if `body` changes the Node's annotations.
  private func change(_ body: (inout State) -> Void) {
    let isChange = state.withLock { state in
      let before = state.known?.annotations
      body(&state)
      return state.known?.annotations != before
    }
    if isChange { changes.notify() }
  }

  // MARK: From the informer

  /// A Node as it is now; others than this machine's don't matter, and neither does what is older than what
  /// is known.
  func observe(_ node: NodeObject) { change { $0.take(Known(node)) } }

  /// A Node is gone.
  func remove(_ node: NodeObject) { change { if node.name == $0.name { $0.known = nil } } }

  /// All Nodes begin to be read.
  func beginReading() -> Reading { Reading(replies: state.withLock { $0.replies }) }

  /// A Node that was read with all others.
  func add(_ node: NodeObject, to reading: inout Reading) {
    if node.name == state.withLock({ $0.name }) { reading.known = Known(node) }
  }

  /// A Node that was read turned out to be gone.
  func remove(_ node: NodeObject, from reading: inout Reading) {
    if reading.known?.name == node.name { reading.known = nil }
  }

  /// All Nodes have been read, and what was read counts, be it older than what was known: the server may be
  /// another one, or have been restored from a backup. Only a reply that came in the meantime may be newer.
  func complete(_ reading: Reading) {
    change { state in
      let new = reading.known.flatMap { $0.name == state.name ? $0 : nil }
      if state.replies != reading.replies, let known = state.known, !(new?.isAtLeastAsNew(as: known) ?? false)
      {
        return
      }
      state.known = new
    }
  }

  // MARK: From the publisher

  /// Takes in `body`, the server's answer to `request` for the Node, or for a change of it.
  func take(_ body: [UInt8], of request: APIRequest) throws(APIError) -> Known {
    let known = try Known(body, of: request)
    change { state in
      state.replies += known.name == state.name ? 1 : 0
      state.take(known)
    }
    return known
  }
}

extension OwnNode.Known {
  fileprivate init(_ node: NodeObject) {
    self.init(name: node.name, version: UInt64(node.resourceVersion), annotations: node.annotations)
  }

  /// Whether both have a version, and this one isn't the older.
  fileprivate func isAtLeastAsNew(as other: Self) -> Bool {
    guard let version, let older = other.version else { return false }
    return version >= older
  }

  /// Reads `body`, the answer to `request`.
  fileprivate init(_ body: [UInt8], of request: APIRequest) throws(APIError) {
    struct Reply: Decodable {
      struct Metadata: Decodable {
        var name: String
        var resourceVersion: String?
        var annotations: [String: String]?
      }

      var metadata: Metadata
    }
    let metadata: Reply.Metadata
    do {
      metadata = try JSONDecoder().decode(Reply.self, from: Data(body)).metadata
    } catch {
      throw APIError(
        .malformed,
        RegistryError(.failed, "the answer to \(request.action) isn't a Node in JSON", cause: error))
    }
    let ours = Set(NodeAnnotation.allCases.map(\.rawValue))
    self.init(
      name: metadata.name, version: metadata.resourceVersion.flatMap { UInt64($0) },
      annotations: (metadata.annotations ?? [:]).filter { ours.contains($0.key) })
  }
}
