import AffiliateMerge
import ClusterModel
import Testing

@Suite("Properties of the merge")
struct PropertyTests {
  private let comparison = MergeComparison()

  @Test(
    "after 10,000 random events it equals a naive rebuild, and its changes add up to it", arguments: [8, 60])
  func equalsRebuild(nodes: Int) async throws {
    // With many nodes some of what they have is shared by more than a conflict names.
    var events = try RandomEvents(seed: 2026, nodes: nodes)
    var merge = ClusterMerge()
    var naive = NaiveMerge()
    var replica = Replica()
    var copies: [(merge: ClusterMerge, naive: NaiveMerge)] = []
    for round in 0..<10_000 {
      await Task.yield()
      let event = events.event(known: naive.raws)
      naive.apply(event, at: at(Int64(round)))
      let changes = try merge.apply(event, at: at(Int64(round)))
      replica.apply(changes, of: event, at: at(Int64(round)), labels: merge.labels(of:))
      if round % (nodes > 8 ? 200 : 50) == 0 { comparison.expect(merge, equals: naive) }
      if round % 100 == 0 { replica.expectSame(as: merge) }
      if round % 1000 == 0 { copies.append((merge, naive)) }
    }
    comparison.expect(merge, equals: naive)
    replica.expectSame(as: merge)
    for copy in copies { comparison.expect(copy.merge, equals: copy.naive) }
  }

  @Test("any order of arrival gives the same", arguments: 1...20)
  func anyOrder(seed: UInt64) async throws {
    var events = try RandomEvents(seed: seed)
    var truth = NaiveMerge()
    var last: [MergeOperation] = [.policy(events.policy()), .local(events.record())]
    for _ in 0..<30 { last.append(.upsert(events.record(), from: events.origin())) }
    if events.number(2) == 0 { last.append(.registryStale("service", true)) }
    // Of what is said twice by one origin of one node only one is kept: their order does matter.
    last.forEach { truth.apply($0, at: at(0)) }
    last.removeAll { if case .upsert = $0 { true } else { false } }
    for (origin, records) in truth.raws {
      if events.number(2) == 0 {
        last.append(.snapshot(Array(records.values), from: origin))
      } else {
        last += records.values.map { .upsert($0, from: origin) }
      }
    }
    for _ in 0..<5 {
      await Task.yield()
      var merge = ClusterMerge()
      // What was before and has gone leaves no trace.
      for origin in truth.raws.keys {
        for _ in 0..<3 { _ = try merge.apply(.upsert(events.record(), from: origin), at: at(0)) }
      }
      for origin in events.shuffled(Array(truth.raws.keys)) {
        _ = try merge.apply(.originGone(origin), at: at(1))
      }
      for event in events.shuffled(last) { _ = try merge.apply(event, at: at(2)) }
      comparison.expect(merge, equals: truth)
    }
  }
}
