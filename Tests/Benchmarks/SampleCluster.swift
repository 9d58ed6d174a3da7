import AffiliateMerge
import ClusterModel

/// A made-up cluster as large as wished, each node known to three registries with all fields set.
struct SampleCluster {
  static let registries = [
    RegistryID(name: "kubernetes", prefix: "k8s"),
    RegistryID(name: "service", prefix: "service"),
    RegistryID(name: "inventory", prefix: "inventory"),
  ]

  let nodes: Int
  /// Whether registries say different things of each node: another hostname, more addresses and endpoints.
  let distinct: Bool
  private let identities: [NodeIdentity]

  init(nodes: Int, distinct: Bool = false) {
    self.nodes = nodes
    self.distinct = distinct
    var generator = SampleGenerator(state: 1)
    identities = (0..<nodes).map { _ in NodeIdentity.random(using: &generator) }
  }

  func records(of registry: RegistryID) -> [AffiliateRecord] {
    (0..<nodes).map { record($0, of: registry) }
  }

  /// What `registry` says of a node; made anew each time, so that no buffer is shared beforehand.
  func record(_ node: Int, of registry: RegistryID) -> AffiliateRecord {
    let number = UInt32(node)
    let name = "talos-default-worker-\(node)"
    var addresses = [
      IPAddress(v4: 0x0A00_0000 + number), IPAddress(v6High: 0xFD83_B1F7_FCB5_2802, low: UInt64(node)),
    ]
    var endpoints = addresses.map { IPEndpoint(address: $0, port: 51820) }
    if distinct {
      let own = IPAddress(v4: 0x0B00_0000 + UInt32(registry.prefix.count) << 20 + number)
      addresses.append(own)
      endpoints.append(IPEndpoint(address: own, port: 51820))
    }
    let pods = IPPrefix(address: IPAddress(v4: 0x2C00_0000 + number << 8), length: 24)
    return AffiliateRecord(
      Affiliate(
        nodeID: fresh(identities[node]), addresses: addresses,
        hostname: distinct ? "\(name).\(registry.name).example.org" : name, nodename: name,
        operatingSystem: "Talos (v1.3.0-alpha.1)", machineType: .worker,
        kubeSpan: KubeSpanAffiliate(
          publicKey: "WireGuardPublicKeyOfTheNode\(node + 1_000_000_000)0000000=",
          address: IPAddress(v6High: 0xFD00_0000_0000_0002, low: UInt64(node)),
          additionalAddresses: pods.map { [$0] } ?? [], endpoints: endpoints)))
  }

  /// The same identity in a buffer of its own, as it comes from a registry.
  private func fresh(_ id: NodeIdentity) -> NodeIdentity {
    (try? NodeIdentity(String(decoding: Array(id.text.utf8), as: UTF8.self))) ?? id
  }
}

/// Randomness that is the same in each run (SplitMix64).
struct SampleGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
