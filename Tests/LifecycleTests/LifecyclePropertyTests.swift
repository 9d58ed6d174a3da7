import ClusterModel
import Lifecycle
import TestSupport
import Testing

@Suite("Properties of a member's life")
struct LifecyclePropertyTests {
  /// A moment `elapsed` after the process started, which was `started` after the world did.
  private func moment(_ elapsed: Duration, started: Duration = .zero) -> Moment {
    let seconds = (started + elapsed).components.seconds
    return Moment(elapsed: elapsed, wall: Timestamp(milliseconds: (1_800_000_000 + seconds) * 1000))
  }

  @Test(
    "after thousands of random updates it equals a naive rebuild, and its changes add up to it",
    arguments: [(4, 1500), (6, 1000), (12, 400), (30, 100)])
  func equalsRebuild(nodes: Int, rounds: Int) throws {
    var random = try RandomLife(seed: UInt64(rounds), nodes: nodes)
    let retention = TombstoneRetention(left: .seconds(600), missing: .seconds(1200), maximumCount: 5)
    var tested = TestedLifecycle(retention: retention)
    var naive = NaiveLifecycle(retention: retention)
    var replica = LifecycleReplica()
    var seen = 0
    var (elapsed, started) = (Duration.zero, Duration.zero)
    tested.apply(random.start, at: moment(elapsed))
    naive.apply(random.start, at: moment(elapsed))
    for round in 0..<rounds {
      elapsed += random.duration()
      let now = moment(elapsed, started: started)
      switch random.number(60) {
      case 0:
        tested.apply([], at: now)
        naive.apply([], at: now)
        started += elapsed
        elapsed = .zero
        tested.restart(random.restarted, local: random.local, at: moment(elapsed, started: started))
        naive.restart(random.restarted, local: random.local, at: moment(elapsed, started: started))
        replica = LifecycleReplica(tested.lifecycle.view)
      case 1:
        let name = random.pick(["n0", "n1", "name0"])
        tested.apply([], at: now)
        replica.apply(tested.changes)
        tested.forget(name, at: now)
        naive.forget(name, at: now)
        replica.apply(tested.changes)
      default:
        let updates = try random.updates()
        tested.apply(updates, at: now)
        naive.apply(updates, at: now)
        replica.apply(tested.changes)
      }
      let faults =
        tested.shown.differences(from: naive.shown)
        + tested.journal.dropFirst(seen).differences(from: naive.journal.dropFirst(seen))
        + replica.differences(from: tested.lifecycle.view)
      try #require(faults.isEmpty, "round \(round): \(faults.joined(separator: "\n"))")
      seen = tested.journal.count
    }
    #expect(tested.journal.count > rounds / 4)
  }
}

/// What a reader has who only takes changes.
struct LifecycleReplica {
  private var statuses: [NodeIdentity: NodeStatus] = [:]
  private var tombstones: [String: Tombstone] = [:]

  init() {}

  init(_ view: LifecycleView) {
    for status in view.statuses(unlisted: true) { statuses[status.node] = status }
    for tombstone in view.tombstones { tombstones[Self.key(tombstone)] = tombstone }
  }

  private static func key(_ tombstone: Tombstone) -> String { "\(tombstone.name)@\(tombstone.node)" }

  mutating func apply(_ changes: LifecycleChanges) {
    for change in changes.statuses {
      #expect((change.old == nil) == (statuses[change.node] == nil))
      statuses[change.node] = change.new
    }
    for change in changes.tombstones {
      tombstones[Self.key(change.tombstone)] = change.hasEnded ? nil : change.tombstone
    }
  }

  func differences(from view: LifecycleView) -> [String] {
    var differences: [String] = []
    let shown = view.statuses(unlisted: true)
    if shown.count != statuses.count { differences.append("the changes give \(statuses.count) members") }
    for status in shown {
      let known = statuses[status.node]
      if known?.name != status.name || known?.state != status.state || known?.reason != status.reason
        || known?.since != status.since || known?.flags != status.flags || known?.heldBy != status.heldBy
        || known?.sources != status.sources
      {
        differences.append("the changes give another \(status.node)")
      }
    }
    if Set(view.tombstones) != Set(tombstones.values) {
      differences.append("the changes give other tombstones")
    }
    return differences
  }
}

extension Shown {
  /// What is another one, a line each.
  func differences(from other: Shown) -> [String] {
    func compare<Value: Equatable>(_ left: [String: Value], _ right: [String: Value]) -> [String] {
      Set(left.keys).union(right.keys).sorted().compactMap { key in
        if left[key] == right[key] { return nil }
        return
          "\(key): \(left[key].map { "\($0)" } ?? "-")\n  instead of \(right[key].map { "\($0)" } ?? "-")"
      }
    }
    return compare(members, other.members) + compare(unlisted, other.unlisted)
      + compare(tombstones, other.tombstones)
  }
}

extension ArraySlice<ShownTransition> {
  /// What is another one, in whatever order.
  func differences(from other: ArraySlice<ShownTransition>) -> [String] {
    let (left, right) = (map { "\($0)" }.sorted(), other.map { "\($0)" }.sorted())
    return left == right ? [] : ["transitions: \(left)\n  instead of \(right)"]
  }
}
