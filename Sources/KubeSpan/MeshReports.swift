import Platform
import Synchronization

/// The latest report of a mesh, for whoever shows it.
public final class MeshReports: Sendable {
  private let latest = Mutex<MeshReport?>(nil)
  fileprivate let signal = ChangeSignal()

  /// Without a report yet.
  public init() {}

  /// The latest report; nil: there is no mesh, or no pass has ended yet.
  public var current: MeshReport? { latest.withLock { $0 } }

  /// Puts `report` in place of the one before.
  public func publish(_ report: MeshReport?) {
    latest.withLock { $0 = report }
    signal.notify()
  }

  /// How many reports were published so far.
  public var changeCount: UInt64 { signal.value }

  /// Waits until other than `seen` reports were published, or the task is cancelled.
  ///
  /// - Returns: how many were.
  @discardableResult
  public func waitForChange(after seen: UInt64) async -> UInt64 { await signal.wait(after: seen) }

  /// The report of now and, each time that it changes, the latest one: who is slow misses those in between. Ends when
  /// the task that reads it is cancelled.
  public func updates() -> Updates { Updates(reports: self) }

  /// Reports as they come.
  public struct Updates: AsyncSequence, Sendable {
    let reports: MeshReports

    public func makeAsyncIterator() -> Iterator { Iterator(reports: reports) }

    public struct Iterator: AsyncIteratorProtocol {
      let reports: MeshReports
      private var seen: UInt64?

      init(reports: MeshReports) { self.reports = reports }

      public mutating func next() async -> MeshReport?? { await next(isolation: nil) }

      public mutating func next(isolation actor: isolated (any Actor)?) async -> MeshReport?? {
        if let seen {
          self.seen = await reports.signal.wait(after: seen)
        } else {
          seen = reports.signal.value
        }
        return Task.isCancelled ? nil : .some(reports.current)
      }
    }
  }
}
