import AffiliateMerge
import ClusterModel

let k8s = RecordOrigin(registry: "kubernetes", prefix: "k8s")
let service = RecordOrigin(registry: "service", prefix: "service")
let inventory = RecordOrigin(registry: "inventory", prefix: "inventory")
let serviceEU = RecordOrigin(registry: "service", prefix: "service", source: "eu.example.org")
let serviceUS = RecordOrigin(registry: "service", prefix: "service", source: "us.example.org")

func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

/// What one origin says of the node `id`, as short as a test wants it.
func record(
  _ id: String, addresses: [String] = [], hostname: String = "", nodename: String = "", os: String = "",
  type: MachineType = .unknown, port: UInt16? = nil, key: String = "", kubeSpanAddress: String? = nil,
  pods: [String] = [], excluded: [String] = [], endpoints: [String] = [], stale: Bool = false,
  confirmed: Timestamp? = nil, local: Bool = false
) throws -> AffiliateRecord {
  let kubeSpan = KubeSpanAffiliate(
    publicKey: key, address: try kubeSpanAddress.map { try IPAddress($0) },
    additionalAddresses: try pods.map { try IPPrefix($0) },
    excludeAdvertisedNetworks: try excluded.map { try IPPrefix($0) },
    endpoints: try endpoints.map { try IPEndpoint($0) })
  return AffiliateRecord(
    Affiliate(
      nodeID: try NodeIdentity(id), addresses: try addresses.map { try IPAddress($0) }, hostname: hostname,
      nodename: nodename, operatingSystem: os, machineType: type,
      kubeSpan: kubeSpan == KubeSpanAffiliate() ? nil : kubeSpan,
      controlPlane: port.map { ControlPlane(apiServerPort: $0) }),
    confirmedAt: confirmed, isStale: stale, isLocalID: local)
}

extension ClusterMerge {
  /// A merge of `records`, reported one after the other.
  init(_ records: [(RecordOrigin, AffiliateRecord)], policy: MergePolicy = MergePolicy()) throws {
    self.init(policy: policy)
    for (origin, record) in records { _ = try apply(.upsert(record, from: origin), at: at(0)) }
  }

  func merged(_ id: String) throws -> Affiliate? { affiliate(try NodeIdentity(id))?.value }

  func provenance(_ id: String, _ field: AffiliateField) throws -> FieldProvenance? {
    provenance(of: try NodeIdentity(id))?.first { $0.field == field }
  }
}

extension Affiliate {
  func values(_ field: AffiliateField) -> [String] { field.values(in: self) }
}

/// Randomness that is the same in each run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
