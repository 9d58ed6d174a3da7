import ClusterModel
import Logging
import PluginHost
import RegistryKit
import Synchronization
import TestSupport
import Testing

/// A Swift registry that is exported and used through the C boundary, within this program.
@Suite("A Swift registry as a plugin", .timeLimit(.minutes(2)))
struct ExportTests {
  /// Does what its options say.
  struct Exported: RegistryPlugin, PublishingRegistry {
    struct Options: Decodable, Sendable {
      enum Ending: String, Decodable { case waits, returns, fails }
      struct Host: Decodable { let port: Int }
      var ending: Ending?
      var hosts: [Host]?
      var publishFailures: Int?
      var sources: [String]?
    }

    static let descriptor = RegistryDescriptor(name: "exported", version: "1.2.3", summary: "For tests")
    let options: Options
    let context: RegistryContext
    let attempts = Attempts()

    final class Attempts: Sendable {
      let count = Mutex(0)
      let updates = Mutex<RegistryUpdates?>(nil)
    }

    init(options: Options, context: RegistryContext) throws {
      if options.hosts?.isEmpty == true { throw RegistryError(.invalidArgument, "option 'hosts' is empty") }
      self.options = options
      self.context = context
    }

    func run(updates: RegistryUpdates) async throws {
      attempts.updates.withLock { $0 = updates }
      ExportTests.leaked.withLock { $0 = updates }
      context.logger.notice("runs", metadata: ["rack": "7"])
      if let sources = options.sources { try updates.sources(sources.map { try RegistrySource($0) }) }
      try updates.snapshot([Affiliate(nodeID: try NodeIdentity("n1"), hostname: context.name)])
      switch options.ending ?? .waits {
      case .returns: return
      case .fails: throw RegistryError(.unavailable, "the rack is off")
      case .waits: try await Task.sleep(for: .seconds(3600))
      }
    }

    func publish(_ publication: Publication) async throws {
      let attempt = attempts.count.withLock { count in
        count += 1
        return count
      }
      guard attempt > options.publishFailures ?? 0 else { throw RegistryError(.unavailable, "no ink") }
      guard let updates = attempts.updates.withLock({ $0 }) else { return }
      try updates.snapshot(publication.local.map { [$0] } ?? [])
    }
  }

  static let leaked = Mutex<RegistryUpdates?>(nil)

  private func registry(_ options: String, logger: Logger = Plugins.silent) throws -> any PublishingRegistry {
    let plugin = try LoadedPlugin(entry: .exporting(Exported.self), file: "exported")
    return try #require(
      plugin.registry(options: options, context: RegistryContext(name: "x", logger: logger))
        as? any PublishingRegistry)
  }

  @Test("the entry is the same each time, and the descriptor tells that it publishes")
  func entry() throws {
    #expect(PluginEntry.exporting(Exported.self) == PluginEntry.exporting(Exported.self))
    let plugin = try LoadedPlugin(entry: .exporting(Exported.self), file: "exported")
    #expect(plugin.descriptor.name == "exported")
    #expect(plugin.descriptor.version == "1.2.3")
    #expect(plugin.descriptor.publishes)
  }

  @Test("it runs until it is cancelled; what it logs reaches the host's log; later it isn't heard")
  func runs() async throws {
    let log = LogProbe()
    let registry = try registry("{}", logger: log.logger)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(probe.nodes == ["n1"])
    #expect(log.all == ["notice: runs rack=7"])
  }

  @Test("the sources that it names reach the host")
  func sources() async throws {
    let registry = try registry(#"{"sources":["a","","b"]}"#)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { $0.count >= 2 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(probe.events.first == .sources([try RegistrySource("a"), .only, try RegistrySource("b")]))
  }

  @Test(
    "how it ends is told",
    arguments: [
      ("returns", "failed", "the registry ended by itself"), ("fails", "unavailable", "the rack is off"),
    ])
  func ends(ending: String, code: String, message: String) async throws {
    let registry = try registry(#"{"ending":"\#(ending)"}"#)
    let error = await #expect(throws: RegistryError.self) {
      try await registry.run(updates: UpdatesProbe().updates)
    }
    #expect(error?.code.description == code)
    #expect(error?.message == message)
  }

  @Test(
    "options that can't be used are told by their place",
    arguments: [
      (
        #"{"hosts":[{"port":1},{"port":"x"}]}"#,
        "option 'hosts[1].port' must be a whole number, not the text 'x'"
      ),
      (#"{"hosts":[{}]}"#, "option 'hosts[0].port' is missing"),
      (#"{"hosts":[]}"#, "option 'hosts' is empty"),
      (#"{"hosts":7}"#, "option 'hosts' must be a list, not the number 7"),
    ])
  func badOptions(options: String, message: String) async throws {
    let registry = try registry(options)
    await #expect(throws: RegistryError(.invalidArgument, message)) {
      try await registry.run(updates: UpdatesProbe().updates)
    }
  }

  @Test("a publication that fails makes it degraded, is tried again, and then it is well")
  func publishing() async throws {
    let registry = try registry(#"{"publishFailures":1}"#)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    try await registry.publish(Publication(local: Affiliate(nodeID: try NodeIdentity("me"))))
    await probe.wait { $0.last == .healthy }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let degraded = RegistryEvent.degraded(RegistryError(.unavailable, "can't publish this node: no ink"))
    #expect(probe.events.contains(degraded))
    #expect(probe.nodes == ["me"])
  }

  @Test("who keeps its updates after the end is told that nobody listens")
  func leakedUpdates() async throws {
    let registry = try registry("{}")
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    let updates = try #require(Self.leaked.withLock { $0 })
    run.cancel()
    _ = await run.result
    // Another test may have run meanwhile and left its own; either is at its end or not heard here.
    let heard = probe.events.count
    try? updates.snapshot([Affiliate]())
    #expect(probe.events.count == heard)
  }

  @Test("a thousand lives leave nothing behind that would stop the next")
  func manyLives() async throws {
    let registry = try registry("{}")
    for _ in 0..<1000 {
      let probe = UpdatesProbe()
      let run = Task { try await registry.run(updates: probe.updates) }
      await probe.wait { !$0.isEmpty }
      run.cancel()
      _ = await run.result
    }
  }
}
