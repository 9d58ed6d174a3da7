/// What changes in the cluster, one thing after the other, starting from a snapshot.
///
/// What a reader hasn't read yet is kept for it up to a bound; when it falls further behind it is told a
/// snapshot in place of what it missed. Ends when the aggregator has stopped or the reading task is
/// cancelled. Each iterator reads for itself, and what is kept for it goes with it.
public struct ClusterChanges: AsyncSequence, Sendable {
  let store: ClusterStore
  let limit: Int

  public func makeAsyncIterator() -> Iterator { Iterator(subscription: store.subscribe(limit: limit)) }

  public struct Iterator: AsyncIteratorProtocol {
    let subscription: ChangeSubscription

    public mutating func next() async -> ClusterChange? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> ClusterChange? {
      while !Task.isCancelled {
        let seen = subscription.signal.value
        switch subscription.take() {
        case .change(let change): return change
        case .ended: return nil
        case .nothing: await subscription.signal.wait(after: seen)
        }
      }
      return nil
    }
  }
}

/// A reader's place in the store: what is kept for it goes when this goes.
final class ChangeSubscription: Sendable {
  enum Taken: Sendable {
    case change(ClusterChange)
    case nothing
    case ended
  }

  private let store: ClusterStore
  private let id: UInt64
  let signal: Signal

  init(store: ClusterStore, id: UInt64, signal: Signal) {
    self.store = store
    self.id = id
    self.signal = signal
  }

  deinit { store.unsubscribe(id) }

  func take() -> Taken { store.take(id) }
}

/// What a reader hasn't read yet.
struct ChangeBuffer {
  let limit: Int
  let signal: Signal
  /// Whether the reader needs to be told everything: at its start, and after it fell behind.
  private(set) var needsSnapshot = true
  private var changes: [ClusterChange] = []
  /// The index of the first change that isn't taken yet.
  private var first = 0
  private var count = 0

  init(limit: Int, signal: Signal) {
    self.limit = limit
    self.signal = signal
  }

  /// Keeps `change`, which counts as `weight`, or forgets all of it where that is too much.
  mutating func append(_ change: ClusterChange, weight: Int) {
    guard !needsSnapshot else { return }
    count += weight
    if count > limit {
      needsSnapshot = true
      forget()
    } else {
      changes.append(change)
    }
  }

  /// The next change, or nil where there is none or a snapshot is due.
  mutating func next() -> ClusterChange? {
    guard first < changes.count else { return nil }
    let change = changes[first]
    first += 1
    count -= Self.weight(change)
    if first == changes.count {
      forget()
    } else if first >= 64, first * 2 >= changes.count {
      // A reader that keeps up but never quite catches up mustn't leave all that it read behind.
      changes.removeFirst(first)
      first = 0
    }
    return change
  }

  /// The number of changes that are held, read ones included, for tests.
  var heldCount: Int { changes.count }

  mutating func snapshotTaken() {
    needsSnapshot = false
    forget()
  }

  static func weight(_ change: ClusterChange) -> Int {
    if case .directives(let directives) = change { directives.count } else { 1 }
  }

  private mutating func forget() {
    changes = []
    first = 0
    count = 0
  }
}
