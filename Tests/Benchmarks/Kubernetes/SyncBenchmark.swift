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
  static func compare(nodeCount: Int) throws {
    for count in [0, nodeCount] {
      let server = try Helper(["serve", String(count)], keepsOutput: true)
      guard let url = server.firstLine() else { return print("the server didn't start") }
      let reader = try Helper(["sync-alone", url, String(count)], keepsOutput: false)
      reader.process.waitUntilExit()
      server.end()
    }
  }

  static func run(url: String, nodeCount: Int, changeCount: Int = 300) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let kubeconfig = folder.appendingPathComponent("kubeconfig")
    try kubeconfigText(url).write(to: kubeconfig, atomically: true, encoding: .utf8)

    let options = KubernetesOptions(kubeconfig: kubeconfig.path, inCluster: false, publish: false)
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
        case .directives(let directives):
          for case .member(let change) in directives { known += change.kind == .created ? 1 : 0 }
        case .registry(let status): isSynced = status.hasSynced
        case .registryRemoved: break
        }
      }
      let synced = Usage.now
      print(
        "\(known) Nodes in the merged view after \(text(synced.wall - start.wall, 2)) s, "
          + "CPU \(text(synced.cpu - start.cpu, 2)) s, peak RSS \(text(synced.peak)) MB")
      if nodeCount > 0 { try await changeNodes(changeCount, of: nodeCount, url: url, &changes) }
      group.cancelAll()
    }
  }

  /// Changes one Node after another, each when the one before is seen.
  private static func changeNodes(
    _ count: Int, of nodeCount: Int, url: String, _ changes: inout ClusterChanges.Iterator
  ) async throws {
    let control = try FixtureControl(url: url)
    var latencies: [Double] = []
    let start = Usage.now
    for number in 0..<count {
      let index = number * 7919 % nodeCount
      let name = NodeFixture(index: index, resourceVersion: 0).name
      let before = Usage.now.wall
      guard try control.change(index) else { return print("the server has no Node \(index)") }
      var isSeen = false
      while !isSeen, let change = await changes.next() {
        guard case .directives(let directives) = change else { continue }
        for case .affiliate(let change) in directives {
          isSeen = isSeen || change.new?.value.nodename == name
        }
      }
      latencies.append(Usage.now.wall - before)
    }
    let end = Usage.now
    latencies.sort()
    print(
      "\(count) changes: median \(text(latencies[count / 2] * 1000, 2)) ms until visible, "
        + "99 % within \(text(latencies[count * 99 / 100] * 1000, 2)) ms, "
        + "CPU \(text((end.cpu - start.cpu) / Double(count) * 1e6, 0)) µs each, peak RSS \(text(end.peak)) MB"
    )
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
