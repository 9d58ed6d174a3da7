import ClusterModel
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("Leases over outages", .timeLimit(.minutes(2)))
struct LeaseTests {
  private let away = RegistryError(.unavailable, "no route")
  private static let grace = Duration.seconds(60)

  private func registry(leases: Bool = true, grace: Duration = grace) -> TableRegistry {
    TableRegistry(leases: leases, retention: RetentionPolicy(staleAfter: .seconds(1000), missingGrace: grace))
  }

  /// How a registry may be away.
  enum Outage: CaseIterable {
    case readingError, readingErrorInOneTake, failedRun, restart, reload

    func strike(_ registry: TableRegistry, _ error: RegistryError, for duration: Duration = .zero) throws {
      switch self {
      case .readingError:
        try registry.reading(error)
        registry.advance(by: duration)
      case .readingErrorInOneTake:
        registry.advance(by: duration)
        try registry.apply(
          RegistryBatch(reports: [HealthReport(.reading, error)]),
          RegistryBatch(reports: [HealthReport(.reading, nil)]))
      case .failedRun:
        registry.fail(error)
        registry.advance(by: duration)
        registry.begin()
      case .restart:
        registry.begin()
        registry.advance(by: duration)
      case .reload:
        registry.reload()
        registry.advance(by: duration)
      }
    }
  }

  @Test(
    "without an outage who isn't in a snapshot is gone at once: expired for leases, else deleted",
    arguments: [true, false])
  func noOutage(leases: Bool) throws {
    let registry = registry(leases: leases)
    try registry.snapshot("a", "b")
    try registry.reading(nil)
    try registry.snapshot("a")
    #expect(registry.nodes == ["a"])
    #expect(registry.removals() == [leases ? "b expired" : "b deleted"])
    try registry.apply(RegistryBatch(updates: [.snapshot([], source: .only, absent: .withdrawn)]))
    #expect(registry.removals() == ["a withdrawn"])
    #expect(registry.due == nil)
  }

  @Test(
    "who is absent after an outage is held as stale for the grace, and then removed as unlisted",
    arguments: Outage.allCases)
  func held(outage: Outage) throws {
    let registry = registry()
    try registry.snapshot("a", "b", "c")
    try outage.strike(registry, away)
    try registry.snapshot("a")
    #expect(registry.nodes == ["a", "~b", "~c"])
    #expect(registry.status.state == .synced)
    #expect(registry.due == Self.grace)
    registry.advance(by: Self.grace - .milliseconds(1))
    #expect(registry.nodes == ["a", "~b", "~c"])
    #expect(registry.removals() == [])
    registry.advance(by: .milliseconds(1))
    #expect(registry.nodes == ["a"])
    #expect(registry.removals() == ["b unlisted", "c unlisted"])
    #expect(registry.due == nil)
    // Once is enough: the next snapshot is one without an outage.
    try registry.snapshot()
    #expect(registry.removals() == ["a expired"])
  }

  @Test("an outage counts that was over, snapshot and all, before anybody took the report of it")
  func outageInOneTake() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try registry.apply(
      RegistryBatch(reports: [HealthReport(.reading, away)]),
      RegistryBatch(
        updates: [.snapshot([AffiliateRecord(try affiliate("a"))], source: .only)],
        reports: [HealthReport(.reading, nil)]))
    #expect(registry.nodes == ["a", "~b"])
    #expect(registry.due == Self.grace)
    try registry.snapshot()
    #expect(registry.removals() == ["a expired"])
  }

  @Test("what isn't a lease is gone with the first snapshot after an outage", arguments: Outage.allCases)
  func notLeases(outage: Outage) throws {
    let registry = registry(leases: false)
    try registry.snapshot("a", "b")
    try outage.strike(registry, away)
    try registry.snapshot("a")
    #expect(registry.nodes == ["a"])
    #expect(registry.removals() == ["b deleted"])
    #expect(registry.due == nil)
  }

  @Test("a node that is held and renews its lease is fresh, and stays", arguments: [true, false])
  func renewed(bySnapshot: Bool) throws {
    let registry = registry()
    try registry.snapshot("a", "b", "c")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    registry.advance(by: .seconds(30))
    if bySnapshot {
      try registry.snapshot("a", "b")
    } else {
      try registry.apply(
        RegistryBatch(updates: [.upsert(AffiliateRecord(try affiliate("b")), source: .only)]))
    }
    #expect(registry.nodes == ["a", "b", "~c"])
    registry.advance(by: .seconds(30))
    #expect(registry.nodes == ["a", "b"])
    #expect(registry.removals() == ["c unlisted"])
  }

  @Test("a node that is held and removed by name is gone for the reason that is given")
  func removedByName() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    let removal = RegistryUpdate.remove(try NodeIdentity("b"), source: .only, reason: .withdrawn)
    try registry.apply(RegistryBatch(updates: [removal]))
    #expect(registry.removals() == ["b withdrawn"])
    #expect(registry.due == nil)
  }

  @Test("snapshots without an outage in between don't drop who is held, nor hold who is gone")
  func snapshotsMeanwhile() throws {
    let registry = registry()
    try registry.snapshot("a", "b", "c")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a", "b")
    registry.advance(by: .seconds(20))
    try registry.snapshot("a")
    #expect(registry.nodes == ["a", "~c"])
    #expect(registry.removals() == ["b expired"])
    #expect(registry.due == .seconds(40))
  }

  @Test("time in which the registry is away doesn't count", arguments: Outage.allCases)
  func timeAway(outage: Outage) throws {
    guard outage != .readingErrorInOneTake else { return }
    let registry = registry()
    try registry.snapshot("a", "b")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    registry.advance(by: .seconds(20))
    try outage.strike(registry, away, for: .seconds(500))
    #expect(registry.removals() == [])
    try registry.snapshot("a")
    #expect(registry.due == .seconds(40))
    registry.advance(by: .seconds(40))
    #expect(registry.removals() == ["b unlisted"])
  }

  @Test("reading that works again lets the time run on, before any snapshot")
  func backBeforeSnapshot() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    try registry.reading(away)
    registry.advance(by: .seconds(500))
    try registry.reading(nil)
    #expect(registry.due == Self.grace)
    registry.advance(by: Self.grace)
    #expect(registry.removals() == ["b unlisted"])
  }

  @Test("a second outage doesn't begin the time anew, however many come", arguments: Outage.allCases)
  func secondOutage(outage: Outage) throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    for _ in 0..<6 {
      try outage.strike(registry, away)
      try registry.snapshot("a")
      #expect(registry.nodes == ["a", "~b"])
      registry.advance(by: .seconds(10))
    }
    #expect(registry.nodes == ["a"])
    #expect(registry.removals() == ["b unlisted"])
  }

  @Test("who is absent after a second outage for the first time has the whole grace")
  func heldLater() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    registry.advance(by: .seconds(50))
    try Outage.readingError.strike(registry, away)
    try registry.snapshot()
    #expect(registry.nodes == ["~a", "~b"])
    registry.advance(by: .seconds(10))
    #expect(registry.removals() == ["b unlisted"])
    #expect(registry.due == .seconds(50))
  }

  @Test("a source that is silent for the grace has stale records until its next snapshot")
  func silent() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try registry.reading(away)
    #expect(registry.due == Self.grace)
    registry.advance(by: Self.grace - .milliseconds(1))
    #expect(registry.nodes == ["a", "b"])
    registry.advance(by: .milliseconds(1))
    #expect(registry.nodes == ["~a", "~b"])
    #expect(registry.status.state == .degraded)
    #expect(registry.due == nil)
    try registry.reading(nil)
    #expect(registry.nodes == ["~a", "~b"])
    try registry.snapshot("a")
    #expect(registry.nodes == ["a", "~b"])
    #expect(registry.removals() == [])
  }

  @Test(
    "trouble with anything but reading is no outage",
    arguments: [HealthAspect.content, .publishing, .credentials])
  func otherAspects(aspect: HealthAspect) throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try registry.report(aspect, away)
    #expect(registry.due == nil)
    try registry.snapshot("a")
    #expect(registry.removals() == ["b expired"])
  }

  @Test("what isn't a lease stays fresh while its registry can't be read")
  func notLeasesStayFresh() throws {
    let registry = registry(leases: false)
    try registry.snapshot("a")
    try registry.reading(away)
    #expect(registry.due == nil)
    registry.advance(by: .seconds(10_000))
    #expect(registry.nodes == ["a"])
  }

  @Test("no grace holds nobody, and records are stale as soon as their source is away")
  func noGrace() throws {
    let registry = registry(grace: .zero)
    try registry.snapshot("a", "b")
    try registry.reading(away)
    registry.advance(by: .zero)
    #expect(registry.nodes == ["~a", "~b"])
    try registry.snapshot("a")
    #expect(registry.nodes == ["a"])
    #expect(registry.removals() == ["b unlisted"])
    #expect(registry.due == nil)
  }

  @Test("each source is away and back by itself")
  func sources() throws {
    let registry = registry()
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.apply(RegistryBatch(expectedSources: [eu, us]))
    try registry.snapshot("a", "b", source: eu)
    try registry.snapshot("c", "d", source: us)
    try registry.reading(away, source: eu)
    try registry.snapshot("c", source: us)
    #expect(registry.removals() == ["d expired"])
    try registry.snapshot("a", source: eu)
    #expect(registry.nodes == ["a", "~b", "c"])
    registry.advance(by: Self.grace)
    #expect(registry.removals() == ["b unlisted"])
  }

  @Test(
    "what the registry reports of itself concerns each source, and doesn't speak for one that says otherwise")
  func registryWide() throws {
    let registry = registry()
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.snapshot("a", "b", source: eu)
    try registry.snapshot("c", "d", source: us)
    try registry.reading(away)
    try registry.reading(away, source: us)
    registry.advance(by: .seconds(30))
    try registry.reading(nil)
    registry.advance(by: .seconds(30))
    #expect(registry.nodes == ["a", "b", "~c", "~d"])
    try registry.snapshot("a", source: eu)
    #expect(registry.nodes == ["a", "~b", "~c", "~d"])
    #expect(registry.removals() == [])
  }

  @Test("a source of an earlier run that reports nothing yet is still away when the registry can be read")
  func unconfirmed() throws {
    let registry = registry()
    let (eu, us) = (try RegistrySource("eu"), try RegistrySource("us"))
    try registry.snapshot("a", source: eu)
    try registry.snapshot("c", "d", source: us)
    registry.fail()
    registry.begin()
    try registry.apply(RegistryBatch(expectedSources: [eu, us]))
    try registry.snapshot("a", source: eu)
    try registry.reading(nil)
    registry.advance(by: Self.grace)
    #expect(registry.nodes == ["a", "~c", "~d"])
    try registry.snapshot("c", source: us)
    #expect(registry.nodes == ["a", "c", "~d"])
  }

  @Test("a source that is no longer asked takes with it whom it held")
  func sourceGone() throws {
    let registry = registry()
    try registry.snapshot("a", "b")
    try Outage.readingError.strike(registry, away)
    try registry.snapshot("a")
    try registry.apply(RegistryBatch(updates: [.sourceGone(.only)]))
    #expect(registry.nodes == [])
    #expect(registry.due == nil)
    try registry.snapshot("c")
    #expect(registry.nodes == ["c"])
  }

  @Test("records with ids of the registry's own are held by these")
  func localIDs() throws {
    let registry = registry()
    func update(_ names: String...) throws -> RegistryBatch {
      RegistryBatch(updates: [
        .snapshot(
          try names.map { AffiliateRecord(try affiliate($0), isLocalID: true) }, source: .only)
      ])
    }
    try registry.apply(try update("17", "18"))
    try Outage.readingError.strike(registry, away)
    try registry.apply(try update("17"))
    try registry.reading(nil)
    #expect(registry.nodes == ["rack/17", "~rack/18"])
    registry.advance(by: Self.grace)
    #expect(registry.removals() == ["18 unlisted"])
    #expect(registry.nodes == ["rack/17"])
  }

  @Test(
    "under the aggregator the time runs by its clock, for a plugin and for a Swift value whose records are leases",
    arguments: [true, false])
  func aggregator(isPlugin: Bool) async throws {
    let clock = ManualClock()
    let registry = StagedRegistry(knowing: try affiliates("a", "b"))
    let plugins = StagedPlugins(["rack": registry], leases: true)
    let retention = RetentionPolicy(missingGrace: Self.grace)
    var value = RegistryDefinition(name: "rack", retention: retention, registry: registry)
    value.leases = true
    let definition = isPlugin ? plugins.registry("rack", retention: retention) : value
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [definition]), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.snapshot().registry("rack")?.leases == true)
      try registry.session().report(.reading, away)
      try await eventually("the time to stale runs") { clock.pending == [Self.grace] }
      clock.advance(by: .seconds(20))
      try registry.session().snapshot(try affiliates("a"))
      try await eventually("the time of who is held runs") { clock.pending == [Self.grace] }
      #expect(aggregator.memberNames == ["a", "b"])
      clock.advance(by: Self.grace)
      try await eventually("it is gone") { aggregator.memberNames == ["a"] }
      try await eventually("its tombstone's time runs") { clock.pending == [.seconds(86_400)] }
    }
  }
}
