import ClusterModel
import Lifecycle
import Rollcall
import Testing

@testable import Outputs

@Suite struct HookBatchTests {
  private func batch(
    _ entries: [HistoryEntry], kinds: Set<HistoryEntry.Kind> = [.member, .registry, .conflict],
    states: Set<NodeState>? = nil
  ) -> HookBatch {
    let hook = HookDefinition(name: "tell", command: ["x"], kinds: kinds, states: states)
    return HookBatch(entries, after: 0, settled: [], for: hook)
  }

  private func shown(_ batch: HookBatch) -> [String] {
    batch.lines.map { "\($0.entry.id) \($0.from ?? "-") \($0.entry.to)\($0.isFlapping ? " flapping" : "")" }
  }

  @Test("a thing's changes are one line, from the first to the last")
  func folded() {
    let folded = batch([
      entry(1, "w-1", "ready", "missing"), entry(2, "w-2", nil, "ready"), entry(3, "w-1", "missing", "stale"),
      entry(4, "w-1", "stale", "left"),
    ])
    #expect(shown(folded) == ["w-2 - ready", "w-1 ready left"])
    #expect(folded.last == 4)
  }

  @Test("what is again as it was isn't told")
  func equal() {
    let folded = batch([entry(1, "w-1", "ready", "missing"), entry(2, "w-1", "missing", "ready")])
    #expect(folded.lines.isEmpty && folded.last == 2)
  }

  @Test("two nodes of one name, and a registry called like a node, are three things")
  func keys() throws {
    let folded = batch([
      entry(1, "w-1", "ready", "left", node: "a"), entry(2, "w-1", nil, "ready", node: "b"),
      entry(3, "w-1", "synced", "failed", kind: .registry),
    ])
    #expect(shown(folded) == ["w-1 ready left", "w-1 - ready", "w-1 synced failed"])
  }

  @Test("a hook is told of what it asked for alone, and to is of members")
  func filters() {
    let entries = [
      entry(1, "w-1", "ready", "missing"), entry(2, "w-2", "missing", "ready"),
      entry(3, "w-3", "ready", "left"),
      entry(4, "s", "synced", "failed", kind: .registry),
      entry(5, "address/10.0.0.1", nil, "conflict", kind: .conflict),
      entry(6, "cp-1", nil, "started", kind: .daemon),
    ]
    #expect(
      shown(batch(entries, states: [.missing])) == [
        "w-1 ready missing", "s synced failed", "address/10.0.0.1 - conflict",
      ])
    #expect(shown(batch(entries, kinds: [.registry])) == ["s synced failed"])
    #expect(batch(entries, kinds: [.registry]).last == 6)
  }

  @Test("that a tombstone came doesn't hide how the member went")
  func tombstones() {
    let folded = batch(
      [entry(1, "w-1", "ready", "missing"), entry(2, "w-1", "missing", "removed")], states: [.missing])
    #expect(shown(folded) == ["w-1 ready missing"] && folded.last == 2)
  }

  @Test("that a member flaps is told whatever states are asked for")
  func flapping() {
    var flap = entry(1, "w-1", "missing", "ready")
    flap = HistoryEntry(flap, number: 1, count: 5, isFlapping: true)
    #expect(shown(batch([flap], states: [.left])) == ["w-1 missing ready flapping"])
  }

  @Test("at most a thousand lines are told at once, and nothing is lost at the cut")
  func bounded() {
    var entries = (1...1500).map { entry(UInt64($0), "n-\($0)", "ready", "missing") }
    entries.insert(entry(0, "n-1", "left", "ready"), at: 0)
    let first = batch(entries)
    #expect(first.lines.count == 1000 && first.last == 1000)
    let rest = batch(entries.filter { $0.number > first.last })
    #expect(rest.lines.count == 500 && rest.last == 1500)
    // What is folded into a line that is there already takes no room.
    let folded = batch(
      (1...5000).map { entry(UInt64($0), "n-\($0 % 1000)", "ready", $0 > 4000 ? "left" : "stale") })
    #expect(folded.lines.count == 1000 && folded.last == 5000)
  }
}

func entry(
  _ number: UInt64, _ id: String, _ from: String?, _ to: String, node: String? = nil,
  kind: HistoryEntry.Kind = .member, isFlapping: Bool = false, count: Int = 1
) -> HistoryEntry {
  let entry = HistoryEntry(
    revision: number + 100, time: Timestamp(milliseconds: 1_795_403_330_000 + Int64(number) * 1000),
    kind: kind, id: id,
    nodeID: kind == .member ? try? NodeIdentity(node ?? "\(id)-id") : nil, from: from, to: to,
    reason: "expired")
  return HistoryEntry(entry, number: number, count: count, isFlapping: isFlapping)
}
