import AffiliateMerge
import ClusterModel
import Testing

@Suite("Vectors of matching")
struct MatchVectorTests {
  @Test("records are joined as each vector expects", arguments: try MatchVector.all())
  func vector(_ vector: MatchVector) async throws {
    var generator = SeededGenerator(state: 7)
    var done: [MatchVector.Event] = []
    for (number, step) in vector.steps.enumerated() {
      var orders = [step.events]
      if step.anyOrder == true {
        for _ in 0..<min(step.events.count * 4, 16) {
          orders.append(step.events.shuffled(using: &generator))
        }
      }
      for events in orders {
        await Task.yield()
        var merge = ClusterMerge(policy: try vector.policy)
        var naive = NaiveMerge()
        naive.policy = try vector.policy
        var replica = Replica()
        for event in done + events {
          let operation = try vector.operation(event)
          let now = at(event.at ?? 0)
          let changes = try merge.apply(operation, at: now)
          replica.apply(changes, of: operation, at: now, labels: merge.labels(of:))
          naive.apply(operation, at: now)
        }
        var shown = MatchVector.Expectation(merge)
        shown.superseded = NaiveMatching(naive).superseded.reduce(into: [:]) { texts, pair in
          texts[pair.key.text] = pair.value.map(\.text)
        }
        #expect(shown.nodes == step.expect.nodes, "step \(number)")
        #expect(shown.conflicts == step.expect.conflicts, "step \(number)")
        #expect(shown.names == step.expect.names, "step \(number)")
        #expect(shown.superseded == step.expect.superseded, "step \(number)")
        #expect(shown.clones == step.expect.clones, "step \(number)")
        MergeComparison().expect(merge, equals: naive)
        replica.expectSame(as: merge)
      }
      done += step.events
    }
  }

  @Test("all of them are there")
  func count() throws {
    let vectors = try MatchVector.all()
    #expect(vectors.count == 121)
  }
}
