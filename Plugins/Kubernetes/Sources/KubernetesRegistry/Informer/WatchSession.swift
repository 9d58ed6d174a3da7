import NIOCore
import RegistryKit
import Synchronization

/// One watch as it is read.
struct WatchSession {
  private var decoder = NodeWatchDecoder()
  /// The Nodes that came at the beginning, until they are complete; nil where there are none to wait for.
  var draft: NodeView.Draft?
  /// Whether the server has agreed to it.
  var isAccepted = false
  /// Whether something came that is newer than what was known.
  var hasHeard = false
  /// Whether something came of it, or it has lasted for a while.
  var hasSettled = false

  init(draft: NodeView.Draft?) { self.draft = draft }

  mutating func feed(_ part: ByteBuffer) throws -> [NodeWatchEvent] {
    try part.withUnsafeReadableBytes { try decoder.feed($0) }
  }

  /// What is wrong with the end of the stream. An event that isn't complete was lost on the way, and comes
  /// again.
  mutating func finish() -> APIError? {
    do throws(NodeDecodeError) {
      try decoder.finish()
      return nil
    } catch  where error.code != .truncated {
      return APIError(.malformed, RegistryError(.failed, "the watch of nodes can't be read: \(error)"))
    } catch {
      return APIError(.interrupted, RegistryError(.unavailable, "the watch ended within an event: \(error)"))
    }
  }

  mutating func add(_ node: NodeObject, view: NodeView, localNode: LocalNode) {
    guard var draft else { return }
    // Taken out, so that it isn't copied.
    self.draft = nil
    view.add(node, to: &draft)
    localNode.add(node, to: &draft.own)
    self.draft = draft
  }

  /// Objects that were left out so far as they have no name.
  var skipped: Int { decoder.skipped }

  mutating func remove(_ node: NodeObject, localNode: LocalNode) {
    guard draft != nil else { return }
    draft?.remove(node.name)
    if var own = draft?.own {
      localNode.remove(node, from: &own)
      draft?.own = own
    }
  }
}

/// How long a watch may be silent: as long as the server keeps it, or shorter where bookmarks come all the
/// time, and while all Nodes are told at its beginning.
final class SilenceLimit: Sendable {
  private let initial: Duration?
  private let watch: Duration
  private let regular: Duration
  private let lateness: Duration
  private let start = ContinuousClock.now
  private let isInitial: Atomic<Bool>
  private let isRegular = Atomic<Bool>(false)

  /// - Parameters:
  ///   - initial: for the beginning; nil where there is none.
  ///   - lateness: bookmarks from this time on are those that come at a watch's end anyway.
  init(initial: Duration?, watch: Duration, regular: Duration, lateness: Duration) {
    self.initial = initial
    isInitial = Atomic(initial != nil)
    self.watch = watch
    self.regular = min(watch, regular)
    self.lateness = lateness
  }

  func bookmark() {
    if ContinuousClock.now - start < lateness { isRegular.store(true, ordering: .relaxed) }
  }

  /// All Nodes have been told.
  func initialEnd() { isInitial.store(false, ordering: .relaxed) }

  var now: Duration {
    if let initial, isInitial.load(ordering: .relaxed) { return initial }
    return isRegular.load(ordering: .relaxed) ? regular : watch
  }
}
