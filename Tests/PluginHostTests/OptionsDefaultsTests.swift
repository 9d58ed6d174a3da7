import PluginHost
import RegistryKit
import Synchronization
import TestSupport
import Testing

@Suite("Options of a plugin") struct OptionsDefaultsTests {
  /// A plugin that has no default of its own: what isn't written comes from its schema.
  private struct Waiting: RegistryPlugin {
    struct Options: Decodable {
      var interval: Duration
      var retry: Retry
      var path: String?

      struct Retry: Decodable { var times: Int }
    }

    static let descriptor = RegistryDescriptor(
      name: "waiting", version: "1.0.0", summary: "For tests",
      optionsSchema: #"""
        {"type": "object", "properties": {
          "interval": {"type": "string", "format": "duration", "default": "30s"},
          "retry": {"type": "object", "default": {}, "properties": {"times": {"type": "integer", "default": 3}}},
          "path": {"type": "string"}}}
        """#)
    static let made = Mutex<[Options]>([])

    init(options: Options, context: RegistryContext) throws { Self.made.withLock { $0.append(options) } }

    func run(_ session: RegistrySession) async throws { throw RegistryError(.failed, "the end") }
  }

  @Test("have the schema's defaults where they aren't written")
  func filled() async throws {
    let plugin = try LoadedPlugin(entry: .exporting(Waiting.self), file: "waiting")
    for options in ["{}", #"{"interval":"1m","path":"p","retry":{"times":1}}"#] {
      let context = RegistryContext(name: "waiting", logger: LogRecorder().logger)
      let session = RegistrySession(
        context: context,
        receive: { _ throws(RegistryError) in })
      await #expect(throws: RegistryError(.failed, "the end")) {
        try await plugin.registry(options: options, context: context).run(session)
      }
    }
    let made = Waiting.made.withLock { $0 }
    #expect(made.map(\.interval) == [.seconds(30), .seconds(60)])
    #expect(made.map(\.retry.times) == [3, 1] && made.map(\.path) == [nil, "p"])
  }

  /// A plugin with a default that its own schema refuses.
  private struct Contradictory: RegistryPlugin {
    static let descriptor = RegistryDescriptor(
      name: "contradictory", version: "1.0.0", summary: "For tests",
      optionsSchema: #"{"type":"object","properties":{"depth":{"type":"integer","maximum":2,"default":3}}}"#)

    init(options: NoOptions, context: RegistryContext) throws {}

    func run(_ session: RegistrySession) async throws {}
  }

  @Test("whose schema contradicts itself keep the plugin from being loaded")
  func contradiction() {
    let error = #expect(throws: PluginError.self) {
      try LoadedPlugin(entry: .exporting(Contradictory.self), file: "contradictory.so")
    }
    #expect(error?.code == .malformed)
    #expect(
      error?.description
        == "contradictory.so: its descriptor's options_schema is wrong: properties.depth: default must be at most "
        + "2, not 3")
  }
}
