public import ClusterModel
public import Logging
import Platform
public import Rollcall
import Synchronization

/// Keeps a ``StateFile`` current while an aggregator runs: at most one write a second, none where nothing changed, and
/// a last one at the end.
public final class StateKeeper: Sendable {
  /// How the file is, for those who watch the daemon.
  public struct Status: Hashable, Sendable {
    /// When it was last written or found current; nil: never.
    public internal(set) var currentAt: Timestamp?
    /// How many writes failed.
    public internal(set) var writeErrors = 0
    /// What was wrong with the last write; nil where nothing was.
    public internal(set) var lastError: String?
    /// Under which name a file was set aside at the start of which nothing could be made, and why; nil where there was
    /// none.
    public internal(set) var damage: String?
  }

  /// Between two writes.
  public static let interval = Duration.seconds(1)

  private struct State {
    var status = Status()
    var cursors: [String: UInt64] = [:]
    /// What the file has: the table's revision and the cursors.
    var written: (revision: UInt64, cursors: [String: UInt64])?
  }

  private let file: StateFile
  private let logger: Logger
  private let now: @Sendable () -> Timestamp
  private let time: TimeSource
  private let state = Mutex(State())
  private let changed = ChangeSignal()

  /// Keeps `file`, which nobody else writes.
  ///
  /// - Parameter now: tells the civil time.
  public init(
    _ file: StateFile, clock: any Clock<Duration> = ContinuousClock(),
    now: @escaping @Sendable () -> Timestamp, logger: Logger
  ) {
    self.file = file
    self.logger = logger
    self.now = now
    time = TimeSource(clock)
  }

  /// How the file is.
  public var status: Status { state.withLock { $0.status } }

  /// What the file has from before; nil where there is nothing that can be used, which is told.
  public func load() -> SavedState? {
    do throws(StateFile.Failure) {
      guard let saved = try file.read(at: now()) else { return nil }
      state.withLock { $0.cursors = saved.cursors }
      return saved
    } catch {
      logger.error("what was known before the restart is lost: \(error.message)")
      state.withLock { $0.status.damage = error.message }
      return nil
    }
  }

  // MARK: Cursors

  /// How far the reader called `name` has got, here and before a restart; nil: it never read.
  public func cursor(_ name: String) -> UInt64? { state.withLock { $0.cursors[name] } }

  /// The reader called `name` has seen everything up to `number`; nil: it is no more.
  public func setCursor(_ name: String, to number: UInt64?) {
    state.withLock { $0.cursors[name] = number }
    changed.notify()
  }

  // MARK: Writing

  /// Writes what `aggregator` knows each time that it changed, until the task is cancelled; what was last known is
  /// written then.
  public func run(_ aggregator: Aggregator) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await _ in aggregator.snapshots() { self.changed.notify() }
      }
      var seen: UInt64 = 0
      while !Task.isCancelled {
        let isWritten = write(aggregator)
        // A disk that is full isn't fuller for being asked each second.
        try? await time.sleep(isWritten ? Self.interval : .seconds(10))
        seen = await changed.wait(after: seen)
      }
      group.cancelAll()
    }
    write(aggregator)
  }

  /// Writes what `aggregator` knows now, if it is something else than the file has.
  ///
  /// - Parameter isLast: writes it anyhow, as the file says how long the daemon ran.
  /// - Returns: whether the file is current.
  @discardableResult
  public func write(_ aggregator: Aggregator, isLast: Bool = false) -> Bool {
    let revision = aggregator.snapshot().revision
    let (cursors, isCurrent) = state.withLock { state in
      let isCurrent = state.written.map { $0.revision == revision && $0.cursors == state.cursors } ?? false
      if isCurrent { state.status.currentAt = now() }
      return (state.cursors, isCurrent)
    }
    if isCurrent, !isLast { return true }
    do throws(StateFile.Failure) {
      try file.write(aggregator.captureState(), cursors: cursors)
      state.withLock { state in
        if state.status.lastError != nil { logger.notice("the state file is written again") }
        state.status.lastError = nil
        state.status.currentAt = now()
        state.written = (revision, cursors)
      }
      return true
    } catch {
      let isNew = state.withLock { state in
        defer { state.status.lastError = error.message }
        state.status.writeErrors += 1
        return state.status.lastError != error.message
      }
      if isNew { logger.error("the state file isn't written: \(error.message)") }
      return false
    }
  }
}
