import ClusterModel
import Lifecycle
import TestSupport
import Testing

/// Random reports of three registries about few nodes, of which one claims another one's name.
private struct RandomReports {
  enum Report {
    case put(AffiliateRecord)
    case remove(NodeIdentity, DepartureReason)
    case snapshot([AffiliateRecord])
    case state(String)
  }

  static let registries: [String: World<TestedLifecycle>.Registry] = [
    "service": registry { $0.lease = true }, "kubernetes": registry { _ in },
    "inventory": registry { $0.expect = .seconds(600) },
  ]

  private static func registry(
    _ body: (inout World<TestedLifecycle>.Registry) -> Void
  ) -> World<TestedLifecycle>.Registry {
    var registry = World<TestedLifecycle>.Registry()
    body(&registry)
    return registry
  }

  var generator: SeededGenerator

  mutating func pick<Item>(_ items: [Item]) -> Item {
    items[Int.random(in: items.indices, using: &generator)]
  }
  mutating func flip() -> Bool { Bool.random(using: &generator) }

  mutating func record(_ registry: String) throws -> AffiliateRecord {
    let name = pick(["a", "b", "c", "d"])
    var record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity(name), addresses: [try IPAddress("10.0.0.\(name.utf8.first ?? 0)")],
        nodename: name == "d" ? "a" : name))
    if registry == "kubernetes" { record.health = pick([nil, .ready, .notReady(reason: "")]) }
    return record
  }

  mutating func report(_ registry: String) throws -> Report {
    switch pick([0, 1, 2, 3]) {
    case 0: return .put(try record(registry))
    case 1:
      let reasons: [DepartureReason] =
        registry == "service" ? [.withdrawn, .expired] : [.deleted, .withdrawn]
      return .remove(try NodeIdentity(pick(["a", "b", "c", "d"])), pick(reasons))
    case 2:
      var records: [NodeIdentity: AffiliateRecord] = [:]
      for _ in 0..<pick([0, 1, 2, 3]) {
        let record = try record(registry)
        records[record.affiliate.nodeID] = record
      }
      return .snapshot(records.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID })
    default: return .state(pick(["synced", "failed", "degraded"]))
    }
  }
}

extension World<TestedLifecycle> {
  fileprivate mutating func take(_ report: RandomReports.Report, from name: String) {
    switch report {
    case .put(let record): put(record, from: name)
    case .remove(let node, let reason): remove(node, from: name, reason)
    case .snapshot(let records): snapshot(name, records)
    case .state(let state): set(name, state)
    }
  }
}

@Suite("Order and restarts of a member's life")
struct OrderTests {
  /// State, reason and node of all that is shown: times within one moment aside.
  private func summary(_ shown: Shown) -> [String] {
    let rows = shown.members.merging(shown.unlisted) { first, _ in first }
    return rows.map { "\($0.key) \($0.value.node) \($0.value.state) \($0.value.reason)" }.sorted()
      + shown.tombstones.map { "\($0.key) \($0.value.state) \($0.value.reason)" }.sorted()
  }

  @Test("what registries report at one moment may arrive in any order, in one commit or in several")
  func anyOrder() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = RandomReports(generator: SeededGenerator(seed: seed))
      var groups: [(at: Duration, reports: [(String, RandomReports.Report)])] = []
      var at = Duration.zero
      for _ in 0..<random.pick([2, 4, 8]) {
        at += .seconds(random.pick([1, 50, 200, 400]))
        var reports: [(String, RandomReports.Report)] = []
        for name in RandomReports.registries.keys.sorted() where random.flip() {
          reports.append((name, try random.report(name)))
        }
        groups.append((at, reports))
      }
      var outcomes: Set<[String]> = []
      for attempt in 0..<4 {
        var world = World<TestedLifecycle>(RandomReports.registries)
        for group in groups {
          world.advance(to: group.at)
          for (name, report) in group.reports.shuffled(using: &random.generator) {
            world.take(report, from: name)
            if attempt % 2 == 0 { world.commit() }
          }
          world.commit()
        }
        outcomes.insert(summary(world.model.shown))
      }
      #expect(outcomes.count == 1, "seed \(seed): \(outcomes)")
    }
  }

  @Test("a restart after which every registry reports the same again changes nothing and notes nothing")
  func restart() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = RandomReports(generator: SeededGenerator(seed: seed))
      var world = World<TestedLifecycle>(RandomReports.registries)
      var at = Duration.zero
      for _ in 0..<random.pick([3, 6, 12]) {
        at += .seconds(random.pick([1, 50, 200, 400]))
        world.advance(to: at)
        let name = random.pick(RandomReports.registries.keys.sorted())
        world.take(try random.report(name), from: name)
        world.commit()
      }
      world.settle()
      at += .seconds(700)
      world.advance(to: at)
      let before = world.model.shown
      let (started, count) = (world.started, world.model.journal.count)
      var listed: [String: [AffiliateRecord]] = [:]
      for name in RandomReports.registries.keys {
        listed[name] = world.nodes(of: name).compactMap { world.record(of: $0, in: name) }
      }
      // Whoever restarts twice has the same again.
      for _ in 0..<random.pick([1, 2]) {
        world.restart(isStateKept: true)
        world.commit()
      }
      for name in RandomReports.registries.keys.sorted().shuffled(using: &random.generator) {
        at += .seconds(1)
        world.advance(to: at)
        world.snapshot(name, listed[name] ?? [])
        world.commit()
      }
      let faults = world.model.shown.moved(by: world.started - started).differences(from: before)
      #expect(faults.isEmpty, "seed \(seed): \(faults.joined(separator: "\n"))")
      #expect(world.model.journal.count == count, "seed \(seed)")
    }
  }

  @Test("no row moves while nothing happens: between deadlines, and when the same is reported again")
  func nothingHappens() throws {
    for seed in 0..<100 as Range<UInt64> {
      var random = RandomReports(generator: SeededGenerator(seed: seed))
      var world = World<TestedLifecycle>(RandomReports.registries)
      var at = Duration.zero
      for _ in 0..<8 {
        at += .seconds(random.pick([1, 50, 200, 400]))
        world.advance(to: at)
        let name = random.pick(RandomReports.registries.keys.sorted())
        world.take(try random.report(name), from: name)
        world.commit()
        let shown = world.model.shown
        world.commit()
        #expect(world.model.changes.isEmpty, "seed \(seed)")
        for name in RandomReports.registries.keys.sorted() {
          for node in world.nodes(of: name) where world.registries[name]?.lease != true {
            world.put(try #require(world.record(of: node, in: name)), from: name)
          }
        }
        world.commit()
        #expect(world.model.changes.isEmpty, "seed \(seed)")
        #expect(world.model.shown == shown, "seed \(seed)")
        if let deadline = world.model.nextDeadline {
          var copy = world
          copy.stepClock(by: .seconds(-1_000_000))
          var model = copy.model
          model.apply([], at: copy.moment(deadline + world.started - .milliseconds(1)))
          #expect(model.changes.isEmpty, "seed \(seed)")
        }
      }
    }
  }
}

extension Shown {
  /// The same on a clock that shows so much more.
  fileprivate func moved(by offset: Duration) -> Shown {
    var moved = self
    for key in members.keys { moved.members[key]?.since += offset }
    for key in unlisted.keys { moved.unlisted[key]?.since += offset }
    for key in tombstones.keys {
      moved.tombstones[key]?.since += offset
      moved.tombstones[key]?.until += offset
    }
    return moved
  }
}
