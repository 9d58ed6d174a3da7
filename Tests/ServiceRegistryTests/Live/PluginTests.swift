import ClusterModel
import Foundation
import PluginHost
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ServiceRegistry

@Suite("The built plugin", .timeLimit(.minutes(3)))
struct PluginTests {
  static func plugin() async throws -> LoadedPlugin {
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: []), allowUnsafePermissions: true,
      logger: try TestSettings.context().logger)
    return try await catalog.plugin(
      at: BuiltProducts.folder.appendingPathComponent("librollcall-service.so").path)
  }

  @Test("is loaded by the host and says what it is")
  func descriptor() async throws {
    let descriptor = try await Self.plugin().descriptor
    #expect(descriptor.name == "service" && descriptor.prefix == "service")
    #expect(descriptor.publishes && descriptor.leases && descriptor.wantsClusterSecret)
    #expect(descriptor.version == RollcallVersion.current)
  }

  @Test("finds nodes and publishes through the boundary")
  func finds() async throws {
    let plugin = try await Self.plugin()
    let cluster = try Cluster()
    let service = MemoryService()
    service.put(try cluster.wire("a", endpoints: ["1.2.3.4:5"]))
    try await withServer([service]) { port in
      var context = try TestSettings.context()
      context.name = "service"
      let registry = plugin.registry(
        options: #"{"endpoint":"http://127.0.0.1:\#(port)","ttl":"1m"}"#, context: context)
      let recorder = SessionRecorder()
      try await running(registry, recorder) {
        try await eventually("found") { recorder.nodes() == ["a"] }
        try await recorder.published(
          Publication(local: try cluster.affiliate("local"), labels: try NodeLabels(["rack": "r7"])))
        let local = try #require(service.state.affiliates["local"])
        #expect(try cluster.cipher.openMessage(local.data).labels.map(\.value) == ["r7"])
        try await recorder.published(nil)
        #expect(service.state.affiliates["local"] == nil)
      }
      #expect(recorder.addresses == ["127.0.0.1"])
      #expect(recorder.status == "")
    }
  }
}
