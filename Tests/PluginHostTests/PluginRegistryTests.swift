import ClusterModel
import Logging
import RegistryKit
import RegistryTestSupport
import Synchronization
import TestSupport
import Testing

@testable import PluginHost

@Suite("A plugin as a registry", .timeLimit(.minutes(2)))
struct PluginRegistryTests {
  @Test("a plugin in C applies its nodes, ends when it is cancelled, and can run again")
  func plain() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("plain"))
    for _ in 0..<3 {
      let recorder = SessionRecorder()
      let run = Task { try await registry.run(recorder.checkedSession()) }
      try await recorder.wait(for: "its nodes") { $0.ids() == ["plain-1"] }
      run.cancel()
      await #expect(throws: CancellationError.self) { try await run.value }
      #expect(recorder.now.batches.count == 1)
      #expect(recorder.now.isHealthy)
    }
  }

  @Test("a run that is cancelled before it began makes nothing and ends")
  func cancelledBefore() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("plain"))
    let recorder = SessionRecorder()
    let run = Task {
      while !Task.isCancelled { await Task.yield() }
      try await registry.run(recorder.checkedSession())
    }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(recorder.now.batches.isEmpty)
  }

  @Test("the settings reach the plugin, the secret only where the descriptor asks for it", arguments: [0, 2])
  func settings(flags: Int) async throws {
    let plugin = try await Plugins.load(try await Plugins.build("echo", "-DFLAGS=\(flags)"))
    let context = RegistryContext(
      name: "my-echo", localNodeID: try NodeIdentity("me"), clusterID: "cluster", clusterSecret: "c2VjcmV0",
      host: HostProgram(name: "roll-host", version: "9.8.7"), logger: Plugins.silent)
    let registry = plugin.registry(options: #"{"a":1}"#, context: context, stopTimeout: .milliseconds(7500))
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its settings") { $0.ids() == ["settings"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let secret = flags == 0 ? "" : "c2VjcmV0"
    #expect(
      recorder.now.affiliate("settings")?.hostname
        == #"my-echo|{"a":1}|me|cluster|"# + secret + "|7500|roll-host")
  }

  // MARK: Publishing

  private var local: Affiliate {
    get throws {
      Affiliate(
        nodeID: try NodeIdentity("me"), addresses: [try IPAddress("10.5.0.2"), try IPAddress("fd00::2")],
        hostname: "host", nodename: "näme", operatingSystem: "Debian GNU/Linux 12 (bookworm)",
        machineType: .controlplane,
        kubeSpan: KubeSpanAffiliate(
          publicKey: "key=", address: try IPAddress("fd00::1"),
          additionalAddresses: [try IPPrefix("10.244.0.1/24")],
          excludeAdvertisedNetworks: [try IPPrefix("fd00::/64")],
          endpoints: [try IPEndpoint("[fd00::3]:51820")]),
        controlPlane: ControlPlane(apiServerPort: 6443))
    }
  }

  private func registry(_ name: String, _ flags: String...) async throws -> any Registry {
    let file = try await CLibrary.build("Tests/HostilePlugins/\(name).c", flags: flags)
    return try await Plugins.registry(file)
  }

  @Test(
    "a publication crosses the boundary and back unchanged, is withdrawn, and each outcome is its revision's")
  func publish() async throws {
    let registry = try await registry("echo", "-DFLAGS=0")
    let local = try local
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    let seen = [try NodeIdentity("other"): [try IPEndpoint("1.2.3.4:5")]]
    try await recorder.published(Publication(local: local, seenEndpoints: seen))
    try await recorder.published(nil)
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let snapshots = recorder.now.updates.compactMap { update -> [AffiliateRecord]? in
      if case .snapshot(let records, _, _) = update { records } else { nil }
    }
    #expect(snapshots.dropFirst() == [[AffiliateRecord(local)], []])
    #expect(
      recorder.now.outcomes == [
        SessionRecord.Outcome(revision: 1, error: nil), SessionRecord.Outcome(revision: 2, error: nil),
      ])
  }

  @Test("what a plugin's publish refuses is the revision's outcome, and the registry goes on")
  func refused() async throws {
    let registry = try await registry("publishes", "-DREFUSALS=1")
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    await #expect(throws: RegistryError(.permissionDenied, "no ink")) {
      try await recorder.published(Publication(local: try local))
    }
    recorder.retry(Publication(local: try local))
    try await recorder.wait(for: "its success") { $0.outcomes.last?.error == nil }
    #expect(recorder.now.outcomes.map(\.revision) == [1, 1])
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test("outcomes that a plugin gives late, from a thread of its own and with an error, are handed on")
  func lateOutcome() async throws {
    let registry = try await registry("publishes", "-DREFUSALS=0", "-DLATE")
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    recorder.publish(Publication(local: try local))
    try await recorder.wait(for: "two outcomes") { $0.outcomes.count == 2 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(
      recorder.now.outcomes == [
        SessionRecord.Outcome(revision: 1, error: RegistryError(.unavailable, "the printer warms up")),
        SessionRecord.Outcome(revision: 1, error: nil),
      ])
  }

  @Test("a plugin that doesn't publish reads nothing of what is to be published")
  func doesNotPublish() async throws {
    let registry = try await registry("plain")
    let hasRead = Counter()
    let recorder = SessionRecorder()
    let plain = recorder.checkedSession()
    let session = RegistrySession(
      context: plain.context, desired: DesiredPublications(AsyncStream { $0.finish() }) { hasRead.add() },
      receive: { (batch) throws(RegistryError) in try plain.apply(batch) })
    let run = Task { try await registry.run(session) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["plain-1"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(hasRead.value == 0)
  }

  // MARK: Reports

  @Test(
    "reports by aspect and source cross the boundary, in a batch and by themselves, repaired as text for people"
  )
  func reports() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=registry_report_v1 reports[3]; memset(reports, 0, sizeof reports); "
        + "reports[0].aspect = REGISTRY_ASPECT_CREDENTIALS; reports[0].code = REGISTRY_PERMISSION_DENIED; "
        + "reports[0].text = registry_string(\"they\\nend\\xff\"); reports[0].source = registry_string(\"eu\"); "
        + "reports[1].aspect = REGISTRY_ASPECT_PUBLISHING; reports[1].code = 4711; "
        + "reports[2].aspect = 77; "
        + "registry_batch_v1 batch; memset(&batch, 0, sizeof batch); batch.reports = reports; "
        + "batch.report_count = 3; code = host->apply(host->context, &batch, message); "
        + "reports[0].aspect = REGISTRY_ASPECT_CONTENT; host->report(host->context, &reports[0])")
    let registry = try await Plugins.registry(file)
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "two batches") { $0.batches.count == 2 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let eu = try RegistrySource("eu")
    let ending = RegistryError(.permissionDenied, "they end\u{FFFD}")
    #expect(
      recorder.now.batches.map(\.reports) == [
        [
          HealthReport(.credentials, ending, source: eu),
          HealthReport(.publishing, RegistryError(.failed, "the plugin doesn't say why")),
          // An aspect that isn't known counts as reading.
          HealthReport(.reading, nil),
        ],
        [HealthReport(.content, ending, source: eu)],
      ])
  }
}

/// Counts what tasks do.
private final class Counter: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }

  func add() { count.withLock { $0 += 1 } }
}
