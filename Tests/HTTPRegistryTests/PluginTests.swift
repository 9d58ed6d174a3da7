import Foundation
import HTTPTestSupport
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import HTTPRegistry

/// The plugin as it was built, loaded by the host.
@Suite struct PluginTests {
  private func plugin(_ logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) async throws
    -> LoadedPlugin
  {
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: [.init(BuiltProducts.folder.path)]),
      allowUnsafePermissions: true, logger: logger)
    return try await catalog.plugin(named: "http")
  }

  @Test("the built plugin is the registry's type, schema and all")
  func descriptor() async throws {
    #expect(try await plugin().descriptor == HTTPRegistry.descriptor)
  }

  @Test("the built plugin reads a list over the boundary: local ids, labels, machine ids and health")
  func endToEnd() async throws {
    let list = """
      [{"hostname":"w-1","labels":{"rack":"12"},"machineID":"0123456789abcdef0123456789abcdef","ready":false,
        "reason":"KubeletNotReady"},{"nodeId":"b"}]
      """
    let script = Script(list)
    try await ScriptedServer.run(script.respond) { server in
      let context = RegistryContext(
        name: "inventory", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      let registry = try await plugin().registry(
        options: #"{"url":"\#(server.url)/list","interval":"1s"}"#, context: context)
      let recorder = SessionRecorder()
      try await recorder.run(registry) {
        let record = try await recorder.wait(for: "the list") { $0.ids() == ["b", "w-1"] }
        let machine = try #require(record.record("w-1"))
        #expect(machine.isLocalID && machine.labels["rack"] == "12")
        #expect(machine.machineID == "0123456789abcdef0123456789abcdef")
        #expect(machine.health == .notReady(reason: "KubeletNotReady"))
        script.become("[]")
        try await recorder.wait(for: "the change") { $0.ids() == [] }
      }
    }
  }

  @Test("the built plugin keeps the rules of every registry, a failing server included")
  func conformance() async throws {
    let script = Script(PollTests.two)
    try await ScriptedServer.run(script.respond) { server in
      let plugin = try await plugin()
      let options = #"{"url":"\#(server.url)","interval":"1s"}"#
      let report = await RegistryConformance.check(
        sabotage: .init(
          break: { script.become("", status: 500) }, mend: { script.become(PollTests.two) }),
        deadline: .seconds(20)
      ) { logger in
        plugin.registry(options: options, context: RegistryContext(name: "inventory", logger: logger))
      }
      #expect(report.isPassed, "\(report)")
    }
  }
}
