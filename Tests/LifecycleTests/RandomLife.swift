import ClusterModel
import Lifecycle
import TestSupport

/// Random updates about few nodes with few values, so that they meet: what a merge would report, with several sources
/// of a registry and several records of a source.
struct RandomLife {
  private var generator: SeededGenerator
  private let ids: [NodeIdentity]
  private var conditions: [RegistryCondition]
  private var records: [Key: AffiliateRecord] = [:]
  private(set) var local: NodeIdentity?

  private struct Key: Hashable {
    let node: NodeIdentity
    let source: RecordSource
    let id: NodeIdentity
  }

  private static let all = ["service", "agents", "kubernetes", "inventory"]
  private static let reasons: [DepartureReason?] = [
    .withdrawn, .expired, .deleted, .unlisted, .removed, .dropped, nil,
  ]

  init(seed: UInt64, nodes: Int) throws {
    generator = SeededGenerator(seed: seed)
    ids = try (0..<nodes).map { try NodeIdentity("n\($0)") }
    conditions = [
      RegistryCondition(name: "service", leases: true), RegistryCondition(name: "kubernetes", leases: false),
      RegistryCondition(name: "inventory", leases: false, expect: .seconds(300)),
    ]
  }

  mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  mutating func pick<Item>(_ items: [Item]) -> Item { items[number(items.count)] }
  mutating func shuffled<Item>(_ items: [Item]) -> [Item] { items.shuffled(using: &generator) }

  /// How registries are at first.
  var start: [LifecycleUpdate] { [.registries(conditions)] }
  /// How registries are right after a start.
  var restarted: [RegistryCondition] {
    conditions.map { RegistryCondition(name: $0.name, leases: $0.leases, expect: $0.expect) }
  }

  mutating func duration() -> Duration { .seconds(pick([0, 0, 1, 7, 60, 290, 300, 601, 3600])) }

  /// What happens at one moment.
  mutating func updates() throws -> [LifecycleUpdate] {
    var updates: [LifecycleUpdate] = []
    for _ in 0..<(1 + number(3)) { updates += try update() }
    return updates
  }

  private mutating func update() throws -> [LifecycleUpdate] {
    switch number(20) {
    case 0: return registries()
    case 1:
      local = number(2) == 0 ? nil : pick(ids)
      return [.local(local)] + (try local.map { [.merged(try affiliate($0), isNewcomer: false)] } ?? [])
    case 2, 3:
      let nodes = Set((0..<number(4)).map { _ in pick(ids) }).sorted()
      return [.dispute(pick([.address(try IPAddress("10.0.0.1")), .match("inventory/1")]), nodes)]
    case 4...9: return try removal()
    default: return try record()
    }
  }

  private mutating func registries() -> [LifecycleUpdate] {
    if number(4) == 0 {
      let name = pick(Self.all)
      if conditions.contains(where: { $0.name == name }), conditions.count > 1 {
        conditions.removeAll { $0.name == name }
        records = records.filter { $0.key.source.registry != name }
      } else if !conditions.contains(where: { $0.name == name }) {
        conditions.append(
          RegistryCondition(
            name: name, leases: name == "service" || name == "agents",
            expect: name == "inventory" ? .seconds(300) : nil))
      }
    } else {
      let index = number(conditions.count)
      conditions[index].isHeard = number(4) != 0
      conditions[index].isStale = number(4) == 0
      conditions[index].staleSources = number(4) == 0 ? [source(1)] : []
      conditions[index].isPublished = number(3) == 0
    }
    return [.registries(conditions)]
  }

  private func source(_ number: Int) -> RegistrySource {
    number == 0 ? .only : (try? RegistrySource("eu")) ?? .only
  }

  private mutating func record() throws -> [LifecycleUpdate] {
    let node = pick(ids)
    // A record of its own identity, or one that was joined by matching.
    let isJoined = number(5) == 0
    var record = AffiliateRecord(
      try affiliate(isJoined ? NodeIdentity("local-\(number(2))") : node), isStale: number(5) == 0,
      isLocalID: isJoined)
    record.health = pick([nil, nil, .ready, .notReady(reason: ""), .notReady(reason: "KubeletNotReady")])
    if number(3) == 0 { record.machineID = "machine\(number(3))" }
    if number(3) == 0 { record.createdAt = Timestamp(milliseconds: Int64(number(3))) }
    let source = RecordSource(registry: pick(conditions).name, source: source(number(4) / 3))
    records[Key(node: node, source: source, id: record.affiliate.nodeID)] = record
    return [
      .record(record, from: source, of: node), .merged(try affiliate(node), isNewcomer: number(2) == 0),
    ]
  }

  private mutating func removal() throws -> [LifecycleUpdate] {
    let keys = records.keys.sorted { "\($0)" < "\($1)" }
    guard !keys.isEmpty else { return try record() }
    let key = pick(keys)
    records[key] = nil
    return [
      .gone(record: key.id, from: key.source, of: key.node, reason: pick(Self.reasons), lastSeen: nil)
    ]
  }

  private mutating func affiliate(_ node: NodeIdentity) throws -> Affiliate {
    Affiliate(
      nodeID: node, addresses: number(2) == 0 ? [] : [try IPAddress("10.0.0.\(number(4))")],
      nodename: number(12) == 0 ? "" : number(4) == 0 ? "name\(number(3))" : node.text,
      kubeSpan: number(6) == 0 ? KubeSpanAffiliate(publicKey: "key\(number(3))") : nil)
  }
}
