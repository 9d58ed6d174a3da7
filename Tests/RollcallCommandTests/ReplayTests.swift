import ClusterModel
import Foundation
import Logging
import Platform
import RegistryKit
import Rollcall
import StateFile
import Synchronization
import TestSupport
import Testing

@testable import RollcallCommand

/// A registry that applies what a test gives it, and fails when it is told to.
private final class ToldRegistry: Registry {
  private let orders: Mutex<AsyncThrowingStream<RegistryBatch, any Error>.Continuation?> = Mutex(nil)

  func run(_ session: RegistrySession) async throws {
    let (stream, continuation) = AsyncThrowingStream.makeStream(of: RegistryBatch.self)
    orders.withLock { $0 = continuation }
    defer { orders.withLock { $0 = nil } }
    for try await batch in stream { try session.apply(batch) }
  }

  var isRunning: Bool { orders.withLock { $0 != nil } }
  func apply(_ batch: RegistryBatch) { _ = orders.withLock { $0?.yield(batch) } }
  func fail() { orders.withLock { $0?.finish(throwing: RegistryError(.unavailable, "out of reach")) } }
}

/// What a live aggregator does, recorded and as lines.
private final class Witness: Sendable {
  private let lines = Mutex<[String]>([])
  let writer: RecordingWriter

  init(_ path: String, _ start: RecordingStart) throws {
    writer = try RecordingWriter(path, limit: 1 << 20, start)
  }

  func take(_ commit: TableCommit) {
    writer.take(commit.input, at: commit.moment)
    lines.withLock { $0.append(ReplayLines(commit).text) }
  }

  var text: String { lines.withLock { $0.joined() } }
  func has(_ part: String) -> Bool { text.contains(part) }
}

@Suite("Recording and replaying", .timeLimit(.minutes(3)))
struct ReplayTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path("x.rec") }

  init() throws { folder = try TemporaryFolder() }

  private func record(_ id: String, _ address: String, hostname: String = "") throws -> AffiliateRecord {
    AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity(id), addresses: [try IPAddress(address)], hostname: hostname, nodename: id))
  }

  /// What replaying the file prints after its first line.
  private func replayed() throws -> String {
    let reader = try RecordingReader(path)
    let replay = ClusterReplay(history: reader.start.history, start: reader.start.time)
    var text = ""
    while let (input, moment) = try reader.next() { text += ReplayLines(replay.take(input, at: moment)).text }
    return text
  }

  /// Runs two registries by a clock that stands still, lets `body` tell them what to do, and records it.
  ///
  /// - Returns: the lines of what happened live.
  private func live(
    _ body: @escaping @Sendable (ToldRegistry, ToldRegistry, ManualClock, Witness) async throws -> Void
  ) async throws -> String {
    let (lease, file, clock) = (ToldRegistry(), ToldRegistry(), ManualClock())
    let begin = Timestamp(milliseconds: 1_764_000_000_000)
    var options = AggregatorOptions()
    options.clock = clock
    options.now = {
      Timestamp(milliseconds: begin.milliseconds + Int64(clock.now.offset / .milliseconds(1)))
    }
    options.random = { 0.5 }
    let witness = try Witness(path, RecordingStart(history: options.history, time: begin))
    options.observeCommit = { witness.take($0) }
    var service = RegistryDefinition(
      name: "service", retention: RetentionPolicy(staleAfter: .seconds(60), missingGrace: .seconds(120)),
      registry: lease)
    service.leases = true
    let inventory = RegistryDefinition(
      name: "inventory", retention: RetentionPolicy(expect: .seconds(600)), registry: file)
    let aggregator = try Aggregator(
      registries: [service, inventory], precedence: ["inventory"], options: options,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      try await eventually("both run") { lease.isRunning && file.isRunning }
      try await body(lease, file, clock, witness)
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
    _ = try witness.writer.finish()
    return witness.text
  }

  @Test("a recorded world gives the same changes as it did live, byte for byte")
  func sameAsLive() async throws {
    let lines = try await live { lease, file, clock, witness in
      let (one, two) = (try record("one", "10.0.0.1"), try record("two", "10.0.0.2"))
      let three = try record("three", "10.0.0.2", hostname: "other")
      lease.apply(RegistryBatch(updates: [.snapshot([one, two], source: .only)]))
      try await eventually("two leases") { witness.has(#""to":"synced","registry":"service""#) }
      file.apply(RegistryBatch(updates: [.snapshot([one, three], source: .only)]))
      try await eventually("a conflict") { witness.has(#""change":"added","id":"address/10.0.0.2""#) }
      // A lease ends, and a node says goodbye.
      clock.advance(by: .seconds(5))
      lease.apply(
        RegistryBatch(updates: [.remove(one.affiliate.nodeID, source: .only, reason: .expired)]))
      try await eventually("it is missing") { witness.has(#""to":"missing","reason":"expired""#) }
      lease.apply(
        RegistryBatch(updates: [.remove(two.affiliate.nodeID, source: .only, reason: .withdrawn)]))
      try await eventually("it left") { witness.has(#""to":"left","reason":"withdrawn""#) }
      lease.apply(RegistryBatch(updates: [.upsert(two, source: .only)]))
      // An outage, after which not everybody is there at once.
      lease.apply(
        RegistryBatch(reports: [HealthReport(.reading, RegistryError(.unavailable, "no answer"))]))
      try await eventually("it is degraded") { witness.has(#""to":"degraded""#) }
      clock.advance(by: .seconds(30))
      lease.fail()
      try await eventually("it failed") { witness.has(#""to":"failed""#) }
      clock.advance(by: .seconds(70))
      try await eventually("what it said is stale") { witness.has(#""to":"stale""#) }
      try await eventually("it runs again") {
        clock.advance(by: .seconds(1))
        return lease.isRunning
      }
      lease.apply(RegistryBatch(updates: [.snapshot([one], source: .only)]))
      try await eventually("it is heard again") {
        witness.has(#""from":"failed","to":"synced","registry":"service""#)
      }
      // Who is held for a while is given up, and who was expected never came.
      clock.advance(by: .seconds(130))
      try await eventually("two is gone") { witness.has(#""reason":"unlisted""#) }
      clock.advance(by: .seconds(700))
      try await eventually("three never came") { witness.has(#""reason":"never-seen""#) }
    }
    #expect(lines.split(separator: "\n").count > 30)
    #expect(try replayed() == lines)
    #expect(try replayed() == lines)
  }

  private struct OnePlugin: PluginSource {
    let registry: ToldRegistry

    func plugin(named name: String, settings: PluginSettings) async throws -> AvailablePlugin {
      AvailablePlugin(descriptor: RegistryDescriptor(name: name, version: "1", summary: "a test's")) {
        [registry] _, _ in registry
      }
    }
  }

  @Test("a recording has what a registry says, and neither its options nor the cluster's secret")
  func secrets() async throws {
    let registry = ToldRegistry()
    let definition = RegistryDefinition(
      name: "vault",
      plugin: PluginReference(
        name: "vault", options: #"{"token":"hushhush"}"#, clusterID: "hushhush",
        clusterSecret: Secret("hushhush")),
      from: OnePlugin(registry: registry))
    var options = AggregatorOptions()
    let witness = try Witness(path, RecordingStart(history: options.history, time: .now()))
    options.observeCommit = { witness.take($0) }
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [definition]), options: options,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      try await eventually("it runs") { registry.isRunning }
      registry.apply(RegistryBatch(updates: [.snapshot([try record("one", "10.0.0.1")], source: .only)]))
      try await eventually("it is there") { witness.has(#""id":"one""#) }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
    _ = try witness.writer.finish()
    let text = String(decoding: try BoundedFile.read(path, limit: 1 << 20).bytes, as: UTF8.self)
    #expect(text.contains("10.0.0.1"))
    #expect(!text.contains("hush"))
  }

  @Test(
    "a size has a unit of its own or is of bytes, and is refused where it is none",
    arguments: [
      ("4096", 4096), ("512KiB", 512 << 10), ("256MiB", 256 << 20), ("2GiB", 2 << 30), ("4095", nil),
      ("0", nil),
      ("", nil), ("MiB", nil), ("-5MiB", nil), ("1.5GiB", nil), ("5 MiB", nil), ("5MB", nil),
      ("99999999999999999999", nil), ("9999999999999GiB", nil), ("٤٠٩٦", nil),
    ] as [(String, Int?)])
  func sizes(_ text: String, _ bytes: Int?) {
    #expect((try? ByteCount.parse(text))?.bytes == bytes)
  }

  @Test("a size is shown in its largest unit")
  func shownSizes() {
    #expect(
      [4096, 256 << 20, 2 << 30, 4097].map { ByteCount($0).description } == [
        "4KiB", "256MiB", "2GiB", "4097",
      ])
  }
}
