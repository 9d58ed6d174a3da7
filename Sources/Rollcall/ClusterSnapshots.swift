/// The cluster as it is, and again each time that it changed. Newest wins: a reader that is slow skips what
/// it was too slow for, and nothing is kept for it.
///
/// The first snapshot comes at once. Ends when the aggregator has stopped or the reading task is cancelled.
/// Each iterator reads for itself.
public struct ClusterSnapshots: AsyncSequence, Sendable {
  let store: ClusterStore

  public func makeAsyncIterator() -> Iterator { Iterator(store: store) }

  public struct Iterator: AsyncIteratorProtocol {
    let store: ClusterStore
    private var seen: UInt64?

    init(store: ClusterStore) { self.store = store }

    public mutating func next() async -> ClusterSnapshot? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> ClusterSnapshot? {
      while !Task.isCancelled {
        // Read before the snapshot is made, so that no change between the two is missed.
        let signal = store.revisions.value
        let (snapshot, isFinished) = store.snapshotAndEnd()
        if seen != snapshot.revision {
          seen = snapshot.revision
          return snapshot
        }
        if isFinished { return nil }
        await store.revisions.wait(after: signal)
      }
      return nil
    }
  }
}
