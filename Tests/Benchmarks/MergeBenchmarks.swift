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
    let sync = firstSync(cluster, into: &merge)
    let change = oneChange(cluster, in: &merge)
    medians[nodes] = change
    let size = "\(nodes) nodes x 3"
    rows.append(
      BenchmarkRow(
        name: "first sync, \(size)", measured: sync.inMilliseconds,
        target: nodes == 100_000 ? "<= 2000 ms" : ""))
    rows.append(
      BenchmarkRow(
        name: "one change while a reader has a copy, \(size)", measured: change.inMicroseconds,
        target: nodes == 100_000 ? "<= 20 us" : ""))
    rows.append(
      BenchmarkRow(
        name: "snapshot that changes one node, \(size)",
        measured: snapshotOfOneChange(cluster, in: &merge).inMilliseconds))
  }
  let ratio = (medians[100_000]?.seconds ?? 0) / (medians[1_000]?.seconds ?? 1)
  rows.append(
    BenchmarkRow(
      name: "one change, 100000 nodes to 1000", measured: "\((ratio * 100).rounded() / 100) times",
      target: "<= 2 times"))
  rows.append(
    BenchmarkRow(
      name: "memory of a raw record, registries agree", measured: try outputOfFreshProcess("merge-memory"),
      target: "<= 1024 bytes"))
  rows.append(
    BenchmarkRow(
      name: "memory of a raw record, registries disagree on each node",
      measured: try outputOfFreshProcess("merge-memory-distinct")))
  return rows
}

/// Hands the first snapshot of each registry to `merge`; the making of the records isn't counted.
private func firstSync(_ cluster: SampleCluster, into merge: inout ClusterMerge) -> Duration {
  var total = Duration.zero
  for origin in SampleCluster.origins {
    let records = cluster.records(of: origin)
    total += time { _ = merge.apply(.snapshot(records, from: origin), at: Timestamp(milliseconds: 0)) }
  }
  return total
}

/// The median of changes of random nodes: another address, another hostname, another endpoint. A copy is
/// taken after each change and lives until after the next one.
private func oneChange(_ cluster: SampleCluster, in merge: inout ClusterMerge) -> Duration {
  var generator = SampleGenerator(state: 7)
  var reader = merge
  var durations: [Duration] = []
  for round in 0..<6_000 {
    let origin = SampleCluster.origins[round / 3 % 3]
    let node = Int.random(in: 0..<cluster.nodes, using: &generator)
    var record = cluster.record(node, of: origin)
    switch round % 3 {
    case 0: record.affiliate.addresses.append(IPAddress(v4: 0xC0A8_0000 + UInt32(round)))
    case 1: record.affiliate.hostname += "-\(round)"
    default:
      record.affiliate.kubeSpan?.endpoints.append(
        IPEndpoint(address: IPAddress(v4: 0xC0A8_0000 + UInt32(round)), port: 51820))
    }
    let now = Timestamp(milliseconds: Int64(round))
    durations.append(time { _ = merge.apply(.upsert(record, from: origin), at: now) })
    reader = merge
  }
  guard reader.affiliateCount == cluster.nodes else { return .zero }
  return durations.dropFirst(100).median
}

/// A polling registry's snapshot in which all but one node are as they were.
private func snapshotOfOneChange(_ cluster: SampleCluster, in merge: inout ClusterMerge) -> Duration {
  let origin = SampleCluster.origins[0]
  let now = Timestamp(milliseconds: 0)
  _ = merge.apply(.snapshot(cluster.records(of: origin), from: origin), at: now)
  return (0..<3).map { round in
    var records = cluster.records(of: origin)
    records[round].affiliate.hostname += "-\(round)"
    return time { _ = merge.apply(.snapshot(records, from: origin), at: now) }
  }.median
}

/// Prints what a raw record takes with all that the merge keeps because of it.
func measureMergeMemory(distinct: Bool) {
  let nodes = 100_000
  let cluster = SampleCluster(nodes: nodes, distinct: distinct)
  let before = residentBytes()
  var merge = ClusterMerge()
  for origin in SampleCluster.origins {
    _ = merge.apply(
      .snapshot(cluster.records(of: origin), from: origin), at: Timestamp(milliseconds: 0))
  }
  let bytes = (residentBytes() - before) / merge.rawCount
  print("\(bytes) bytes")
}

/// A first sync alone, small enough to count its instructions with callgrind.
func runFirstSync() {
  var merge = ClusterMerge()
  print(firstSync(SampleCluster(nodes: 10_000), into: &merge).inMilliseconds)
}

/// Changes alone, for the same purpose.
func runChanges() {
  let cluster = SampleCluster(nodes: 10_000)
  var merge = ClusterMerge()
  _ = firstSync(cluster, into: &merge)
  print(oneChange(cluster, in: &merge).inMicroseconds)
}
