import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import StaticFileRegistry

/// The plugin as it was built, loaded by the host.
@Suite struct PluginTests {
  private func plugin() async throws -> LoadedPlugin {
    let catalog = PluginCatalog(
      directories: PluginDirectories(folders: [.init(BuiltProducts.folder.path)]),
      allowUnsafePermissions: true, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await catalog.plugin(named: "static-file")
  }

  @Test("the built plugin is the registry's type, schema and all")
  func descriptor() async throws {
    #expect(try await plugin().descriptor == StaticFileRegistry.descriptor)
  }

  @Test("the built plugin reads a file, its changes and its mistakes")
  func endToEnd() async throws {
    let folder = try TestFolder()
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let context = RegistryContext(
      name: "rack", baseDirectory: folder.path,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let registry = try await plugin().registry(
      options: #"{"path":"nodes.yaml","pollInterval":"1h"}"#, context: context)
    let recorder = SessionRecorder()
    try await recorder.run(registry) {
      try await recorder.wait(for: "the snapshot") { $0.hostname("a") == "one" }
      try folder.replace("nodes.yaml", with: nodes(["a": "two", "b": "new"]))
      try await recorder.wait(for: "the change") { $0.ids() == ["a", "b"] && $0.hostname("a") == "two" }
      try folder.replace("nodes.yaml", with: "nodes: {")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == ["a", "b"])
      #expect(record.error(.content)?.message.hasPrefix("nodes.yaml:1:") == true)
    }
  }

  @Test("the built plugin is given for how long what is gone still counts")
  func staleAfter() async throws {
    let folder = try TestFolder()
    try folder.write(nodes(["a": "one"]), to: "nodes.yaml")
    let context = RegistryContext(
      name: "rack", baseDirectory: folder.path, staleAfter: .seconds(90),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let registry = try await plugin().registry(options: #"{"path":"nodes.yaml"}"#, context: context)
    let recorder = SessionRecorder()
    try await recorder.run(registry) {
      try await recorder.wait(for: "the snapshot") { $0.ids() == ["a"] }
      try folder.remove("nodes.yaml")
      let record = try await recorder.wait(for: "the report") { !$0.isHealthy }
      #expect(record.ids() == ["a"])
      #expect(record.error(.reading)?.message.contains("until it has been away for 1m30s") == true)
    }
  }

  @Test("options that can't work are found without a run, and good ones leave nothing behind")
  func check() async throws {
    let folder = try TestFolder()
    let context = RegistryContext(
      name: "rack", baseDirectory: folder.path,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await plugin().check(options: #"{"path":"nodes.yaml"}"#, context: context)
    for options in ["{}", #"{"path":"nodes/"}"#] {
      await #expect(throws: RegistryError.self) {
        try await plugin().check(options: options, context: context)
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test("options that can't work fail the run")
  func badOptions() async throws {
    let registry = try await plugin().registry(
      options: #"{"paths":["nodes/"]}"#,
      context: RegistryContext(name: "rack", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    let error = await #expect(throws: RegistryError.self) {
      let recorder = SessionRecorder()
      try await recorder.run(registry) { try await recorder.wait(for: "anything") { _ in false } }
    }
    #expect(error?.message.contains("'nodes/' is a folder; write 'nodes/*.yaml' for the files in it") == true)
  }
}
