import NIOCore
import Platform
import RegistryKit
import Synchronization

/// One watch of Nodes as it is read.
struct NodeWatch {
  private var decoder: NodeWatchDecoder
  /// Whether the server has agreed to it.
  var isAccepted = false
  /// When it did.
  var acceptedAt: Duration?
  /// Whether something came that is newer than what was known.
  var hasProgress = false
  /// Whether something came of it, or it has lasted for a while.
  var hasSettled = false

  init(prefixes: LabelPrefixes) { decoder = NodeWatchDecoder(prefixes: prefixes) }

  /// Objects that were left out so far as they have no name.
  var skipped: Int { decoder.skipped }

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
}

/// How long a watch may be silent: as long as the server keeps it, or shorter where bookmarks come all the
/// time, and while all Nodes are sent at its beginning.
final class SilenceLimit: Sendable {
  private let initial: Duration?
  private let watch: Duration
  private let regular: Duration
  private let lateness: Duration
  private let time: TimeSource
  private let start: Duration
  private let isInitial: Atomic<Bool>
  private let isRegular = Atomic<Bool>(false)

  /// - Parameters:
  ///   - initial: for the beginning; nil where there is none.
  ///   - lateness: bookmarks from this time on are those that come at a watch's end anyway.
  init(initial: Duration?, watch: Duration, regular: Duration, lateness: Duration, time: TimeSource) {
    self.initial = initial
    isInitial = Atomic(initial != nil)
    self.watch = watch
    self.regular = min(watch, regular)
    self.lateness = lateness
    self.time = time
    start = time.elapsed
  }

  /// A bookmark came.
  func bookmark() {
    if time.elapsed - start < lateness { isRegular.store(true, ordering: .relaxed) }
  }

  /// All Nodes have been sent.
  func initialEnd() { isInitial.store(false, ordering: .relaxed) }

  var now: Duration {
    if let initial, isInitial.load(ordering: .relaxed) { return initial }
    return isRegular.load(ordering: .relaxed) ? regular : watch
  }
}
