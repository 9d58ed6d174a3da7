import ClusterModel
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("The aggregator", .timeLimit(.minutes(2)))
struct AggregatorTests {
  @Test("what two registries know is one list of members, live")
  func twoRegistries() async throws {
    let (one, two) = (
      StagedRegistry(knowing: [try affiliate("a", hostname: "alpha")]),
      StagedRegistry(knowing: [try affiliate("a", address: "10.0.0.1"), try affiliate("b")])
    )
    let aggregator = try Aggregator(
      registries: [
        RegistryDefinition(name: "one", registry: one), RegistryDefinition(name: "two", registry: two),
      ], options: options(), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      let snapshot = aggregator.snapshot()
      #expect(snapshot.members.map(\.value.id) == ["a", "b"])
      #expect(snapshot.members.first?.value.hostname == "alpha")
      #expect(snapshot.members.first?.value.addresses == [try IPAddress("10.0.0.1")])
      #expect(snapshot.rawAffiliates.map(\.id.description) == ["one/a", "two/a", "two/b"])
      #expect(snapshot.registries.map(\.affiliateCount) == [1, 2])
      #expect(snapshot.isSynced)

      try one.session().upsert(try affiliate("c"))
      try two.session().remove(try NodeIdentity("b"))
      try await eventually("the changes are in") { aggregator.memberNames == ["a", "c"] }
    }
  }

  @Test("a slow reader of snapshots gets the newest, and none twice")
  func newestWins() async throws {
    let registry = StagedRegistry(knowing: [])
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "one", registry: registry)], options: options(), logger: quiet)
    try await running(aggregator) {
      var snapshots = aggregator.snapshots().makeAsyncIterator()
      _ = await snapshots.next()
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      for number in 0..<500 { try registry.session().upsert(try affiliate("n\(number)")) }
      try await eventually("all are in") { aggregator.memberNames.count == 500 }
      let first = try #require(await snapshots.next())
      #expect(first.members.count == 500)
      try registry.session().upsert(try affiliate("n500"))
      let second = try #require(await snapshots.next())
      #expect(second.members.count == 501)
      #expect(second.revision > first.revision)
    }
  }

  @Test("reading ends when the aggregator stops, and it runs only once")
  func end() async throws {
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "one", registry: StagedRegistry(knowing: []))],
      options: options(), logger: quiet)
    var snapshots = aggregator.snapshots().makeAsyncIterator()
    var changes = aggregator.changes().makeAsyncIterator()
    try await running(aggregator) { try await aggregator.waitUntilSynced(timeout: .seconds(60)) }
    while await snapshots.next() != nil {}
    while await changes.nextOfRecords() != nil {}
    await #expect(throws: AggregatorError.self) { try await aggregator.run() }
  }

  @Test("a reader of changes gets a snapshot, then each change")
  func changes() async throws {
    let registry = StagedRegistry(knowing: [try affiliate("a")])
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "one", registry: registry)], options: options(), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      var changes = aggregator.changes().makeAsyncIterator()
      guard case .snapshot(let snapshot)? = await changes.nextOfRecords() else {
        Issue.record("the first change isn't a snapshot")
        return
      }
      #expect(snapshot.members.map(\.value.id) == ["a"])
      try registry.session().upsert(try affiliate("b"))
      guard case .changes(let merged)? = await changes.nextOfRecords() else {
        Issue.record("no changes")
        return
      }
      let members = merged.compactMap { change in
        if case .member(let change) = change { return "\(change.kind) \(change.key)" } else { return nil }
      }
      #expect(members == ["created b"])
      try registry.session().report(.reading, RegistryError(.unavailable, "the other end is away"))
      guard case .registry(let status)? = await changes.nextOfRecords() else {
        Issue.record("no status")
        return
      }
      #expect(status.state == .degraded)
      #expect(status.error?.message == "the other end is away")
    }
  }

  @Test(
    "a reader of changes that falls behind gets in one what became of all that it missed, and goes on from there"
  )
  func resynchronised() async throws {
    let registry = StagedRegistry(knowing: [])
    var options = options()
    options.changeLimit = 8
    let aggregator = try Aggregator(
      registries: [RegistryDefinition(name: "one", registry: registry)], options: options, logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced(timeout: .seconds(60))
      var changes = aggregator.changes().makeAsyncIterator()
      _ = await changes.nextOfRecords()
      for number in 0..<100 { try registry.session().upsert(try affiliate("n\(number)")) }
      try await eventually("all are in") { aggregator.memberNames.count == 100 }
      guard case .changes(let missed)? = await changes.nextOfRecords() else {
        Issue.record("no changes after falling behind")
        return
      }
      let members = missed.compactMap { if case .member(let change) = $0 { change.kind } else { nil } }
      #expect(members == Array(repeating: .created, count: 100))
      try registry.session().remove(try NodeIdentity("n0"))
      guard case .changes(let next)? = await changes.nextOfRecords() else {
        Issue.record("no changes after that")
        return
      }
      #expect(next.count == 3)
    }
  }

  @Test("a reader that waits leaves nothing behind when its task is cancelled", arguments: [true, false])
  func cancelledReader(readsChanges: Bool) async throws {
    let aggregator = try Aggregator(registries: [], options: options(), logger: quiet)
    let reader = Task {
      if readsChanges {
        for await _ in aggregator.changes() {}
      } else {
        for await _ in aggregator.snapshots() {}
      }
    }
    try await eventually("it waits") { aggregator.table.revisions.waiterCount == 1 }
    reader.cancel()
    await reader.value
    #expect(aggregator.table.revisions.waiterCount == 0)
  }

  @Test("names and raw prefixes that clash are refused, both registries named")
  func clashes() throws {
    let registry = StagedRegistry()
    let twice = #expect(throws: AggregatorError.self) {
      try Aggregator(registries: [
        RegistryDefinition(name: "one", registry: registry),
        RegistryDefinition(name: "one", registry: registry),
      ])
    }
    #expect(twice?.message == "there are two registries called 'one'")
    let prefix = #expect(throws: AggregatorError.self) {
      try Aggregator(registries: [
        RegistryDefinition(name: "one", registry: registry),
        RegistryDefinition(name: "two", prefix: "one", registry: registry),
      ])
    }
    #expect(
      prefix?.message
        == "the raw ids of registries 'one' and 'two' would both start with 'one/': rename one of them")
    #expect(throws: AggregatorError.self) {
      try Aggregator(registries: [RegistryDefinition(name: "No/Name", registry: registry)])
    }
  }

  @Test("without an enabled registry discovery is off, and nothing is waited for")
  func off() async throws {
    var definition = RegistryDefinition(name: "one", registry: StagedRegistry())
    definition.disabled = "disabled in the configuration"
    let aggregator = try Aggregator(registries: [definition], options: options(), logger: quiet)
    #expect(aggregator.isDiscoveryOff)
    try await aggregator.waitUntilSynced()
    #expect(aggregator.snapshot().registry("one")?.disabledReason == "disabled in the configuration")
    try await running(aggregator) { #expect(aggregator.state("one") == .disabled) }
  }
}
