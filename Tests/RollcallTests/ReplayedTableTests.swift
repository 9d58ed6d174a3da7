import AffiliateMerge
import ClusterModel
import Lifecycle
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("A replayed table", .timeLimit(.minutes(2)))
struct ReplayedTableTests {
  private final class Commits: Sendable {
    let all = Mutex<[TableCommit]>([])
  }

  @Test(
    "becomes what the observed one became, commit by commit, whatever happened",
    arguments: 1...10 as ClosedRange<UInt64>)
  func sameTable(seed: UInt64) throws {
    let (clock, commits) = (ManualClock(), Commits())
    let start = Timestamp(milliseconds: 1_764_000_000_000)
    let table = ClusterTable(
      policy: MergePolicy(), journalLimit: 1024, time: TimeSource(clock),
      now: { Timestamp(milliseconds: start.milliseconds + Int64(clock.now.offset / .milliseconds(1))) },
      observe: { commit in commits.all.withLock { $0.append(commit) } })
    var random = try RandomTable(table, clock: clock, seed: seed)
    for _ in 0..<300 { random.step() }
    let replay = ClusterReplay(history: HistoryRetention(), start: start)
    let live = commits.all.withLock { $0 }
    #expect(live.count >= 200)
    for commit in live {
      let replayed = replay.take(commit.input, at: commit.moment)
      #expect(replayed.snapshot?.revision == commit.snapshot?.revision)
      guard let old = commit.snapshot, let new = replayed.snapshot else { continue }
      #expect(new.members == old.members)
      #expect(new.affiliates == old.affiliates)
      #expect(new.conflicts == old.conflicts)
      #expect(new.registries == old.registries)
      #expect(new.life.changes(since: old.life).isEmpty)
      #expect(replayed.events.count == commit.events.count)
    }
  }
}
