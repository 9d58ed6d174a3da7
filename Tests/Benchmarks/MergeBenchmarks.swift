import AffiliateMerge
import BenchmarkTable
import ClusterModel

/// The merge at 1,000, 10,000 and 100,000 nodes, each known to three registries.
func mergeBenchmarks() throws -> [BenchmarkRow] {
  var rows: [BenchmarkRow] = []
  var medians: [Int: Duration] = [:]
  for nodes in [1_000, 10_000, 100_000] {
    let cluster = SampleCluster(nodes: nodes)
    var merge = ClusterMerge()
    let (sync, kept) = firstSync(cluster, into: &merge)
    let change = oneChange(cluster, in: &merge)
    medians[nodes] = change
    let size = "\(nodes) nodes x 3"
    rows.append(
      BenchmarkRow(
        name: "first sync, \(size)", measured: sync.inMilliseconds,
        target: nodes == 100_000 ? "<= 1200 ms" : ""))
    rows.append(
      BenchmarkRow(
        name: "one change while a reader has a copy, \(size)", measured: change.inMicroseconds,
        target: nodes == 100_000 ? "<= 10 us" : ""))
    for sharing in SnapshotBuffers.allCases {
      rows.append(
        BenchmarkRow(
          name: "snapshot that changes one node, \(sharing.rawValue), \(size)",
          measured: snapshots(cluster, kept, sharing, in: &merge) { $0[$1].affiliate.hostname += "-\($1)" }
            .inMilliseconds))
      rows.append(
        BenchmarkRow(
          name: "snapshot that removes one node, \(sharing.rawValue), \(size)",
          measured: snapshots(cluster, kept, sharing, in: &merge) { $0.remove(at: $0.count / 2 + $1) }
            .inMilliseconds,
          target: nodes == 100_000 ? "<= 5 ms" : ""))
    }
  }
  rows += sharedAddressBenchmarks()
  let ratio = (medians[100_000]?.seconds ?? 0) / (medians[1_000]?.seconds ?? 1)
  rows.append(
    BenchmarkRow(
      name: "one change, 100000 nodes to 1000", measured: "\((ratio * 100).rounded() / 100) times",
      target: "<= 2 times"))
  rows.append(
    BenchmarkRow(
      name: "memory of a raw record, registries agree", measured: try outputOfFreshProcess("merge-memory"),
      target: "<= 700 bytes"))
  rows.append(
    BenchmarkRow(
      name: "memory of a raw record, registries disagree on each node",
      measured: try outputOfFreshProcess("merge-memory-distinct")))
  return rows
}

/// 10,000 nodes and then a third more, one by one, without and with one address that all of them have.
private func sharedAddressBenchmarks() -> [BenchmarkRow] {
  let cluster = SampleCluster(nodes: 13_333)
  let bridges = [IPAddress(v4: 0xAC11_0001), IPAddress(v4: 0x0A63_6363)]
  let durations = [[], [bridges[0]], [bridges[1]]].map { shared -> Duration in
    let records = cluster.records(of: SampleCluster.registries[1]).map { record in
      var record = record
      record.affiliate.addresses += shared
      return record
    }
    var merge = ClusterMerge()
    let registry = SampleCluster.registries[1]
    _ = merge.apply(
      .snapshot(Array(records.prefix(10_000)), source: .only), of: registry, at: Timestamp(milliseconds: 0))
    var reader = merge
    return time {
      for record in records.dropFirst(10_000) {
        _ = merge.apply(.upsert(record, source: .only), of: registry, at: Timestamp(milliseconds: 1))
        reader = merge
      }
      _ = reader
    }
  }
  return zip(["docker0's address", "a virtual address"], durations.dropFirst()).map { name, duration in
    let ratio = duration.seconds / durations[0].seconds
    return BenchmarkRow(
      name: "3,333 nodes join 10,000, all with \(name)",
      measured: duration.inMilliseconds + ", "
        + "\((ratio * 100).rounded() / 100) times without it", target: "<= 2 times")
  }
}

/// Hands the first snapshot of each registry to `merge`; the making of the records isn't counted.
///
/// - Returns: how long that took, and the records of the first registry.
private func firstSync(
  _ cluster: SampleCluster, into merge: inout ClusterMerge
) -> (Duration, kept: [AffiliateRecord]) {
  var total = Duration.zero
  var kept: [AffiliateRecord] = []
  for registry in SampleCluster.registries {
    let records = cluster.records(of: registry)
    total += time {
      _ = merge.apply(.snapshot(records, source: .only), of: registry, at: Timestamp(milliseconds: 0))
    }
    if kept.isEmpty { kept = records }
  }
  return (total, kept)
}

/// The median of changes of random nodes: another address, another hostname, another endpoint. A copy is
/// taken after each change and lives until after the next one.
private func oneChange(_ cluster: SampleCluster, in merge: inout ClusterMerge) -> Duration {
  var generator = SampleGenerator(state: 7)
  var reader = merge
  var durations: [Duration] = []
  for round in 0..<6_000 {
    let registry = SampleCluster.registries[round / 3 % 3]
    let node = Int.random(in: 0..<cluster.nodes, using: &generator)
    var record = cluster.record(node, of: registry)
    switch round % 3 {
    case 0: record.affiliate.addresses.append(IPAddress(v4: 0xC0A8_0000 + UInt32(round)))
    case 1: record.affiliate.hostname += "-\(round)"
    default:
      record.affiliate.kubeSpan?.endpoints.append(
        IPEndpoint(address: IPAddress(v4: 0xC0A8_0000 + UInt32(round)), port: 51820))
    }
    let now = Timestamp(milliseconds: Int64(round))
    durations.append(time { _ = merge.apply(.upsert(record, source: .only), of: registry, at: now) })
    reader = merge
  }
  guard reader.affiliateCount == cluster.nodes else { return .zero }
  return durations.dropFirst(100).median
}

/// Where the records of a snapshot are.
enum SnapshotBuffers: String, CaseIterable {
  /// In memory of their own each time, as those of plugins are.
  case made = "records made anew"
  /// Where they were in the snapshot before: a registry in Swift that keeps its records.
  case kept = "records kept"
}

/// The median of a polling registry's snapshots that each differ from the one before by `change`, of which
/// the second parameter is the number of the round.
private func snapshots(
  _ cluster: SampleCluster, _ kept: [AffiliateRecord], _ buffers: SnapshotBuffers,
  in merge: inout ClusterMerge, change: (inout [AffiliateRecord], Int) -> Void
) -> Duration {
  let registry = SampleCluster.registries[0]
  let now = Timestamp(milliseconds: 0)
  _ = merge.apply(.snapshot(kept, source: .only), of: registry, at: now)
  return (0..<5).map { round in
    var records = buffers == .made ? cluster.records(of: registry) : kept
    change(&records, round)
    let duration = time { _ = merge.apply(.snapshot(records, source: .only), of: registry, at: now) }
    _ = merge.apply(.snapshot(kept, source: .only), of: registry, at: now)
    return duration
  }.median
}

/// Prints what a raw record takes with all that the merge keeps because of it.
func measureMergeMemory(distinct: Bool) {
  let nodes = 100_000
  let cluster = SampleCluster(nodes: nodes, distinct: distinct)
  let before = residentBytes()
  var merge = ClusterMerge()
  for registry in SampleCluster.registries {
    _ = merge.apply(
      .snapshot(cluster.records(of: registry), source: .only), of: registry, at: Timestamp(milliseconds: 0))
  }
  let bytes = (residentBytes() - before) / merge.rawCount
  print("\(bytes) bytes")
}

/// A first sync alone, small enough to count its instructions with callgrind.
func runFirstSync() {
  var merge = ClusterMerge()
  print(firstSync(SampleCluster(nodes: 10_000), into: &merge).0.inMilliseconds)
}

/// Changes alone, for the same purpose.
func runChanges() {
  let cluster = SampleCluster(nodes: 10_000)
  var merge = ClusterMerge()
  _ = firstSync(cluster, into: &merge)
  print(oneChange(cluster, in: &merge).inMicroseconds)
}
