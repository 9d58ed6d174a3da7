import BenchmarkTable
import ClusterModel
import Logging
import RegistryKit
import Rollcall
import Synchronization

/// What a running aggregator takes, from a registry's word to a reader's snapshot.
struct AggregatorFigures: Sendable {
  /// From the start to the snapshot that has everything.
  var firstSync: Duration
  /// From the word on one node to a snapshot that has it: the median.
  var oneChange: Duration
}

/// Measures an aggregator of `registries` that each tell of the same `nodes`.
func measureAggregator(nodes: Int, registries: Int = 3, changes: Int = 200) async throws -> AggregatorFigures
{
  let affiliates = try (0..<nodes).map { number in
    Affiliate(
      nodeID: try NodeIdentity("node-\(number)"),
      addresses: [IPAddress(v4: 0x0A00_0000 + UInt32(number))], hostname: "host-\(number)",
      nodename: "host-\(number)", machineType: .worker)
  }
  let sources = (0..<registries).map { _ in BenchmarkRegistry(affiliates) }
  let aggregator = try Aggregator(
    registries: sources.enumerated().map { RegistryDefinition(name: "r\($0.offset)", registry: $0.element) },
    logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
  let clock = ContinuousClock()
  let run = Task { try await aggregator.run() }
  let start = clock.now
  try await aggregator.waitUntilSynced()
  let firstSync = clock.now - start

  var snapshots = aggregator.snapshots().makeAsyncIterator()
  var times: [Duration] = []
  for change in 0..<changes {
    var affiliate = affiliates[change * 7919 % nodes]
    affiliate.hostname = "changed-\(change)"
    let start = clock.now
    try sources[registries - 1].tell(affiliate)
    while let snapshot = await snapshots.next() {
      if snapshot.merge.affiliate(affiliate.nodeID)?.value.hostname == affiliate.hostname { break }
    }
    times.append(clock.now - start)
  }
  run.cancel()
  try await run.value
  return AggregatorFigures(firstSync: firstSync, oneChange: times.sorted()[times.count / 2])
}

/// Tells all its nodes at once, and then what it is given.
private final class BenchmarkRegistry: Registry {
  private let affiliates: [Affiliate]
  private let session = Mutex<RegistrySession?>(nil)

  init(_ affiliates: [Affiliate]) { self.affiliates = affiliates }

  func tell(_ affiliate: Affiliate) throws { try session.withLock { $0 }?.upsert(affiliate) }

  func run(_ session: RegistrySession) async throws {
    self.session.withLock { $0 = session }
    try session.snapshot(affiliates)
    while true { try await Task.sleep(for: .seconds(3600)) }
  }
}

/// The whole way, with all that is around the merge.
func aggregatorBenchmark() async throws -> [BenchmarkRow] {
  var rows: [BenchmarkRow] = []
  for nodes in [1_000, 10_000, 100_000] {
    let figures = try await measureAggregator(nodes: nodes)
    rows.append(
      BenchmarkRow(
        name: "aggregator: first sync of 3 registries of \(nodes) nodes",
        measured: figures.firstSync.inMilliseconds,
        target: nodes == 100_000 ? "<= 1200 ms" : ""))
    rows.append(
      BenchmarkRow(
        name: "aggregator: one word to a snapshot that has it, \(nodes) nodes",
        measured: figures.oneChange.inMicroseconds))
  }
  return rows
}
