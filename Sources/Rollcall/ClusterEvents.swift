/// What changes in the cluster, one event after the other, starting from a snapshot.
///
/// Nothing is kept for a reader but the revision that it has read. Where it falls so far behind that the changes since
/// aren't kept any more, it gets a snapshot in place of them. Ends when the aggregator has stopped or the reading
/// task is cancelled. Each iterator reads for itself.
public struct ClusterEvents: AsyncSequence, Sendable {
  private let table: ClusterTable

  init(table: ClusterTable) { self.table = table }

  public func makeAsyncIterator() -> Iterator { Iterator(table: table) }

  public struct Iterator: AsyncIteratorProtocol {
    private let table: ClusterTable
    private var revision: UInt64?
    /// What was read and not handed out yet, in reverse.
    private var pending: [ClusterEvent] = []

    fileprivate init(table: ClusterTable) { self.table = table }

    public mutating func next() async -> ClusterEvent? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> ClusterEvent? {
      while !Task.isCancelled {
        if let event = pending.popLast() { return event }
        switch table.unread(since: revision) {
        case .snapshot(let snapshot):
          revision = snapshot.revision
          return .snapshot(snapshot)
        case .events(let events, let newest):
          if events.isEmpty { await table.waitForChange(after: newest) }
          pending = events.reversed()
          revision = newest
        case .finished: return nil
        }
      }
      return nil
    }
  }
}
