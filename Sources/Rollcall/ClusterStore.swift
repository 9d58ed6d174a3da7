import AffiliateMerge
import ClusterModel
import RegistryKit
import RollcallConfiguration
import Synchronization

/// Names one supervised registry: a registry that is made anew by a reload keeps its name, not its
/// generation, so that what the old one still says isn't taken for the new one's.
struct RegistryKey: Hashable, Sendable {
  let name: String
  let generation: UInt64
}

/// Everything that is known, under one lock: the merge, the registries' statuses, and what readers haven't
/// read yet. All is synchronous; what waits is elsewhere. Waiting tasks are resumed outside the lock.
final class ClusterStore: Sendable {
  private let state: Mutex<StoreState>
  private let now: @Sendable () -> Timestamp
  let time: TimeSource

  /// Raised when anything a snapshot shows has changed, and at the end.
  let revisions = Signal()
  /// Raised when ``nextDeadline()`` may be another one.
  let deadlines = Signal()
  /// Raised when what is to be published may be something else.
  let publications = Signal()

  init(policy: MergePolicy, time: TimeSource, now: @escaping @Sendable () -> Timestamp) {
    state = Mutex(StoreState(policy: policy))
    self.time = time
    self.now = now
  }

  /// Changes the state, then hands what came of it to the readers and wakes whom it concerns.
  func change<Result: Sendable>(_ body: (inout StoreState) -> Result) -> Result {
    let (result, effects) = state.withLock { state in
      state.now = now()
      state.elapsed = time.elapsed()
      let result = body(&state)
      return (result, state.flush())
    }
    for reader in effects.readers { reader.raise() }
    if effects.isRevised { revisions.raise() }
    if effects.movesDeadlines { deadlines.raise() }
    if effects.movesPublication { publications.raise() }
    return result
  }

  func read<Result: Sendable>(_ body: (borrowing StoreState) -> Result) -> Result {
    state.withLock { body($0) }
  }

  // MARK: Readers

  func snapshot() -> ClusterSnapshot { state.withLock { $0.snapshot() } }

  func snapshotAndEnd() -> (ClusterSnapshot, isFinished: Bool) {
    state.withLock { ($0.snapshot(), $0.isFinished) }
  }

  func subscribe(limit: Int) -> ChangeSubscription {
    let signal = Signal()
    let id = state.withLock { $0.subscribe(ChangeBuffer(limit: limit, signal: signal)) }
    return ChangeSubscription(store: self, id: id, signal: signal)
  }

  func unsubscribe(_ id: UInt64) { state.withLock { $0.unsubscribe(id) } }

  func take(_ id: UInt64) -> ChangeSubscription.Taken { state.withLock { $0.take(id) } }

  /// The number of readers of changes, for tests.
  var readerCount: Int { state.withLock { $0.readerCount } }

  /// Nothing more will change: readers are told what they haven't read yet, and then the end.
  func finish() {
    change { $0.finish() }
  }

  // MARK: What a registry told

  /// The most events that are taken in at once, so that others get their turn at the lock.
  private static let chunk = 1024

  /// Takes in what a registry told, piece by piece. What it says of itself comes with the last piece: who
  /// sees it in sync or in trouble sees all that it told before.
  ///
  /// - Throws: where the registry has more nodes than it may have.
  func apply(_ batch: Batch, from key: RegistryKey, nodeLimit: Int) throws(RegistryError) {
    guard !batch.sources.isEmpty else {
      return change { $0.apply(stateOf: batch, from: key) }
    }
    for (index, source) in batch.sources.enumerated() {
      let isLastSource = index == batch.sources.count - 1
      var rest = source.changes[...]
      var base = source.base
      repeat {
        let piece = rest.prefix(Self.chunk)
        rest = rest.dropFirst(Self.chunk)
        let isLast = isLastSource && rest.isEmpty
        var count = change { state in
          let count = state.apply(base: base, changes: piece, of: source.source, from: key)
          if isLast { state.apply(stateOf: batch, from: key) }
          return count
        }
        // What is only kept of an earlier run gives way before what this one tells is refused.
        if count > nodeLimit { count = change { $0.sweep(key) } }
        if count > nodeLimit { throw .tooManyNodes(count, limit: nodeLimit) }
        base = .unchanged
      } while !rest.isEmpty
    }
  }
}
