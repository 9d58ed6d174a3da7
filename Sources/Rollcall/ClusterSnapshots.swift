/// The cluster as it is, and again each time that it changed. Newest wins: a reader that is slow skips what it was too
/// slow for.
///
/// The first snapshot comes at once. Ends when the aggregator has stopped or the reading task is cancelled. Each
/// iterator reads for itself.
public struct ClusterSnapshots: AsyncSequence, Sendable {
  private let table: ClusterTable

  init(table: ClusterTable) { self.table = table }

  public func makeAsyncIterator() -> Iterator { Iterator(table: table) }

  public struct Iterator: AsyncIteratorProtocol {
    private let table: ClusterTable
    private var revision: UInt64?

    fileprivate init(table: ClusterTable) { self.table = table }

    public mutating func next() async -> ClusterSnapshot? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> ClusterSnapshot? {
      if let revision { await table.waitForChange(after: revision) }
      guard !Task.isCancelled else { return nil }
      let snapshot = table.snapshot()
      // What changed last is still read after the end.
      if snapshot.revision == revision { return nil }
      revision = snapshot.revision
      return snapshot
    }
  }
}
