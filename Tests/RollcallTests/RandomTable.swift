import AffiliateMerge
import ClusterModel
import RegistryKit
import TestSupport

@testable import Rollcall

/// Random things that happen to a table: registries come, go, run, fail, apply and report, about few nodes that meet.
struct RandomTable {
  private static let names = ["one", "two", "three"]

  let table: ClusterTable
  private let clock: ManualClock
  private var generator: SeededGenerator
  private var generation: UInt64 = 0
  /// The intakes of the runs that are under way.
  private var runs: [String: (key: RegistryKey, intake: RegistryIntake)] = [:]
  private let ids: [NodeIdentity]
  private let sources: [RegistrySource]

  init(_ table: ClusterTable, clock: ManualClock, seed: UInt64) throws {
    self.table = table
    self.clock = clock
    generator = SeededGenerator(seed: seed)
    ids = try (0..<8).map { try NodeIdentity("node-\($0)") }
    sources = [.only, try RegistrySource("eu"), try RegistrySource("us")]
  }

  private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  private mutating func pick<Item>(_ items: [Item]) -> Item { items[number(items.count)] }

  /// Does one thing.
  mutating func step() {
    switch number(100) {
    case 0..<60: apply()
    case 60..<66: restart()
    case 66..<72: fail()
    case 72..<75: stop()
    case 75..<80: remove()
    case 80..<85:
      let local = number(3) == 0 ? nil : affiliate(ids[number(2)])
      table.commit { $0.setLocal(local) }
    case 85..<88:
      let policy = MergePolicy(precedence: Array(Self.names.shuffled(using: &generator).prefix(number(4))))
      table.commit { $0.setPolicy(policy) }
    case 88..<90:
      let names = Self.names.shuffled(using: &generator)
      table.commit { $0.order(names) }
    default:
      clock.advance(by: .seconds(number(200)))
      table.commit { $0.expire() }
    }
  }

  /// The run of a random registry, begun where it doesn't run.
  private mutating func run() -> (key: RegistryKey, intake: RegistryIntake) {
    let name = pick(Self.names)
    if let run = runs[name] { return run }
    return begin(name)
  }

  private mutating func begin(_ name: String) -> (key: RegistryKey, intake: RegistryIntake) {
    generation += 1
    let run = (
      key: RegistryKey(name: name, generation: generation),
      intake: RegistryIntake()
    )
    let retention = RetentionPolicy(
      onFailure: number(4) == 0 ? .drop : .keep, staleAfter: .seconds(number(300)),
      missingGrace: .seconds(number(300)))
    let leases = number(2) == 0
    table.commit { writer in
      let status = RegistryStatus(name: name, prefix: name, state: .starting, since: writer.now)
      let before = writer.registry(named: name)
      writer.place(
        before?.succeeded(
          by: run.key, status: status, retention: retention, settleTime: .seconds(5), at: writer.elapsed)
          ?? RegistryState(key: run.key, status: status, retention: retention))
      _ = writer.update(run.key) { $0.began(isRestart: before != nil, at: $1.elapsed) }
      _ = writer.made(run.key, prefix: name, descriptor: nil, leases: leases)
    }
    runs[name] = run
    return run
  }

  /// Begins a run anew, in place of one that may be under way.
  private mutating func restart() {
    let name = pick(Self.names)
    _ = begin(name)
  }

  private mutating func apply() {
    let run = run()
    do throws(RegistryError) { try run.intake.apply(batch()) } catch {
      table.commit { _ = $0.update(run.key) { $0.failed(error, in: &$1) } }
      runs[run.key.name] = nil
    }
    if let batch = run.intake.take() { table.commit { _ = $0.apply(batch, from: run.key) } }
  }

  private mutating func batch() -> RegistryBatch {
    var batch = RegistryBatch()
    if number(20) == 0 { batch.expectedSources = [pick(sources), pick(sources)] }
    // Mostly a snapshot first, so that what follows is allowed.
    let source = pick(sources)
    if number(3) > 0 { batch.updates.append(snapshot(of: source)) }
    for _ in 0..<number(4) {
      let source = number(8) == 0 ? pick(sources) : source
      switch number(10) {
      case 0..<6: batch.updates.append(.upsert(record(), source: source))
      case 6..<9:
        batch.updates.append(
          .remove(pick(ids), source: source, reason: pick(RemovalReason.allCases)))
      default: batch.updates.append(.sourceGone(source))
      }
    }
    for _ in 0..<number(3) {
      let error = number(2) == 0 ? nil : RegistryError(.unavailable, "away \(number(3))")
      batch.reports.append(HealthReport(pick(HealthAspect.allCases), error, source: pick(sources)))
    }
    return batch
  }

  private mutating func snapshot(of source: RegistrySource) -> RegistryUpdate {
    let ids = ids.shuffled(using: &generator).prefix(number(6))
    return .snapshot(ids.map { record($0) }, source: source)
  }

  private mutating func affiliate(_ id: NodeIdentity) -> Affiliate {
    Affiliate(
      nodeID: id, addresses: [IPAddress(v4: UInt32(number(6)))], hostname: "host-\(number(3))",
      nodename: number(4) == 0 ? "" : "node-\(number(6))")
  }

  private mutating func record(_ id: NodeIdentity? = nil) -> AffiliateRecord {
    AffiliateRecord(
      affiliate(id ?? pick(ids)), isStale: number(5) == 0, isLocalID: number(6) == 0)
  }

  private mutating func fail() {
    guard let run = runs.removeValue(forKey: pick(Self.names)) else { return }
    table.commit { _ = $0.update(run.key) { $0.failed(RegistryError(.failed, "no"), in: &$1) } }
  }

  private mutating func stop() {
    guard let run = runs.removeValue(forKey: pick(Self.names)) else { return }
    table.commit { _ = $0.update(run.key) { registry, _ in registry.stopped() } }
  }

  private mutating func remove() {
    let name = pick(Self.names)
    runs[name] = nil
    table.commit { $0.remove(name) }
  }
}
