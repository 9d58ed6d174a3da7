/// What changes in the cluster, one event after the other: a snapshot first, and from then on nothing but changes.
///
/// Nothing is kept for a reader but the snapshot that it has read. Where it falls so far behind that the changes since
/// aren't kept any more, it gets the difference between that one and the newest; what came and went again in between
/// isn't in it. Ends when the aggregator has stopped or the reading task is cancelled. Each iterator reads for itself.
public struct ClusterEvents: AsyncSequence, Sendable {
  private let table: ClusterTable

  init(table: ClusterTable) { self.table = table }

  public func makeAsyncIterator() -> Iterator { Iterator(table: table) }

  public struct Iterator: AsyncIteratorProtocol {
    private let table: ClusterTable
    private var last: ClusterSnapshot?
    /// What was read and not handed out yet, in reverse.
    private var pending: [ClusterEvent] = []

    fileprivate init(table: ClusterTable) { self.table = table }

    public mutating func next() async -> ClusterEvent? { await next(isolation: nil) }

    public mutating func next(isolation actor: isolated (any Actor)?) async -> ClusterEvent? {
      while !Task.isCancelled {
        if let event = pending.popLast() { return event }
        switch table.unread(since: last?.revision) {
        case .snapshot(let snapshot):
          guard let previous = last else {
            last = snapshot
            return .snapshot(snapshot)
          }
          pending = ClusterDifference.events(from: previous, to: snapshot).reversed()
          last = snapshot
        case .events(let events, let snapshot):
          if events.isEmpty { await table.waitForChange(after: snapshot.revision) }
          pending = events.reversed()
          last = snapshot
        case .finished: return nil
        }
      }
      return nil
    }
  }
}
