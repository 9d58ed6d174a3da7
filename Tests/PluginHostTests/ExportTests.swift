import ClusterModel
import Logging
import PluginHost
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

/// A Swift registry that is exported and used through the C boundary, within this program.
@Suite("A Swift registry as a plugin", .timeLimit(.minutes(2)))
struct ExportTests {
  /// Does what its options say.
  struct Exported: RegistryPlugin {
    struct Options: Decodable, Sendable {
      enum Ending: String, Decodable { case waits, returns, fails }
      struct Host: Decodable { let port: Int }
      var ending: Ending?
      var hosts: [Host]?
      var publishFailures: Int?
      var sources: [String]?
      /// Applies random batches of this seed.
      var seed: UInt64?
    }

    static let descriptor = RegistryDescriptor(
      name: "exported", version: "1.2.3", prefix: "ex", summary: "For tests", publishes: true, leases: true)
    let options: Options
    let context: RegistryContext
    private let failures = Failures()

    private final class Failures: Sendable {
      let left = Mutex<Int?>(nil)
    }

    init(options: Options, context: RegistryContext) throws {
      if options.hosts?.isEmpty == true { throw RegistryError(.invalidArgument, "option 'hosts' is empty") }
      self.options = options
      self.context = context
    }

    func run(_ session: RegistrySession) async throws {
      ExportTests.leaked.withLock { $0[context.name] = session }
      session.logger.notice("runs", metadata: ["rack": "7"])
      if let seed = options.seed {
        for batch in try RandomBatches.batches(seed: seed) { try session.apply(batch) }
      } else {
        if let sources = options.sources {
          try session.apply(RegistryBatch(expectedSources: sources.map { try RegistrySource($0) }))
        }
        let host = context.host
        try session.snapshot([
          Affiliate(
            nodeID: try NodeIdentity("n1"), hostname: session.context.name,
            operatingSystem: "\(host.name) \(host.version)")
        ])
      }
      switch options.ending ?? .waits {
      case .returns: return
      case .fails: throw RegistryError(.unavailable, "the rack is off")
      case .waits: await session.publish { try self.put($0, session) }
      }
      try Task.checkCancellation()
    }

    private func put(_ publication: Publication?, _ session: RegistrySession) throws {
      let isFailure = failures.left.withLock { left in
        let now = left ?? options.publishFailures ?? 0
        left = now - 1
        return now > 0
      }
      if isFailure { throw RegistryError(.unavailable, "no ink") }
      try session.snapshot(publication.map { [$0.local] } ?? [])
    }
  }

  /// The newest session of the registry of each name.
  static let leaked = Mutex<[String: RegistrySession]>([:])

  private func registry(_ options: String, name: String = "x") throws -> any Registry {
    let plugin = try LoadedPlugin(entry: .exporting(Exported.self), file: "exported")
    return plugin.registry(
      options: options,
      context: RegistryContext(
        name: name, host: HostProgram(name: "roll-host", version: "9.8.7"), logger: Plugins.silent))
  }

  @Test("the entry is the same each time, and the descriptor is what the type says")
  func entry() throws {
    #expect(PluginEntry.exporting(Exported.self) == PluginEntry.exporting(Exported.self))
    let plugin = try LoadedPlugin(entry: .exporting(Exported.self), file: "exported")
    #expect(plugin.descriptor == Exported.descriptor)
  }

  @Test("it runs until it is cancelled, knows its host, and what it logs reaches the host's log")
  func runs() async throws {
    let registry = try registry("{}")
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["n1"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(recorder.now.affiliate("n1")?.hostname == "x")
    #expect(recorder.now.affiliate("n1")?.operatingSystem == "roll-host 9.8.7")
    #expect(recorder.now.log == ["notice: runs rack=7"])
  }

  @Test("the sources that it expects reach the host")
  func sources() async throws {
    let registry = try registry(#"{"sources":["a","","b"]}"#)
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["n1"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(
      recorder.now.batches.first?.expectedSources == [
        try RegistrySource("a"), .only, try RegistrySource("b"),
      ])
  }

  @Test(
    "why it ends is handed on",
    arguments: [
      ("returns", "failed", "the registry ended by itself"), ("fails", "unavailable", "the rack is off"),
    ])
  func ends(ending: String, code: String, message: String) async throws {
    let error = await SessionRecorder().failure(of: try registry(#"{"ending":"\#(ending)"}"#))
    #expect(error?.code.description == code)
    #expect(error?.message == message)
  }

  @Test(
    "options that can't be used are named by their place",
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
    let error = await SessionRecorder().failure(of: try registry(options))
    #expect(error == RegistryError(.invalidArgument, message))
  }

  @Test("a publication that fails is told with its revision, tried when it is handed again, and withdrawn")
  func publishing() async throws {
    let registry = try registry(#"{"publishFailures":1}"#)
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    let publication = Publication(local: Affiliate(nodeID: try NodeIdentity("me")))
    await #expect(throws: RegistryError(.unavailable, "no ink")) {
      try await recorder.published(publication)
    }
    recorder.retry(publication)
    try await recorder.wait(for: "it is published") { $0.ids() == ["me"] && $0.outcomes.count == 2 }
    try await recorder.published(nil)
    #expect(recorder.now.ids() == [])
    #expect(recorder.now.outcomes.map(\.revision) == [1, 1, 2])
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test("random batches with all that a record may have come out as they went in", arguments: 1...10)
  func roundTrip(seed: UInt64) async throws {
    let batches = try RandomBatches.batches(seed: seed)
    let registry = try registry(#"{"seed":\#(seed)}"#)
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.session()) }
    let expected = batches.flatMap(\.crossing)
    try await recorder.wait(for: "all batches") { $0.batches.count == expected.count }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    for (index, batch) in recorder.now.batches.enumerated() { #expect(batch == expected[index]) }
  }

  @Test("a publication with all that this node may say reaches the plugin unchanged", arguments: 1...10)
  func publicationRoundTrip(seed: UInt64) async throws {
    let registry = try registry("{}")
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.session()) }
    var random = try RandomBatches(seed: seed)
    let local = random.record(isPublished: true).affiliate
    try await recorder.published(Publication(local: local))
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(recorder.now.affiliate(local.nodeID.text) == local)
  }

  @Test("who keeps its session after the end learns that nothing is taken")
  func leakedSession() async throws {
    let registry = try registry("{}", name: "leaky")
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["n1"] }
    let session = try #require(Self.leaked.withLock { $0["leaky"] })
    run.cancel()
    _ = await run.result
    let before = recorder.now.batches.count
    try? session.snapshot([Affiliate]())
    #expect(recorder.now.batches.count == before)
  }

  @Test("a thousand lives leave nothing behind that would stop the next")
  func manyLives() async throws {
    let registry = try registry("{}")
    for _ in 0..<1000 {
      let recorder = SessionRecorder()
      let run = Task { try await registry.run(recorder.checkedSession()) }
      try await recorder.wait(for: "its nodes") { $0.ids() == ["n1"] }
      run.cancel()
      _ = await run.result
    }
  }
}

extension RegistryBatch {
  /// What it is on the other side: the public address crosses first and by itself, and a batch with nothing else in
  /// it doesn't cross.
  fileprivate var crossing: [RegistryBatch] {
    var rest = self
    rest.publicAddress = nil
    if rest.expectedSources?.isEmpty == true { rest.expectedSources = nil }
    let address = publicAddress.map { RegistryBatch(publicAddress: $0) }
    return [address, rest.isEmpty ? nil : rest].compactMap { $0 }
  }
}
