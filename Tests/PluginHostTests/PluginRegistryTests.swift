import ClusterModel
import Logging
import RegistryKit
import TestSupport
import Testing

@testable import PluginHost

@Suite("A plugin as a registry", .timeLimit(.minutes(2)))
struct PluginRegistryTests {
  @Test("a plugin in C tells its nodes, ends when it is cancelled, and can run again")
  func plain() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("plain"))
    for _ in 0..<3 {
      let probe = UpdatesProbe()
      let run = Task { try await registry.run(updates: probe.updates) }
      await probe.wait { !$0.isEmpty }
      run.cancel()
      await #expect(throws: CancellationError.self) { try await run.value }
      #expect(probe.nodes == ["plain-1"])
    }
    #expect(!(registry is any PublishingRegistry))
  }

  @Test("a run that is cancelled before it began makes nothing and ends")
  func cancelledBefore() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("plain"))
    let run = Task {
      while !Task.isCancelled { await Task.yield() }
      try await registry.run(updates: UpdatesProbe().updates)
    }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test("the settings reach the plugin, the secret only where the descriptor asks for it", arguments: [0, 2])
  func settings(flags: Int) async throws {
    let plugin = try await Plugins.load(try await Plugins.build("echo", "-DFLAGS=\(flags)"))
    let context = RegistryContext(
      name: "my-echo", localNodeID: try NodeIdentity("me"), clusterID: "cluster", clusterSecret: "c2VjcmV0",
      logger: Plugins.silent)
    let registry = plugin.registry(options: #"{"a":1}"#, context: context, stopTimeout: .milliseconds(7500))
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    guard case .update(.snapshot(let records, _)) = probe.events.first else {
      Issue.record("no snapshot")
      return
    }
    let secret = flags == 0 ? "" : "c2VjcmV0"
    #expect(records.map(\.affiliate.hostname) == [#"my-echo|{"a":1}|me|cluster|"# + secret + "|7500"])
  }

  @Test("a publication crosses the boundary and back unchanged, and is withdrawn")
  func publish() async throws {
    let plugin = try await Plugins.load(try await Plugins.build("echo", "-DFLAGS=0"))
    let registry = try #require(
      plugin.registry(context: RegistryContext(name: "echo", logger: Plugins.silent))
        as? any PublishingRegistry)
    let local = Affiliate(
      nodeID: try NodeIdentity("me"), addresses: [try IPAddress("10.5.0.2"), try IPAddress("fd00::2")],
      hostname: "host", nodename: "näme", operatingSystem: "Debian GNU/Linux 12 (bookworm)",
      machineType: .controlplane,
      kubeSpan: KubeSpanAffiliate(
        publicKey: "key=", address: try IPAddress("fd00::1"),
        additionalAddresses: [try IPPrefix("10.244.0.1/24")],
        excludeAdvertisedNetworks: [try IPPrefix("fd00::/64")], endpoints: [try IPEndpoint("[fd00::3]:51820")]
      ),
      controlPlane: ControlPlane(apiServerPort: 6443))
    let probe = UpdatesProbe()
    // Asked for before the run has begun: it waits.
    async let published: Void = registry.publish(
      Publication(local: local, seenEndpoints: [try NodeIdentity("other"): [try IPEndpoint("1.2.3.4:5")]]))
    let run = Task { try await registry.run(updates: probe.updates) }
    try await published
    try await registry.publish(Publication(local: nil))
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let snapshots = probe.events.compactMap { event -> [AffiliateRecord]? in
      if case .update(.snapshot(let records, _)) = event { records } else { nil }
    }
    #expect(snapshots.dropFirst() == [[AffiliateRecord(local)], []])
  }

  @Test("a publication that waits for a run can be cancelled")
  func publishCancelled() async throws {
    let plugin = try await Plugins.load(try await Plugins.build("echo", "-DFLAGS=0"))
    let registry = try #require(
      plugin.registry(context: RegistryContext(name: "echo", logger: Plugins.silent))
        as? any PublishingRegistry)
    let publishing = Task { try await registry.publish(Publication(local: nil)) }
    publishing.cancel()
    await #expect(throws: CancellationError.self) { try await publishing.value }
  }
}
