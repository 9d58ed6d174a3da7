import ClusterModel
import RegistryKit
import Testing

@testable import Rollcall

@Suite("A registry's intake")
struct RegistryIntakeTests {
  private let away = RegistryError(.unavailable, "no route")

  private func record(_ number: Int, hostname: String = "") throws -> AffiliateRecord {
    AffiliateRecord(Affiliate(nodeID: try NodeIdentity("node-\(number)"), hostname: hostname))
  }

  private func upsert(_ number: Int, source: RegistrySource = .only) throws -> RegistryUpdate {
    .upsert(try record(number), source: source)
  }

  private func sources(_ names: [String]) throws -> [RegistrySource] {
    try names.map { try RegistrySource($0) }
  }

  // MARK: Keeping

  @Test("a million updates of a thousand nodes are kept as a thousand, the newest of each")
  func coalesces() throws {
    let intake = RegistryIntake()
    try intake.apply([.snapshot([], source: .only)])
    let early = try (0..<1000).map { try record($0) }
    let late = try (0..<1000).map { try record($0, hostname: "late") }
    for round in 0..<1000 {
      for record in round < 999 ? early : late { try intake.apply([.upsert(record, source: .only)]) }
    }
    let batch = try #require(intake.take())
    #expect(batch.updates == [.snapshot([], source: .only)] + late.map { .upsert($0, source: .only) })
    #expect(intake.take() == nil)
  }

  @Test("a removal after an upsert is what counts, and the other way round", arguments: [true, false])
  func newestOfEachNode(inOneBatch: Bool) throws {
    let intake = RegistryIntake()
    let (one, two) = (try NodeIdentity("node-1"), try NodeIdentity("node-2"))
    let updates: [RegistryUpdate] = [
      .snapshot([], source: .only), try upsert(1), .remove(two, source: .only, reason: .expired),
      .remove(one, source: .only, reason: .withdrawn), try upsert(2),
    ]
    if inOneBatch {
      try intake.apply(updates)
    } else {
      for update in updates { try intake.apply([update]) }
    }
    #expect(
      intake.take()?.updates == [
        .snapshot([], source: .only), .remove(one, source: .only, reason: .withdrawn), try upsert(2),
      ])
  }

  @Test(
    "a removal keeps when the node was last confirmed by the upsert that it replaces",
    arguments: [true, false])
  func confirmedBeforeRemoval(inOneBatch: Bool) throws {
    let intake = RegistryIntake()
    func confirmed(_ number: Int, _ milliseconds: Int64) throws -> RegistryUpdate {
      var record = try record(number)
      record.confirmedAt = Timestamp(milliseconds: milliseconds)
      return .upsert(record, source: .only)
    }
    func apply(_ updates: RegistryUpdate...) throws {
      if inOneBatch { return try intake.apply(RegistryBatch(updates: updates)) }
      for update in updates { try intake.apply([update]) }
    }
    let ids = try (0...3).map { try NodeIdentity("node-\($0)") }
    let removals = ids.map { RegistryUpdate.remove($0, source: .only, reason: .expired) }
    try apply(.snapshot([], source: .only))
    _ = intake.take()
    // The third one is back, of the fourth it isn't known.
    try apply(
      try confirmed(1, 10), removals[1], removals[1], try confirmed(2, 20), removals[2], try confirmed(2, 30),
      try upsert(3), removals[3], removals[0])
    let batch = try #require(intake.take())
    #expect(
      batch.confirmations == [
        .init(nodeID: ids[1], source: .only, confirmedAt: Timestamp(milliseconds: 10))
      ])
    #expect(batch.updates == [removals[1], try confirmed(2, 30), removals[3], removals[0]])
    // Of those that a snapshot lists nothing is kept.
    try apply(try confirmed(1, 10), removals[1], try confirmed(2, 20), removals[2])
    try intake.apply([.snapshot([try record(2)], source: .only)])
    #expect(intake.take()?.confirmations.map(\.nodeID) == [ids[1]])
    #expect(intake.take() == nil)
  }

  @Test("a snapshot replaces what its source had before, and not what others have")
  func snapshotReplaces() throws {
    let intake = RegistryIntake()
    let other = try RegistrySource("other")
    for source in [RegistrySource.only, other] {
      try intake.apply([.snapshot([], source: source), try upsert(1, source: source)])
    }
    try intake.apply([.snapshot([try record(2)], source: .only, absent: .unlisted)])
    #expect(
      intake.take()?.updates == [
        .snapshot([try record(2)], source: .only, absent: .unlisted),
        .snapshot([], source: other), try upsert(1, source: other),
      ])
  }

  @Test("of each aspect of each source the newest report is kept, in the order in which they came")
  func reportsCoalesce() throws {
    let intake = RegistryIntake()
    let eu = try RegistrySource("eu")
    for _ in 0..<1000 {
      try intake.apply(RegistryBatch(reports: [HealthReport(.reading, away, source: eu)]))
      try intake.apply(RegistryBatch(reports: [HealthReport(.reading, away), HealthReport(.content, away)]))
      try intake.apply(RegistryBatch(reports: [HealthReport(.reading, nil)]))
    }
    #expect(
      intake.take()?.reports == [
        HealthReport(.reading, away, source: eu), HealthReport(.content, away), HealthReport(.reading, nil),
      ])
  }

  @Test("the newest public address is kept")
  func publicAddress() throws {
    let intake = RegistryIntake()
    for text in ["192.0.2.1", "192.0.2.2"] {
      try intake.apply(RegistryBatch(publicAddress: try IPAddress(text)))
    }
    #expect(intake.take()?.publicAddress == (try IPAddress("192.0.2.2")))
    #expect(intake.take() == nil)
  }

  @Test("a batch in which nothing is changes nothing")
  func emptyBatch() throws {
    let intake = RegistryIntake()
    try intake.apply(RegistryBatch())
    try intake.apply(RegistryBatch(expectedSources: []))
    #expect(intake.take() == nil)
  }

  // MARK: Rules

  @Test("a change before a source's first snapshot is refused and ends the run")
  func snapshotFirst() throws {
    let intake = RegistryIntake()
    let error = #expect(throws: RegistryError.self) {
      try intake.apply([try upsert(7, source: try RegistrySource("eu"))])
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "node 'node-7' was changed before the first snapshot of source 'eu'")
    #expect(intake.end == error)
    #expect(throws: RegistryError.self) { try intake.apply(RegistryBatch()) }
    let own = #expect(throws: RegistryError.self) {
      try RegistryIntake().apply([.remove(try NodeIdentity("node-7"), source: .only, reason: .removed)])
    }
    #expect(own?.message == "node 'node-7' was changed before the first snapshot of its source")
  }

  @Test("within a batch a change may follow its source's snapshot, and not come before it")
  func snapshotFirstInBatch() throws {
    let intake = RegistryIntake()
    try intake.apply([.snapshot([], source: .only), try upsert(1)])
    #expect(intake.take()?.updates.count == 2)
    #expect(throws: RegistryError.self) {
      try RegistryIntake().apply([try upsert(1), .snapshot([], source: .only)])
    }
  }

  @Test("a source that is gone has to start with a snapshot again", arguments: [true, false])
  func sourceGone(inOneBatch: Bool) throws {
    let intake = RegistryIntake()
    try intake.apply([.snapshot([try record(1)], source: .only)])
    let removal = RegistryUpdate.remove(try NodeIdentity("node-1"), source: .only, reason: .removed)
    if inOneBatch {
      #expect(throws: RegistryError.self) { try intake.apply([.sourceGone(.only), removal]) }
    } else {
      try intake.apply([.sourceGone(.only)])
      #expect(intake.take()?.updates == [.snapshot([try record(1)], source: .only), .sourceGone(.only)])
      #expect(throws: RegistryError.self) { try intake.apply([removal]) }
    }
  }

  @Test("why nodes are gone is kept when their source ends, and when a snapshot without them follows")
  func reasonsStay() throws {
    let (one, two) = (try NodeIdentity("node-1"), try NodeIdentity("node-2"))
    let removals = [one, two].map { RegistryUpdate.remove($0, source: .only, reason: .withdrawn) }
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 2, sources: 2))
    try intake.apply([.snapshot([try record(1), try record(2)], source: .only)])
    _ = intake.take()
    let empty = RegistryUpdate.snapshot([], source: .only, absent: .deleted)
    try intake.apply([empty, .sourceGone(.only)])
    #expect(intake.take()?.updates == [empty, .sourceGone(.only)])

    try intake.apply([.snapshot([try record(1), try record(2)], source: .only)])
    _ = intake.take()
    try intake.apply(removals)
    let again = RegistryUpdate.snapshot([try record(2)], source: .only)
    try intake.apply([again, try upsert(1)])
    try intake.apply([.sourceGone(.only), .sourceGone(.only)])
    #expect(intake.take()?.updates == [removals[0], again, try upsert(1), .sourceGone(.only)])
  }

  @Test("removals before a snapshot are bounded, and count against no limit")
  func removalsAreBounded() throws {
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 2, sources: 2))
    try intake.apply([.snapshot([], source: .only)])
    for round in 0..<100 {
      try intake.apply([
        .remove(try NodeIdentity("gone-\(round)"), source: .only, reason: .expired),
        .snapshot([try record(1)], source: .only), try upsert(2),
      ])
    }
    #expect(try #require(intake.take()).updates.count <= 4)
  }

  @Test("the end of a source that nobody knows is no change")
  func unknownSourceGone() throws {
    let intake = RegistryIntake()
    try intake.apply([.sourceGone(try RegistrySource("never"))])
    #expect(intake.take() == nil)
  }

  @Test("a snapshot with a node in it twice is refused, the node named")
  func duplicates() throws {
    let error = #expect(throws: RegistryError.self) {
      try RegistryIntake().apply([.snapshot([try record(1), try record(2), try record(1)], source: .only)])
    }
    #expect(error?.message == "node 'node-1' is in a snapshot twice; each may be in it once")
  }

  @Test("who applies something after the end learns that it has been stopped")
  func closed() throws {
    let intake = RegistryIntake()
    intake.close()
    let error = #expect(throws: RegistryError.self) {
      try intake.apply(RegistryBatch(reports: [HealthReport(.reading, nil)]))
    }
    #expect(error?.code == .stopped)
    #expect(intake.take() == nil)
  }

  // MARK: All or nothing

  /// What makes a batch one that can't be taken.
  enum Fault: CaseIterable {
    case changeBeforeSnapshot, duplicate, tooManyNodes, tooManyChanges, tooManySources, tooManyExpected
    case tooManyReports, tooManyComingAndGoing
  }

  private func faulty(_ fault: Fault) throws -> RegistryBatch {
    var batch = RegistryBatch(
      expectedSources: [.only], updates: [.snapshot([try record(8)], source: .only), try upsert(9)],
      reports: [HealthReport(.content, away)], publicAddress: try IPAddress("192.0.2.1"))
    switch fault {
    case .changeBeforeSnapshot: batch.updates.append(try upsert(1, source: try RegistrySource("new")))
    case .duplicate:
      batch.updates.append(.snapshot([try record(1), try record(1)], source: .only))
    case .tooManyNodes:
      batch.updates.append(.snapshot(try (0..<5).map { try record($0) }, source: .only))
    case .tooManyChanges: batch.updates += try (10..<16).map { try upsert($0) }
    case .tooManySources:
      batch.updates += try sources(["a", "b", "c"]).map { .snapshot([], source: $0) }
    case .tooManyExpected: batch.expectedSources = try sources(["a", "b", "c"])
    case .tooManyReports:
      batch.reports += try sources((0..<40).map { "s\($0)" }).map {
        HealthReport(.reading, away, source: $0)
      }
    case .tooManyComingAndGoing:
      for source in try sources((0..<20).map { "s\($0)" }) {
        batch.updates += [.snapshot([], source: source), .sourceGone(source)]
      }
    }
    return batch
  }

  @Test(
    "of a batch that breaks a rule nothing is taken, and what came before it stays", arguments: Fault.allCases
  )
  func atomic(fault: Fault) throws {
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 4, sources: 2))
    try intake.apply([.snapshot([], source: .only), try upsert(1)])
    let error = #expect(throws: RegistryError.self) { try intake.apply(try faulty(fault)) }
    #expect(error?.code != .stopped)
    #expect(intake.end == error)
    let batch = try #require(intake.take())
    #expect(batch.updates == [.snapshot([], source: .only), try upsert(1)])
    #expect(batch.reports.isEmpty)
    #expect(batch.publicAddress == nil)
    #expect(batch.awaited == nil)
    #expect(intake.take() == nil)
  }

  // MARK: Limits

  @Test("more nodes or sources than a registry may have end the run", arguments: [true, false])
  func limits(nodes: Bool) throws {
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 2, sources: 2))
    let error = #expect(throws: RegistryError.self) {
      if nodes {
        try intake.apply([.snapshot([], source: .only)])
        for number in 0..<3 { try intake.apply([try upsert(number)]) }
      } else {
        for source in try sources(["a", "b", "c"]) { try intake.apply([.snapshot([], source: source)]) }
      }
    }
    #expect(error?.code == .limitExceeded)
  }

  @Test("as many nodes as a registry may have are taken, changed over and over before they are taken out")
  func withinLimits() throws {
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 2, sources: 2))
    try intake.apply([.snapshot([], source: .only)])
    for _ in 0..<100 { try intake.apply([try upsert(1), try upsert(2), try upsert(1)]) }
    #expect(intake.take()?.updates.count == 3)
    for source in try sources(["a", "b", "c", "d"]) {
      try intake.apply([.snapshot([], source: source), .sourceGone(source)])
    }
    #expect(intake.end == nil)
  }

  @Test("sources that come and go faster than they are taken stay bounded")
  func sourcesInARow() throws {
    let intake = RegistryIntake(limits: RegistryIntake.Limits(nodes: 10, sources: 2))
    let error = #expect(throws: RegistryError.self) {
      for number in 0..<100 {
        let source = try RegistrySource("s\(number)")
        try intake.apply([.snapshot([], source: source)])
        try intake.apply([.sourceGone(source)])
      }
    }
    #expect(error?.code == .limitExceeded)
  }

  @Test("reports of more sources than a registry may have end the run")
  func tooManyReports() throws {
    let intake = RegistryIntake()
    let error = #expect(throws: RegistryError.self) {
      for number in 0..<1000 {
        let report = HealthReport(.reading, away, source: try RegistrySource("s\(number)"))
        try intake.apply(RegistryBatch(reports: [report]))
      }
    }
    #expect(error?.code == .limitExceeded)
    #expect(error?.message == "reports are of more sources than a registry may have")
  }

  @Test("trouble of more sources than a registry may have ends the run, however slowly it comes")
  func tooManyProblems() throws {
    let intake = RegistryIntake()
    func report(_ number: Int, _ error: RegistryError?) throws {
      let report = HealthReport(.content, error, source: try RegistrySource("s\(number)"))
      try intake.apply(RegistryBatch(reports: [report]))
      _ = intake.take()
    }
    // What was got over doesn't count.
    for number in 0..<1000 {
      try report(number, away)
      try report(number, nil)
    }
    let error = #expect(throws: RegistryError.self) {
      for number in 0..<1000 { try report(number, away) }
    }
    #expect(error?.message == "reports are of more sources than a registry may have")
  }

  @Test("more expected sources than a registry may have end the run")
  func tooManyExpected() throws {
    let intake = RegistryIntake()
    let names = try sources((0...64).map { "s\($0)" })
    try intake.apply(RegistryBatch(expectedSources: Array(names.dropLast())))
    let error = #expect(throws: RegistryError.self) {
      try intake.apply(RegistryBatch(expectedSources: names))
    }
    #expect(
      error == RegistryError(.limitExceeded, "65 sources are more than the 64 that a registry may have"))
    #expect(intake.end == error)
  }

  // MARK: In sync

  @Test("without expected sources the first snapshot is what completes the sync, once")
  func unnamedSources() throws {
    let intake = RegistryIntake()
    try intake.apply(RegistryBatch(reports: [HealthReport(.reading, nil)]))
    #expect(intake.take()?.completesSync == false)
    try intake.apply([.snapshot([], source: .only)])
    #expect(intake.take()?.completesSync == true)
    try intake.apply([.snapshot([], source: .only)])
    #expect(intake.take()?.completesSync == false)
  }

  @Test("with expected sources the last one's snapshot or end completes the sync, batch by batch")
  func namedSources() throws {
    let intake = RegistryIntake()
    let all = try sources(["a", "b", "c"])
    try intake.apply(RegistryBatch(expectedSources: all + all))
    #expect(intake.take()?.awaited == Set(all))
    let steps: [(RegistryUpdate, completes: Bool)] = [
      (.snapshot([], source: all[0]), false), (.snapshot([], source: all[0]), false),
      (.snapshot([], source: try RegistrySource("other")), false), (.snapshot([], source: all[2]), false),
      (.sourceGone(all[1]), true),
    ]
    for (update, completes) in steps {
      try intake.apply([update])
      #expect((intake.take()?.completesSync ?? false) == completes, "\(update)")
    }
  }

  @Test("expected sources and their snapshots complete the sync at once", arguments: [true, false])
  func namedInOneBatch(inOneBatch: Bool) throws {
    let intake = RegistryIntake()
    let all = try sources(["a", "b"])
    if inOneBatch {
      try intake.apply(
        RegistryBatch(expectedSources: all, updates: all.map { .snapshot([], source: $0) }))
    } else {
      try intake.apply(RegistryBatch(expectedSources: all))
      for source in all { try intake.apply([.snapshot([], source: source)]) }
    }
    let batch = try #require(intake.take())
    #expect(batch.completesSync)
    #expect(batch.updates.map(\.source) == all)
    #expect(batch.awaited?.isEmpty != false)
  }

  @Test("expected sources replace those before, and one that had a snapshot isn't awaited again")
  func expectedAnew() throws {
    let intake = RegistryIntake()
    let all = try sources(["a", "b"])
    try intake.apply(RegistryBatch(expectedSources: all, updates: [.snapshot([], source: all[0])]))
    var batch = try #require(intake.take())
    #expect(!batch.completesSync)
    #expect(batch.awaited == [all[1]])
    try intake.apply(RegistryBatch(expectedSources: [all[0]]))
    batch = try #require(intake.take())
    #expect(batch.completesSync)
    #expect(batch.awaited == [])
    #expect(intake.take() == nil)
  }

  @Test("sources that all end before they had a snapshot don't make a sync")
  func allGone() throws {
    let intake = RegistryIntake()
    try intake.apply(RegistryBatch(expectedSources: [.only]))
    try intake.apply([.sourceGone(.only)])
    #expect(intake.take()?.completesSync == false)
    try intake.apply([.snapshot([], source: .only)])
    #expect(intake.take()?.completesSync == true)
  }
}

extension RegistryIntake {
  fileprivate func apply(_ updates: [RegistryUpdate]) throws { try apply(RegistryBatch(updates: updates)) }
}
