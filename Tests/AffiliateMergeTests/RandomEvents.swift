import AffiliateMerge
import ClusterModel

/// Random events about few nodes with few values, so that they meet.
struct RandomEvents {
  private static let origins = [
    k8s, RecordOrigin(registry: "other", prefix: "k8s-b"), serviceEU, serviceUS, inventory,
  ]
  private let ids: [NodeIdentity]
  private let addresses: [IPAddress]
  private let prefixes: [IPPrefix]
  private var generator: SeededGenerator

  init(seed: UInt64, nodes: Int = 8) throws {
    ids = try (0..<nodes).map { try NodeIdentity("node-\($0)") }
    addresses =
      try (0..<10).map { try IPAddress("10.0.0.\($0)") } + [
        try IPAddress("fe80::1"), try IPAddress("172.17.0.1"),
      ]
    prefixes = try (0..<4).map { try IPPrefix("10.\($0).0.0/24") }
    generator = SeededGenerator(state: seed)
  }

  mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  mutating func shuffled<Item>(_ items: [Item]) -> [Item] { items.shuffled(using: &generator) }
  mutating func origin() -> RecordOrigin { pick(Self.origins) }

  private mutating func pick<Item>(_ items: [Item]) -> Item { items[number(items.count)] }
  private mutating func some<Item>(_ items: [Item], _ most: Int) -> [Item] {
    (0..<number(most + 1)).map { _ in pick(items) }
  }
  private mutating func text(_ start: String) -> String { number(3) == 0 ? "" : "\(start)\(number(3))" }

  mutating func record(of id: NodeIdentity? = nil) -> AffiliateRecord {
    var affiliate = Affiliate(
      nodeID: id ?? pick(ids), addresses: some(addresses, 3), hostname: text("host"),
      nodename: number(3) == 0 ? "" : "node\(number(6))", operatingSystem: text("system"),
      machineType: pick(MachineType.allCases))
    if number(2) == 0 {
      affiliate.kubeSpan = KubeSpanAffiliate(
        publicKey: number(2) == 0 ? "" : "key\(number(8))", address: number(2) == 0 ? nil : pick(addresses),
        additionalAddresses: some(prefixes, 2), excludeAdvertisedNetworks: some(prefixes, 1),
        endpoints: some(addresses, 2).map { IPEndpoint(address: $0, port: 51820) })
    }
    if number(3) == 0 { affiliate.controlPlane = ControlPlane(apiServerPort: UInt16(6443 + number(2))) }
    var record = AffiliateRecord(
      affiliate, confirmedAt: number(3) == 0 ? Timestamp(milliseconds: Int64(number(1000))) : nil,
      isStale: number(5) == 0, isLocalID: number(3) == 0)
    if number(4) == 0 { record.machineID = String(repeating: pick(["a", "b", "c"]), count: 31) + "0" }
    if number(3) == 0 {
      let pairs = ["rack", "row"].filter { _ in number(2) == 0 }.map { ($0, "r\(number(2))") }
      if let labels = try? NodeLabels(Dictionary(uniqueKeysWithValues: pairs)) { record.labels = labels }
    }
    if number(4) == 0 { record.health = number(2) == 0 ? .ready : .notReady(reason: "KubeletNotReady") }
    return record
  }

  /// Each id once, as a validated snapshot has it: the last record of each.
  private mutating func snapshot(
    _ records: [AffiliateRecord], from origin: RecordOrigin
  ) -> MergeOperation {
    var seen: Set<NodeIdentity> = []
    let distinct = records.reversed().filter { seen.insert($0.affiliate.nodeID).inserted }
    return .snapshot(shuffled(distinct), from: origin, absent: pick([nil, .expired, .unlisted]))
  }

  /// An event, mostly of what happens most. `known` are records that were said before: some are said again.
  mutating func event(known: [RecordOrigin: [NodeIdentity: AffiliateRecord]]) -> MergeOperation {
    let origin = origin()
    let said = (known[origin] ?? [:]).values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
    switch number(100) {
    case 0..<45: return .upsert(record(), from: origin)
    case 45..<55:
      guard var again = said.isEmpty ? nil : pick(said) else { return .upsert(record(), from: origin) }
      again.confirmedAt = Timestamp(milliseconds: Int64(number(1000)))
      if number(4) == 0 { again.isStale.toggle() }
      if number(4) == 0 { again.createdAt = Timestamp(milliseconds: Int64(number(3))) }
      return .upsert(again, from: origin)
    case 55..<70: return .remove(pick(ids), from: origin, reason: pick(RemovalReason.allCases))
    case 70..<82: return snapshot(said.dropLast(number(2)) + [record()], from: origin)
    case 82..<84: return snapshot((0..<number(8)).map { _ in record() }, from: origin)
    case 84..<86: return .originGone(origin)
    case 86..<88: return .registryGone(origin.registry)
    case 88..<91: return .registryStale(origin.registry, number(2) == 0)
    case 91..<93: return .originStale(origin, number(2) == 0)
    case 93..<98: return .local(number(3) == 0 ? nil : record(of: ids[number(2)]))
    default: return .policy(policy())
    }
  }

  mutating func policy() -> MergePolicy {
    let names = shuffled(["kubernetes", "service", "inventory", "elsewhere"])
    var policy = MergePolicy(precedence: Array(names.prefix(number(2) * number(5))))
    if number(5) == 0 { return policy }
    for name in ["kubernetes", "inventory", "other"] {
      policy.matching[name] = RegistryMatching(keys: matchKeys(), alone: pick(StandaloneRole.allCases))
    }
    policy.ignoredAddresses.defaultBridges = number(4) > 0
    if number(4) == 0 { policy.ignoredAddresses.networks = [prefixes[0]] }
    return policy
  }

  /// A match list of some fields in any order.
  mutating func matchKeys() -> [MatchKey] {
    let fields: [MatchField] = [.machineID, .nodename, .publicKey, .hostname, .address, .label("rack")]
    return shuffled(fields).prefix(number(fields.count + 1)).map { MatchKey($0, isShort: number(4) == 0) }
  }
}
