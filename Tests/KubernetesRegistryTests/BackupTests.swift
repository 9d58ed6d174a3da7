import Foundation
import KubernetesTestSupport
import RegistryTestSupport
import Testing

@testable import KubernetesRegistry

/// etcd is put back to what it was, versions and all.
extension KubernetesIntegrationTests {
  @Test("a cluster that is restored from a backup is read as it is now, though its versions are older ones")
  func restoredBackup() async throws {
    let cluster = try await Self.server()
    try await cluster.createNode("backup-1", annotations: [nodeID: "backup-id", selfIPs: "10.7.0.1"])
    let backup = URL(fileURLWithPath: cluster.path("backup"))
    try await cluster.stopped { try FileManager.default.copyItem(at: $0, to: backup) }
    var test = try registry(cluster.adminConfig, watchSeconds: 2...3)
    test.registry.timing.quietLimit = .seconds(5)
    try await test.run { recorder in
      try await recorder.wait(for: "the node") { $0.affiliate("backup-id")?.addresses.count == 1 }
      // More versions than the server makes by itself when it starts.
      for index in 0..<30 { try await cluster.kubectl("create", "configmap", "backup-\(index)") }
      try await cluster.kubectl("annotate", "node", "backup-1", "--overwrite", "\(selfIPs)=10.7.0.1,10.7.0.2")
      try await recorder.wait(for: "the change") { $0.affiliate("backup-id")?.addresses.count == 2 }
      try await cluster.stopped { data in
        try FileManager.default.removeItem(at: data)
        try FileManager.default.moveItem(at: backup, to: data)
      }
      let record = try await recorder.wait(for: "what is so again", within: .seconds(60)) {
        $0.affiliate("backup-id")?.addresses.count == 1 && $0.isHealthy
      }
      #expect(record.log.contains { $0.contains("the server has sent nothing of them since version") })
      #expect(!record.log.contains { $0.contains("too old resource version") })
    }
    try await cluster.kubectl("delete", "node", "backup-1")
  }
}
