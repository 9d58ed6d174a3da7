import AffiliateMerge
package import ClusterModel
package import Lifecycle
import Platform
import Synchronization

/// A table that is changed by inputs that were given to another one, at the moments at which they were: the same
/// becomes of it. No clock is read, and nothing happens by itself.
package struct ClusterReplay: Sendable {
  /// What the table reads in place of clocks, and what it did last.
  private final class Stage: Sendable {
    let moment: Mutex<Moment>
    let commit = Mutex<TableCommit?>(nil)

    init(_ moment: Moment) { self.moment = Mutex(moment) }
  }

  private let stage: Stage
  private let table: ClusterTable

  /// A table that keeps so much of what is over, begun at `start`.
  package init(history: HistoryRetention, start: Timestamp) {
    let stage = Stage(Moment(elapsed: .zero, wall: start))
    self.stage = stage
    table = ClusterTable(
      policy: MergePolicy(), journalLimit: 0, retention: history,
      time: TimeSource(reading: { stage.moment.withLock { $0.elapsed } }),
      now: { stage.moment.withLock { $0.wall } },
      observe: { commit in stage.commit.withLock { $0 = commit } })
  }

  /// Changes the table by `input` at `moment`, which isn't before that of the input before.
  ///
  /// - Returns: what came of it.
  package func take(_ input: TableInput, at moment: Moment) -> TableCommit {
    stage.moment.withLock { $0 = moment }
    table.take(input)
    let commit = stage.commit.withLock { $0 }
    return commit ?? TableCommit(input: input, moment: moment, events: [], snapshot: nil)
  }
}
