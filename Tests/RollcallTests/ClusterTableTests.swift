import AffiliateMerge
import ClusterModel
import Dispatch
import Foundation
import Platform
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("The table", .timeLimit(.minutes(2)))
struct ClusterTableTests {
  private let clock = ManualClock()

  private func table(journalLimit: Int = 1024) -> ClusterTable {
    ClusterTable(
      policy: MergePolicy(), journalLimit: journalLimit, time: TimeSource(clock),
      now: { Timestamp(milliseconds: 1_000) })
  }

  private let key = RegistryKey(name: "rack", generation: 1)

  private var registry: RegistryState {
    RegistryState(
      key: key,
      status: RegistryStatus(
        name: "rack", prefix: "rack", state: .starting, since: Timestamp(milliseconds: 1_000)),
      retention: RetentionPolicy())
  }

  private func names(_ snapshot: ClusterSnapshot) -> [String] { snapshot.members.map(\.value.id) }

  /// What happened after `revision`; nil where that is a snapshot or the end.
  private func events(_ table: ClusterTable, since revision: UInt64) -> [ClusterEvent]? {
    guard case .events(let events, _) = table.unread(since: revision) else { return nil }
    return events.filter(\.isOfRecords)
  }

  // MARK: Revisions

  @Test("a commit is one revision, whatever it changes, and readers see all of it")
  func oneRevision() throws {
    let table = table()
    let local = try affiliate("me")
    let batch = RegistryIntake.Batch(
      updates: [.snapshot(try affiliates("a", "b").map { AffiliateRecord($0) }, source: .only)],
      completesSync: true)
    table.commit { writer in
      writer.place(registry)
      _ = writer.apply(batch, from: key)
      writer.setLocal(AffiliateRecord(local))
      #expect(table.snapshot().revision == 0)
      #expect(table.snapshot().members.isEmpty)
    }
    let snapshot = table.snapshot()
    #expect(snapshot.revision == 1)
    #expect(names(snapshot) == ["a", "b", "me"])
    #expect(snapshot.registries.map(\.affiliateCount) == [2])
    #expect(snapshot.isSynced)
  }

  @Test("a commit that changes nothing is no revision, and wakes nobody")
  func noRevision() throws {
    let table = table()
    let local = try affiliate("me")
    table.commit { $0.setLocal(AffiliateRecord(local)) }
    let woken = table.revisions.value
    table.commit { _ in }
    table.commit { $0.setLocal(AffiliateRecord(local)) }
    table.commit { $0.setPolicy(MergePolicy()) }
    table.commit { $0.expire() }
    #expect(table.snapshot().revision == 1)
    #expect(table.revisions.value == woken)
  }

  @Test("what is applied again without a change is a new revision for its time alone, and no event")
  func timesMakeNoEvent() throws {
    let now = Mutex<Int64>(1_000)
    let table = ClusterTable(
      policy: MergePolicy(), journalLimit: 1024, time: TimeSource(clock),
      now: { Timestamp(milliseconds: now.withLock { $0 }) })
    let batch = RegistryIntake.Batch(updates: [
      .snapshot([AffiliateRecord(try affiliate("a"))], source: .only)
    ])
    table.commit { $0.place(registry) }
    table.commit { _ = $0.apply(batch, from: key) }
    now.withLock { $0 = 2_000 }
    table.commit { _ = $0.apply(batch, from: key) }
    #expect(table.snapshot().revision == 3)
    #expect(table.snapshot().registry("rack")?.lastUpdate == Timestamp(milliseconds: 2_000))
    #expect(events(table, since: 2)?.isEmpty == true)
    let report = RegistryIntake.Batch(reports: [HealthReport(.reading, nil)])
    table.commit { _ = $0.apply(report, from: key) }
    #expect(table.snapshot().revision == 3)
  }

  @Test("that records are stale shows at once, though where nothing gives way to others it makes no event")
  func staleShows() throws {
    let table = table()
    let batch = RegistryIntake.Batch(updates: [
      .snapshot([AffiliateRecord(try affiliate("a"))], source: .only)
    ])
    table.commit { $0.place(registry) }
    table.commit { _ = $0.apply(batch, from: key) }
    table.commit { writer in
      _ = writer.update(key) { registry, transaction in
        transaction.setStale(true, origin: RecordOrigin(registry: "rack", prefix: "rack"))
      }
    }
    let provenance = try #require(table.snapshot().provenance(of: try NodeIdentity("a")))
    #expect(provenance.allSatisfy { $0.claims.allSatisfy(\.isStale) })
    #expect(events(table, since: 2)?.isEmpty == true)
  }

  @Test("what a registry applies that was replaced by another of its name changes nothing")
  func replaced() throws {
    let table = table()
    table.commit { $0.place(registry) }
    let batch = RegistryIntake.Batch(updates: [
      .snapshot([AffiliateRecord(try affiliate("a"))], source: .only)
    ])
    table.commit { _ = $0.apply(batch, from: RegistryKey(name: "rack", generation: 7)) }
    #expect(table.snapshot().revision == 1)
    #expect(table.snapshot().members.isEmpty)
  }

  // MARK: Reading

  @Test("a reader that has read a revision gets exactly what came after it, from each revision on")
  func exactlyTheRest() throws {
    let table = table()
    var read: [(revision: UInt64, replica: TableReplica)] = []
    var random = try RandomTable(table, clock: clock, seed: 7)
    while table.snapshot().revision < 200 {
      random.step()
      let snapshot = table.snapshot()
      if read.last?.revision != snapshot.revision { read.append((snapshot.revision, TableReplica(snapshot))) }
    }
    let newest = table.snapshot()
    var followed = 0
    for (revision, replica) in read {
      guard case .events(let events, _) = table.unread(since: revision) else { continue }
      var replica = replica
      for event in events { replica.apply(event) }
      replica.expectSame(as: newest)
      followed += 1
    }
    #expect(followed > 20)
    #expect(events(table, since: newest.revision)?.isEmpty == true)
  }

  @Test("a reader that has read nothing, is too far behind, or ahead, gets a snapshot")
  func snapshotInstead() throws {
    let table = table(journalLimit: 8)
    for number in 0..<20 {
      let local = try affiliate("me", hostname: "host-\(number)")
      table.commit { $0.setLocal(AffiliateRecord(local)) }
    }
    for revision in [nil, 0, 1, 21, .max] as [UInt64?] {
      guard case .snapshot(let snapshot) = table.unread(since: revision) else {
        Issue.record("no snapshot for who has read \(revision.map { "\($0)" } ?? "nothing")")
        continue
      }
      #expect(snapshot.revision == 20)
    }
    #expect(events(table, since: 19)?.count == 1)
  }

  @Test(
    "how many changes are kept is what counts, not how many commits; one that is larger makes all read anew")
  func journalByChanges() throws {
    let table = table(journalLimit: 8)
    table.commit { $0.place(registry) }
    let many = RegistryIntake.Batch(
      updates: [
        .snapshot(try (0..<9).map { AffiliateRecord(try affiliate("n\($0)")) }, source: .only)
      ])
    table.commit { _ = $0.apply(many, from: key) }
    #expect(events(table, since: 1) == nil)
    #expect(events(table, since: 2)?.isEmpty == true)
    let local = try affiliate("me")
    table.commit { $0.setLocal(AffiliateRecord(local)) }
    #expect(events(table, since: 2)?.count == 1)
  }

  @Test(
    "a long journal gives each reader what it misses and drops what is too old",
    arguments: [1, 7, 64, 100, 101, 200])
  func journal(behind: Int) {
    var journal = ChangeJournal(limit: 100)
    for revision in 1...10_000 as ClosedRange<UInt64> {
      journal.append([.registryRemoved("\(revision)")], revision: revision)
      guard revision > behind else { continue }
      let missed = journal.events(since: revision - UInt64(behind))
      if behind > 100 {
        #expect(missed == nil)
      } else {
        #expect(missed?.count == behind)
        guard case .registryRemoved(let first)? = missed?.first else { continue }
        #expect(first == "\(revision - UInt64(behind) + 1)")
      }
    }
  }

  @Test("revisions without an event take no room in the journal")
  func emptyRevisions() throws {
    var journal = ChangeJournal(limit: 100)
    journal.append([.registryRemoved("first")], revision: 1)
    for revision in 2...10_000 as ClosedRange<UInt64> { journal.append([], revision: revision) }
    journal.append([.registryRemoved("last")], revision: 10_001)
    let kept = Mirror(reflecting: journal).descendant("entries") as? [Any]
    #expect(kept?.count == 2)
    #expect(journal.events(since: 1)?.count == 1)
    #expect(journal.events(since: 0)?.count == 2)
  }

  @Test("readers don't wait for a writer that takes its time")
  func readersDoNotWait() async throws {
    let table = table()
    let local = try affiliate("me")
    table.commit { $0.setLocal(AffiliateRecord(local)) }
    let (isWriting, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let writing = Task {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread {
          table.commit { writer in
            writer.setLocal(nil)
            isWriting.signal()
            mayEnd.wait()
          }
          continuation.resume()
        }
      }
    }
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        isWriting.wait()
        continuation.resume()
      }
    }
    // Were one of these to wait, the test wouldn't end: the writer goes on only after them.
    #expect(names(table.snapshot()) == ["me"])
    #expect(events(table, since: 0)?.count == 1)
    var reader = ClusterEvents(table: table).makeAsyncIterator()
    guard case .snapshot? = await reader.next() else {
      Issue.record("no snapshot")
      return
    }
    var snapshots = ClusterSnapshots(table: table).makeAsyncIterator()
    #expect(await snapshots.next()?.revision == 1)
    await table.waitForChange(after: 0)
    mayEnd.signal()
    await writing.value
    #expect(await snapshots.next()?.members.isEmpty == true)
  }

  @Test("who waits for a change is woken by the next one, and not by what it has read")
  func waits() async throws {
    let table = table()
    let local = try affiliate("me")
    await table.waitForChange(after: 0) { table.commit { $0.setLocal(AffiliateRecord(local)) } }
    #expect(table.snapshot().revision == 1)
    // It is there already.
    await table.waitForChange(after: 0)
    await table.waitForChange(after: 1) { table.finish() }
    #expect(table.isFinished)
  }

  // MARK: The end

  @Test("readers get what they haven't read, and then the end")
  func end() async throws {
    let table = table()
    let local = try affiliate("me")
    var events = ClusterEvents(table: table).makeAsyncIterator()
    var snapshots = ClusterSnapshots(table: table).makeAsyncIterator()
    _ = await events.next()
    _ = await snapshots.next()
    table.commit { $0.setLocal(AffiliateRecord(local)) }
    table.finish()
    guard case .changes? = await events.next() else {
      Issue.record("the last change wasn't read")
      return
    }
    while let event = await events.next() { #expect(!event.isOfRecords) }
    #expect(await snapshots.next()?.revision == 1)
    #expect(await snapshots.next() == nil)
    guard case .finished = table.unread(since: 1) else {
      Issue.record("not finished")
      return
    }
    // Who comes later still learns how it was.
    guard case .snapshot? = await ClusterEvents(table: table).makeAsyncIterator().first() else {
      Issue.record("no snapshot after the end")
      return
    }
  }

  // MARK: Anything

  @Test("ten thousand random steps: the events make a replica what the snapshot is", arguments: [1, 2])
  func replica(seed: UInt64) throws {
    let table = table()
    var random = try RandomTable(table, clock: clock, seed: seed)
    var replica = TableReplica()
    var revision: UInt64 = 0
    var resynced = 0
    for step in 1...10_000 {
      random.step()
      // Now and then a reader that is behind.
      guard step % 7 == 0 else { continue }
      switch table.unread(since: revision) {
      case .events(let events, let snapshot):
        for event in events { replica.apply(event) }
        revision = snapshot.revision
      case .snapshot(let snapshot):
        replica = TableReplica(snapshot)
        revision = snapshot.revision
        resynced += 1
      case .finished: Issue.record("finished")
      }
      if step % 70 == 0 { replica.expectSame(as: table.snapshot()) }
    }
    #expect(resynced == 0)
    #expect(revision > 1_000)
  }

  @Test("what a reader that is too far behind gets in one makes its replica what the snapshot is")
  func difference() throws {
    let table = table()
    var random = try RandomTable(table, clock: clock, seed: 3)
    var read = table.snapshot()
    var replica = TableReplica(read)
    for step in 1...3_000 {
      random.step()
      guard step % 30 == 0 else { continue }
      let snapshot = table.snapshot()
      for event in ClusterDifference.events(from: read, to: snapshot) { replica.apply(event) }
      replica.expectSame(as: snapshot)
      #expect(ClusterDifference.events(from: snapshot, to: snapshot).isEmpty)
      read = snapshot
    }
  }

  @Test(
    "ages alone are no difference: neither of records that were confirmed again nor of a conflict's claims")
  func agesMakeNoDifference() throws {
    let now = Mutex<Int64>(1_000)
    let table = ClusterTable(
      policy: MergePolicy(), journalLimit: 0, time: TimeSource(clock),
      now: { Timestamp(milliseconds: now.withLock { $0 }) })
    func batch(_ confirmedAt: Int64) throws -> RegistryIntake.Batch {
      let records = try ["rack-1", "rack-2"].map { hostname in
        AffiliateRecord(
          try affiliate("a", hostname: hostname), confirmedAt: Timestamp(milliseconds: confirmedAt))
      }
      return RegistryIntake.Batch(updates: [
        .snapshot([records[0]], source: .only),
        .snapshot([records[1]], source: try RegistrySource("other")),
      ])
    }
    table.commit { $0.place(registry) }
    let (first, second) = (try batch(500), try batch(1_500))
    table.commit { _ = $0.apply(first, from: key) }
    let before = table.snapshot()
    #expect(before.conflicts.count == 1)
    now.withLock { $0 = 2_000 }
    table.commit { _ = $0.apply(second, from: key) }
    #expect(before.conflicts != table.snapshot().conflicts)
    #expect(ClusterDifference.events(from: before, to: table.snapshot()).isEmpty)
  }

  @Test("many readers beside many writers all end with the same")
  func concurrentReaders() async throws {
    let table = table(journalLimit: 64)
    let replicas = try await withThrowingTaskGroup(of: TableReplica.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var replica = TableReplica()
          for await event in ClusterEvents(table: table) { replica.apply(event) }
          return replica
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { writers in
        for writer in 0..<3 {
          writers.addTask {
            for number in 0..<1_000 {
              let local = try affiliate("me-\(writer)", hostname: "host-\(number)")
              table.commit { $0.setLocal(AffiliateRecord(local)) }
              if number % 16 == 0 { await Task.yield() }
            }
          }
        }
        try await writers.waitForAll()
      }
      table.finish()
      var replicas: [TableReplica] = []
      for try await replica in group { replicas.append(replica) }
      return replicas
    }
    #expect(table.snapshot().revision == 3_000)
    for replica in replicas { replica.expectSame(as: table.snapshot()) }
  }
}

extension ClusterTable {
  /// Waits for a change that `body` makes once the wait has begun.
  fileprivate func waitForChange(after revision: UInt64, by body: @escaping @Sendable () -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.waitForChange(after: revision) }
      group.addTask {
        while self.revisions.waiterCount == 0 { await Task.yield() }
        body()
      }
    }
  }
}

extension AsyncIteratorProtocol {
  /// The first element.
  fileprivate consuming func first() async rethrows -> Element? { try await next() }
}
