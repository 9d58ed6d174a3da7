import ClusterModel
import Foundation
import Lifecycle
import Testing

/// One of the vectors in Vectors: what happens when, and what is expected to be shown. Times are seconds.
struct LifecycleVector: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let why: String?
  let config: Config
  let steps: [Step]

  var testDescription: String { name }

  struct Config: Decodable, Sendable {
    let registries: [String: RegistrySettings]
    let tombstones: Retention?
  }

  struct Retention: Decodable, Sendable {
    let left: Double?
    let missing: Double?
  }

  struct RegistrySettings: Decodable, Sendable {
    let lease: Bool?
    let expect: Double?
    let missingGrace: Double?
    let onFailure: String?
    let staleAfter: Double?
    let disabled: Bool?
  }

  struct RecordText: Decodable, Sendable {
    let node: String
    let nodename: String?
    let addresses: [String]?
    let machineID: String?
    let health: String?
    let healthReason: String?
    let stale: Bool?
  }

  struct Restart: Decodable, Sendable { let state: String }

  struct Step: Decodable, Sendable {
    let at: Double
    let snapshot: [String: [RecordText]]?
    let upsert: [String: [RecordText]]?
    let remove: [String: [String: String]]?
    let registry: [String: String]?
    let config: Config?
    let local: RecordText?
    let restart: Restart?
    let wallClock: Double?
    let forget: String?
    let expect: Expectation?
  }

  struct Expectation: Decodable, Sendable {
    let members: [String: ExpectedRow]?
    let unlisted: [String: ExpectedRow]?
    let tombstones: [String: ExpectedRow]?
    let history: [ExpectedTransition]?
  }

  /// Only what is given counts.
  struct ExpectedRow: Decodable, Sendable {
    let node: String?
    let state: String?
    let reason: String?
    let since: Double?
    let until: Double?
    let listed: Bool?
    let heldBy: String?
    let flags: [String]?
    let sources: [String: String]?
  }

  struct ExpectedTransition: Decodable, Sendable {
    let at: Double
    let id: String
    let node: String
    let from: String?
    let to: String
    let reason: String
  }

  private struct File: Decodable { let vectors: [LifecycleVector] }

  /// All vectors of all files, by the files' names.
  static func all() throws -> [LifecycleVector] {
    let folder = Bundle.module.bundleURL.appendingPathComponent("Vectors")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    return try files.sorted { $0.path < $1.path }.flatMap { file in
      try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).vectors
    }
  }

  // MARK: Running

  /// What is shown otherwise than expected, a line each.
  func faults<Model: LifecycleModel>(_: Model.Type) throws -> [String] {
    let retention = TombstoneRetention(
      left: .seconds(config.tombstones?.left ?? 3600), missing: .seconds(config.tombstones?.missing ?? 86_400)
    )
    var world = World<Model>(Self.registries(config), retention: retention)
    var faults: [String] = []
    var seen = 0
    for (number, step) in steps.enumerated() {
      let at = Duration.seconds(step.at)
      world.advance(to: at)
      try Self.take(step, &world)
      world.commit()
      guard let expect = step.expect else { continue }
      let journal = Array(world.model.journal.dropFirst(seen))
      seen = world.model.journal.count
      faults += expect.faults(world.model.shown, journal, started: world.started).map {
        "step \(number) (at \(step.at)): \($0)"
      }
    }
    return faults
  }

  private static func take<Model>(_ step: Step, _ world: inout World<Model>) throws {
    if let restart = step.restart { world.restart(isStateKept: restart.state == "kept") }
    if let seconds = step.wallClock { world.stepClock(by: .seconds(seconds)) }
    if let config = step.config { world.configure(registries(config)) }
    if let local = step.local { world.setLocal(try record(local).affiliate) }
    for (name, state) in step.registry ?? [:] { world.set(name, state) }
    for (name, records) in step.snapshot ?? [:] { world.snapshot(name, try records.map(record)) }
    for (name, records) in step.upsert ?? [:] {
      for given in records { world.put(try record(given), from: name) }
    }
    for (name, nodes) in step.remove ?? [:] {
      for (node, reason) in nodes {
        world.remove(try NodeIdentity(node), from: name, try DepartureReason(vector: reason))
      }
    }
    if let name = step.forget { world.forget(name) }
  }

  private static func registries<Model>(_ config: Config) -> [String: World<Model>.Registry] {
    config.registries.filter { $0.value.disabled != true }.mapValues { given in
      var registry = World<Model>.Registry()
      registry.lease = given.lease ?? false
      registry.expect = given.expect.map { .seconds($0) }
      registry.drops = given.onFailure == "drop"
      registry.staleAfter = given.staleAfter.map { .seconds($0) } ?? (registry.drops ? .zero : .seconds(300))
      if let grace = given.missingGrace { registry.missingGrace = .seconds(grace) }
      return registry
    }
  }

  private static func record(_ given: RecordText) throws -> AffiliateRecord {
    var record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity(given.node),
        addresses: try (given.addresses ?? []).map { try IPAddress($0) },
        nodename: given.nodename ?? ""), isStale: given.stale ?? false)
    record.machineID = given.machineID ?? ""
    switch given.health {
    case "ready": record.health = .ready
    case "notready": record.health = .notReady(reason: given.healthReason ?? "")
    default: break
    }
    return record
  }
}

extension DepartureReason {
  init(vector text: String) throws {
    struct Unknown: Error { let reason: String }
    guard let reason = DepartureReason(rawValue: text) else { throw Unknown(reason: text) }
    self = reason
  }
}

extension LifecycleVector.Expectation {
  fileprivate func faults(_ shown: Shown, _ journal: [ShownTransition], started: Duration) -> [String] {
    var faults: [String] = []
    func time(_ seconds: Double?) -> Duration? { seconds.map { .seconds($0) - started } }
    func compare<Value: Equatable>(_ name: String, _ got: Value?, _ want: Value?) {
      if let want, got != want { faults.append("\(name): \(got.map { "\($0)" } ?? "-"), expected \(want)") }
    }
    func compareKeys(_ name: String, _ got: some Sequence<String>, _ want: (some Sequence<String>)?) {
      if let want { compare(name, got.sorted(), want.sorted()) }
    }
    func compare(_ rows: [String: Shown.Row], _ expected: [String: LifecycleVector.ExpectedRow]) {
      for (name, want) in expected {
        guard let got = rows[name] else { continue }
        compare("\(name).node", got.node, want.node)
        compare("\(name).state", got.state, want.state)
        compare("\(name).reason", got.reason, want.reason)
        compare("\(name).since", got.since, time(want.since))
        compare("\(name).listed", got.isListed, want.listed)
        compare("\(name).heldBy", got.heldBy, want.heldBy)
        compare("\(name).flags", got.flags, want.flags)
        compare("\(name).sources", got.sources, want.sources)
      }
    }
    compareKeys("members", shown.members.keys, members?.keys)
    compareKeys("unlisted", shown.unlisted.keys, unlisted?.keys)
    compareKeys("tombstones", shown.tombstones.keys, tombstones?.keys)
    compare(shown.members, members ?? [:])
    compare(shown.unlisted, unlisted ?? [:])
    for (name, want) in tombstones ?? [:] {
      guard let got = shown.tombstones[name] else { continue }
      compare("\(name).state", got.state, want.state)
      compare("\(name).reason", got.reason, want.reason)
      compare("\(name).since", got.since, time(want.since))
      compare("\(name).until", got.until, time(want.until))
    }
    if let history {
      let expected = history.map {
        ShownTransition(
          at: .seconds($0.at) - started, id: $0.id, node: $0.node, from: $0.from, to: $0.to, reason: $0.reason
        )
      }
      compare("history", journal, expected)
    }
    return faults
  }
}
