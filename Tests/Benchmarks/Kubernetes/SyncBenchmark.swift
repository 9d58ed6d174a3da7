import Foundation
import KubernetesRegistry
import Logging
import NodeFixtures
import Rollcall

/// How long the registry takes until every Node is in the merged view, the memory for that, and how long a
/// change takes from the API server to the view.
enum SyncBenchmark {
  /// Runs the registry in a process of its own, against servers in processes of their own: without Nodes, to
  /// know what the program needs anyway, and with `nodeCount`.
  @discardableResult
  static func compare(nodeCount: Int) throws -> (idle: SyncFigures, all: SyncFigures) {
    let idle = try measure(nodeCount: 0)
    return (idle, try measure(nodeCount: nodeCount))
  }

  private static func measure(nodeCount: Int) throws -> SyncFigures {
    let arguments = ["serve", String(nodeCount)]
    let server = try Helper(arguments)
    defer { server.end() }
    guard let url = server.firstLine() else { throw Figures.Missing(arguments: arguments) }
    let figures = try Figures.measured(SyncFigures.self, ["sync-alone", url, String(nodeCount)])
    print(figures.lines)
    return figures
  }

  static func run(url: String, nodeCount: Int, changeCount: Int = 300) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let kubeconfig = folder.appendingPathComponent("kubeconfig")
    try kubeconfigText(url).write(to: kubeconfig, atomically: true, encoding: .utf8)

    let options = KubernetesOptions {
      $0.kubeconfig = kubeconfig.path
      $0.inCluster = false
      $0.publish = false
    }
    var logger = Logger(label: "benchmark")
    logger.logLevel = .error
    let aggregator = try Aggregator(
      registries: [
        RegistryDefinition(name: "kubernetes", prefix: "k8s") { context in
          try KubernetesRegistry(options: options, context: context)
        }
      ], logger: logger)

    let start = Usage.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      var changes = aggregator.changes().makeAsyncIterator()
      var isSynced = false
      var known = 0
      while !isSynced || known < nodeCount, let change = await changes.next() {
        switch change {
        case .snapshot(let snapshot): (known, isSynced) = (snapshot.members.count, snapshot.isSynced)
        case .changes(let batch):
          for case .member(let change) in batch { known += change.kind == .created ? 1 : 0 }
        case .registry(let status): isSynced = status.hasSynced
        case .registryRemoved, .life, .history: break
        }
      }
      let synced = Usage.now
      var figures = SyncFigures(
        nodes: known, seconds: synced.wall - start.wall, cpuSeconds: synced.cpu - start.cpu,
        peak: synced.peak)
      if nodeCount > 0 {
        figures.changes = try await changeNodes(changeCount, of: nodeCount, url: url, &changes)
      }
      try Figures.tell(figures)
      group.cancelAll()
    }
  }

  /// Changes one Node after another, each when the one before is seen.
  private static func changeNodes(
    _ count: Int, of nodeCount: Int, url: String, _ changes: inout ClusterEvents.Iterator
  ) async throws -> SyncFigures.Changes {
    let control = try FixtureControl(url: url)
    var latencies: [Double] = []
    let start = Usage.now
    for number in 0..<count {
      let index = number * 7919 % nodeCount
      let name = NodeFixture(index: index, resourceVersion: 0).name
      let before = Usage.now.wall
      guard try control.change(index) else { throw NoSuchNode(index: index) }
      var isSeen = false
      while !isSeen, let change = await changes.next() {
        guard case .changes(let batch) = change else { continue }
        for case .affiliate(let change) in batch {
          isSeen = isSeen || change.new?.value.nodename == name
        }
      }
      latencies.append(Usage.now.wall - before)
    }
    let end = Usage.now
    latencies.sort()
    return SyncFigures.Changes(
      count: count, median: latencies[count / 2] * 1000, most: latencies[count * 99 / 100] * 1000,
      cpu: (end.cpu - start.cpu) / Double(count) * 1e6, peak: end.peak)
  }

  private struct NoSuchNode: Error {
    let index: Int
  }

  private static func kubeconfigText(_ url: String) -> String {
    """
    clusters: [{name: c, cluster: {server: "\(url)"}}]
    users: [{name: u, user: {}}]
    contexts: [{name: x, context: {cluster: c, user: u}}]
    current-context: x

    """
  }
}
