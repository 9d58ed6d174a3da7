import AffiliateMerge
import BenchmarkTable
import ClusterModel

/// The joining of records without identities: 100,000 nodes known to a service by identity, and to Kubernetes and an
/// inventory by ids of their own, matched by all keys.
func matchBenchmarks() -> [BenchmarkRow] {
  var rows: [BenchmarkRow] = []
  for (name, shared) in [("", nil), (", one address on every machine", IPAddress(v4: 0x0A63_6363))] {
    let world = MatchWorld(nodes: 100_000, shared: shared)
    var merge = ClusterMerge(policy: world.policy)
    let sync = time {
      for registry in SampleCluster.registries {
        _ = merge.apply(
          .snapshot(world.records(of: registry), source: .only), of: registry, at: Timestamp(milliseconds: 0))
      }
    }
    rows.append(
      BenchmarkRow(
        name: "first sync, making the records too\(name)", measured: sync.inMilliseconds, target: ""))
    let change = world.changes(in: &merge)
    // Joined all, or the figure says nothing.
    let isJoined = merge.affiliateCount == 100_000
    rows.append(
      BenchmarkRow(
        name: "one change while a reader has a copy\(name)",
        measured: isJoined ? change.inMicroseconds : "not joined: \(merge.affiliateCount) nodes",
        target: "<= 15 us"))
  }
  return rows
}

private struct MatchWorld {
  private let cluster: SampleCluster
  private let shared: IPAddress?

  init(nodes: Int, shared: IPAddress?) {
    cluster = SampleCluster(nodes: nodes)
    self.shared = shared
  }

  var policy: MergePolicy {
    let keys: [MatchField] = [.machineID, .nodename, .publicKey, .hostname, .address, .label("serial")]
    let matching = RegistryMatching(keys: keys.map { MatchKey($0) })
    return MergePolicy(matching: ["kubernetes": matching, "inventory": matching])
  }

  func records(of registry: RegistryID) -> [AffiliateRecord] {
    // The service first, as the others' ids would found nodes of their own otherwise.
    (0..<cluster.nodes).map { record($0, of: registry) }
  }

  func record(_ node: Int, of registry: RegistryID) -> AffiliateRecord {
    var record = cluster.record(node, of: registry)
    if let shared { record.affiliate.addresses.append(shared) }
    let number = String(node, radix: 16)
    record.machineID = String(repeating: "a", count: 32 - number.count) + number
    if let labels = try? NodeLabels(["serial": "S\(node)"]) { record.labels = labels }
    guard registry.name != "service", let id = try? NodeIdentity("machine-\(node)") else { return record }
    record.isLocalID = true
    record.affiliate.nodeID = id
    return record
  }

  /// The median of changes of random nodes in a field that is compared. A copy is taken after each change.
  func changes(in merge: inout ClusterMerge) -> Duration {
    var generator = SampleGenerator(state: 7)
    var reader = merge.frozen
    var durations: [Duration] = []
    for round in 0..<30_000 {
      let registry = SampleCluster.registries[round / 3 % 3]
      var record = record(Int.random(in: 0..<cluster.nodes, using: &generator), of: registry)
      switch round % 3 {
      case 0: record.affiliate.addresses.append(IPAddress(v4: 0xC0A8_0000 + UInt32(round)))
      case 1: record.affiliate.hostname += "-\(round)"
      default: if let labels = try? NodeLabels(["serial": "T\(round)"]) { record.labels = labels }
      }
      let now = Timestamp(milliseconds: Int64(round))
      durations.append(time { _ = merge.apply(.upsert(record, source: .only), of: registry, at: now) })
      reader = merge.frozen
    }
    _ = reader
    return durations.dropFirst(100).median
  }
}
