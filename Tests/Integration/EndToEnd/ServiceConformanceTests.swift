import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import Synchronization
import TestSupport
import Testing

@Suite("The service plugin and our service", .timeLimit(.minutes(3)))
struct ServiceConformanceTests {
  @Test("the plugin keeps all rules of registries, through kill -9 of the service and its restart")
  func conformance() async throws {
    let cluster = try await ProcessCluster()
    let running = Mutex<ChildProcess?>(try await cluster.serve("--rate-limit", "0"))
    let other = try cluster.node("other")
    try await eventually("there is a node to be found") { try await cluster.observed() == ["other"] }

    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: []), allowUnsafePermissions: true, logger: logger)
    let plugin = try await catalog.plugin(
      at: BuiltProducts.folder.appendingPathComponent("librollcall-service.so").path)
    let local = try NodeIdentity("3ZpZzZkSsT0uZp0bLbnFkzPNvUlLMWrLyB9pVJdFFqgB")
    let context = RegistryContext(
      name: "service", localNodeID: local, clusterID: try cluster.secret("id"),
      clusterSecret: try cluster.secret("secret"), baseDirectory: cluster.folder.path, logger: logger)
    let sabotage = RegistryConformance.Sabotage {
      let service = running.withLock { $0 }
      service?.signal(SIGKILL)
      _ = try await service?.result()
    } mend: {
      let service = try await cluster.serve("--rate-limit", "0")
      running.withLock { $0 = service }
    }
    let options = #"{"endpoint": "\#(cluster.endpoint)"}"#
    let report = await RegistryConformance.check(
      sabotage: sabotage,
      publication: Publication(
        local: Affiliate(nodeID: local, nodename: "local", machineType: .worker)), deadline: .seconds(20)
    ) { plugin.registry(options: options, context: context) }
    #expect(report.isPassed, "\(report)")
    let skipped = report.checks.filter { if case .skipped = $0.result { true } else { false } }
    #expect(skipped == [], "\(report)")
    #expect(other.isRunning)
  }
}
