public import ClusterModel
public import RegistryKit
import TestSupport

/// Random batches with all that may be in them.
public struct RandomBatches {
  private var generator: SeededGenerator
  private let sources: [RegistrySource]
  private let ids: [NodeIdentity]

  /// Texts of each kind that is stored in another way: none, short, long, beyond ASCII, as long as may be.
  private static let texts = [
    "", "a", "sixteen-bytes-xy", "näme-mit-Umläuten", "Debian GNU/Linux 12 (bookworm)",
    String(repeating: "x", count: 4096),
  ]

  public init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
    sources = [.only, try RegistrySource("eu"), try RegistrySource("us:8443")]
    ids = try (0..<50).map { try NodeIdentity("node-\($0)") }
  }

  /// Some batches, the same each time for the same seed.
  public static func batches(seed: UInt64) throws -> [RegistryBatch] {
    var random = try RandomBatches(seed: seed)
    return (0..<20).map { _ in random.batch() }
  }

  private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
  private mutating func pick<Item>(_ items: [Item]) -> Item { items[number(items.count)] }
  private mutating func some<Item>(_ most: Int, _ make: (inout Self) -> Item) -> [Item] {
    (0..<number(most + 1)).map { _ in make(&self) }
  }
  private mutating func maybe<Item>(_ make: (inout Self) -> Item) -> Item? {
    number(2) == 0 ? nil : make(&self)
  }

  public mutating func batch() -> RegistryBatch {
    var batch = RegistryBatch()
    if number(4) == 0 { batch.expectedSources = some(3) { $0.pick($0.sources) } }
    batch.updates = some(6) { $0.update() }
    batch.reports = some(4) { $0.report() }
    if number(4) == 0 { batch.publicAddress = address() }
    return batch
  }

  private mutating func update() -> RegistryUpdate {
    let source = pick(sources)
    switch number(6) {
    case 0:
      let absent = maybe { $0.pick(RemovalReason.allCases) }
      return .snapshot(some(5) { $0.record() }, source: source, absent: absent)
    case 1, 2: return .upsert(record(), source: source)
    case 3, 4: return .remove(pick(ids), source: source, reason: pick(RemovalReason.allCases))
    default: return .sourceGone(source)
    }
  }

  private mutating func report() -> HealthReport {
    let codes: [RegistryError.Code] = [
      .invalidArgument, .limitExceeded, .stopped, .unavailable, .permissionDenied, .unsupported, .failed,
    ]
    let error = maybe { RegistryError($0.pick(codes), "line \($0.number(9)) of näme") }
    return HealthReport(pick(HealthAspect.allCases), error, source: pick(sources))
  }

  /// - Parameter isPublished: whether only what a publication has is in it.
  public mutating func record(isPublished: Bool = false) -> AffiliateRecord {
    var affiliate = Affiliate(
      nodeID: pick(ids), addresses: some(4) { $0.address() }, hostname: pick(Self.texts),
      nodename: pick(Self.texts), operatingSystem: pick(Self.texts), machineType: pick(MachineType.allCases))
    affiliate.kubeSpan = maybe { random in
      KubeSpanAffiliate(
        publicKey: "key", address: random.maybe { $0.address() },
        additionalAddresses: random.some(4) { $0.prefix() },
        excludeAdvertisedNetworks: random.some(4) { $0.prefix().network },
        endpoints: random.some(4) { IPEndpoint(address: $0.address(), port: UInt16($0.number(65536))) })
    }
    affiliate.controlPlane = maybe { ControlPlane(apiServerPort: UInt16(1 + $0.number(65535))) }
    if isPublished { return AffiliateRecord(affiliate) }
    var record = AffiliateRecord(
      affiliate, confirmedAt: maybe { $0.time() }, isStale: number(3) == 0, isLocalID: number(3) == 0)
    record.machineID = number(2) == 0 ? "" : String(repeating: "0f", count: 16)
    record.createdAt = maybe { $0.time() }
    record.health = maybe { random in
      random.number(2) == 0
        ? .ready : .notReady(reason: random.pick(["", "KubeletNotReady", String(repeating: "r", count: 64)]))
    }
    record.labels = labels()
    return record
  }

  private mutating func labels() -> NodeLabels {
    var labels: [String: String] = [:]
    for _ in 0..<number(6) { labels["key-\(number(100))"] = pick(["", "value", "wört"]) }
    return (try? NodeLabels(labels)) ?? NodeLabels()
  }

  /// Before and after 1970, and never at its start, which stands for no time.
  private mutating func time() -> Timestamp {
    Timestamp(milliseconds: pick([-7, 1, 1_700_000_000_000, Int64.max]))
  }

  private mutating func address() -> IPAddress {
    number(2) == 0
      ? IPAddress(v4: .random(in: 0 ... .max, using: &generator))
      : IPAddress(v6High: .random(in: 0 ... .max, using: &generator), low: UInt64(number(1_000)))
  }

  private mutating func prefix() -> IPPrefix {
    let address = address()
    return IPPrefix(address: address, length: number(address.family.bitCount + 1)) ?? IPPrefix(host: address)
  }
}
