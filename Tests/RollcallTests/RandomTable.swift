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
  private var precedence: [String] = []
  private var order = Self.names
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
      let local = number(3) == 0 ? nil : AffiliateRecord(affiliate(ids[number(2)]))
      table.take(.local(local))
    case 85..<88:
      precedence = Array(Self.names.shuffled(using: &generator).prefix(number(4)))
      adopt()
    case 88..<90:
      order = Self.names.shuffled(using: &generator)
      adopt()
    default:
      clock.advance(by: .seconds(number(200)))
      table.take(.expired)
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
    let before = table.read { $0.registry(named: name) != nil }
    adopt(
      placed: [
        TableAdoption.Placed(key: run.key, prefix: name, disabled: nil, retention: retention, hasRun: before)
      ])
    table.take(.began(run.key, isRestart: before))
    table.take(.made(run.key, prefix: name, nil, leases: leases))
    runs[name] = run
    return run
  }

  /// Takes on what is configured, with registries that are new or gone.
  private func adopt(placed: [TableAdoption.Placed] = [], gone: [String] = []) {
    var adoption = TableAdoption()
    (adoption.placed, adoption.gone) = (placed, gone)
    (adoption.policy.precedence, adoption.order, adoption.settleTime) = (precedence, order, .seconds(5))
    table.take(.adopted(adoption))
  }

  /// Begins a run anew, in place of one that may be under way.
  private mutating func restart() {
    let name = pick(Self.names)
    _ = begin(name)
  }

  private mutating func apply() {
    let run = run()
    do throws(RegistryError) { try run.intake.apply(batch()) } catch {
      table.take(.failed(run.key, error))
      runs[run.key.name] = nil
    }
    if let batch = run.intake.take() { table.take(.applied(run.key, batch, nodeLimit: 250_000)) }
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
    table.take(.failed(run.key, RegistryError(.failed, "no")))
  }

  private mutating func stop() {
    guard let run = runs.removeValue(forKey: pick(Self.names)) else { return }
    table.take(.stopped(run.key))
  }

  private mutating func remove() {
    let name = pick(Self.names)
    runs[name] = nil
    adopt(gone: [name])
  }
}
