import NIOCore
import RegistryKit
import Synchronization

/// One watch as it is read.
struct WatchSession {
  private var decoder = NodeWatchDecoder()
  /// The Nodes that came at the beginning, until they are complete; nil where there are none to wait for.
  var draft: NodeView.Draft?
  var hasEvents = false

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
    } catch where error.code != .truncated {
      return APIError(.malformed, RegistryError(.failed, "the watch of nodes can't be read: \(error)"))
    } catch {
      return APIError(.interrupted, RegistryError(.unavailable, "the watch ended within an event: \(error)"))
    }
  }

  mutating func add(_ node: NodeObject, view: NodeView) {
    guard var draft else { return }
    // Taken out, so that it isn't copied.
    self.draft = nil
    view.add(node, to: &draft)
    self.draft = draft
  }

  /// Objects that were left out so far as they have no name.
  var skipped: Int { decoder.skipped }

  mutating func remove(_ node: NodeObject) { draft?.remove(node.name) }
}

/// How long a watch may be silent: as long as the server keeps it, or shorter where bookmarks come all the
/// time.
final class SilenceLimit: Sendable {
  private let watch: Duration
  private let regular: Duration
  private let lateness: Duration
  private let start = ContinuousClock.now
  private let isRegular = Atomic<Bool>(false)

  /// - Parameter lateness: bookmarks from this time on are those that come at a watch's end anyway.
  init(watch: Duration, regular: Duration, lateness: Duration) {
    self.watch = watch
    self.regular = min(watch, regular)
    self.lateness = lateness
  }

  func bookmark() {
    if ContinuousClock.now - start < lateness { isRegular.store(true, ordering: .relaxed) }
  }

  var now: Duration { isRegular.load(ordering: .relaxed) ? regular : watch }
}
