import ClusterModel
import RegistryKit
import Synchronization
import TestSupport
import Testing

@testable import Rollcall

@Suite("Publishing this node", .timeLimit(.minutes(2)))
struct PublishingTests {
  private let clock = ManualClock()

  /// A node whose hostname a test changes.
  private final class StagedNode: Sendable {
    private let hostname = Mutex("first")
    private let pulses = Mutex<AsyncStream<Void>.Continuation?>(nil)

    func rename(_ name: String) {
      hostname.withLock { $0 = name }
      pulses.withLock { $0 }?.yield()
    }

    func provider() throws -> LocalNodeProvider {
      LocalNodeProvider(nodeID: try NodeIdentity("me")) { _ in
        NodeFacts(hostname: self.hostname.withLock { $0 })
      } pulses: {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        self.pulses.withLock { $0 = continuation }
        return stream
      }
    }
  }

  private func aggregator(
    _ registries: [RegistryDefinition], node: LocalNodeProvider, publishes: Bool = true
  ) throws -> Aggregator {
    var options = options(clock)
    options.publishes = publishes
    return try Aggregator(registries: registries, localNode: node, options: options, logger: quiet)
  }

  @Test("this node is in the view, is published, again at each change, and withdrawn at the end")
  func published() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: [try affiliate("a")]))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a", "first"])
      #expect(aggregator.snapshot().localID?.text == "me")
      try await eventually("it is published") { registry.published.last?.local?.hostname == "first" }
      #expect(aggregator.snapshot().registry("one")?.publishes == true)
      node.rename("second")
      try await eventually("the change is published") { registry.published.last?.local?.hostname == "second" }
      try await eventually("the change is in the view") { aggregator.memberNames == ["a", "second"] }
      let seen = [try NodeIdentity("a"): [try IPEndpoint("192.0.2.1:51820")]]
      aggregator.publish(seenEndpoints: seen)
      try await eventually("what it saw is published") { registry.published.last?.seenEndpoints == seen }
    }
    #expect(registry.published.count == 4)
    #expect(registry.published.last == Publication(local: nil))
  }

  @Test("a registry that runs again is told this node again")
  func again() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      registry.order(.end)
      try await eventually("it rests") { clock.pending.first == .milliseconds(500) }
      clock.advance(by: .milliseconds(500))
      try await eventually("it is published again") { registry.published.count == 2 }
      #expect(registry.published[0] == registry.published[1])
    }
  }

  @Test("a publication that fails makes the registry degraded and is tried again")
  func retried() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let error = RegistryError(.permissionDenied, "the service wants none of it")
    registry.failPublishing(error)
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await eventually("it is degraded") { aggregator.state("one") == .degraded }
      #expect(aggregator.snapshot().registry("one")?.error == error)
      try await eventually("it waits") { clock.pending == [.milliseconds(500)] }
      registry.failPublishing(nil)
      clock.advance(by: .milliseconds(500))
      try await eventually("it is published") { registry.published.count == 1 }
      try await eventually("all is well") { aggregator.state("one") == .synced }
    }
  }

  @Test("a newer publication cancels one that is under way, and they never overlap")
  func superseded() async throws {
    final class Slow: PublishingRegistry {
      let calls = Mutex<(running: Int, most: Int, hostnames: [String?])>((0, 0, []))
      func run(updates: RegistryUpdates) async throws {
        try updates.snapshot([Affiliate]())
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
      }
      func publish(_ publication: Publication) async throws {
        calls.withLock {
          $0.running += 1
          $0.most = max($0.most, $0.running)
          $0.hostnames.append(publication.local?.hostname)
        }
        defer { calls.withLock { $0.running -= 1 } }
        if publication.local?.hostname == "first" { try await Task.sleep(for: .seconds(3600)) }
      }
    }
    let (node, registry) = (StagedNode(), Slow())
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await eventually("the first is under way") { registry.calls.withLock { $0.running } == 1 }
      node.rename("second")
      try await eventually("the second was accepted") {
        registry.calls.withLock { $0.hostnames == ["first", "second"] && $0.running == 0 }
      }
    }
    #expect(registry.calls.withLock { $0.most } == 1)
    #expect(registry.calls.withLock { $0.hostnames } == ["first", "second", nil])
  }

  @Test("a registry that doesn't take the withdrawal delays the end only for so long")
  func slowWithdrawal() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    let run = Task { try await aggregator.run() }
    try await eventually("it is published") { registry.published.count == 1 }
    registry.failPublishing(RegistryError(.unavailable, "gone"))
    run.cancel()
    try await eventually("the end waits") { clock.pending.contains(.seconds(3)) }
    clock.advance(by: .seconds(3))
    try await run.value
  }

  @Test("for who only looks this node is in the view and isn't published")
  func onlyLooks() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider(), publishes: false)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["first"])
    }
    #expect(registry.attempts == 0)
  }

  @Test("an observer neither publishes nor is in the view, from the reload that makes it one")
  func observer() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: [try affiliate("a")]))
    var configuration = Configuration()
    configuration.cluster.discovery.registries = [RegistrySettings(name: "rack")]
    let aggregator = try await Aggregator(
      configuration: configuration, plugins: StagedPlugins(["rack": registry]),
      localNode: try node.provider(), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      configuration.node.publish = false
      try await aggregator.reload(configuration)
      try await eventually("it is withdrawn") { registry.published.last == Publication(local: nil) }
      try await eventually("it is out of the view") { aggregator.memberNames == ["a"] }
      #expect(registry.runs == 1)
      configuration.node.publish = true
      configuration.node.hostname = "renamed"
      try await aggregator.reload(configuration)
      try await eventually("it is back") { aggregator.memberNames == ["a", "renamed"] }
      try await eventually("it is published anew") {
        registry.published.last?.local?.hostname == "renamed"
      }
    }
  }

  @Test("a withdrawal that comes while a registry rests after a failure is told to its next run")
  func withdrawnLater() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    var configuration = Configuration()
    configuration.cluster.discovery.registries = [RegistrySettings(name: "rack")]
    let aggregator = try await Aggregator(
      configuration: configuration, plugins: StagedPlugins(["rack": registry]),
      localNode: try node.provider(), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      registry.order(.end)
      try await eventually("it rests") { clock.pending.contains(.milliseconds(500)) }
      configuration.node.publish = false
      try await aggregator.reload(configuration)
      try await eventually("this node is out of the view") { aggregator.memberNames.isEmpty }
      clock.advance(by: .milliseconds(500))
      try await eventually("it is withdrawn") { registry.published.last == Publication(local: nil) }
    }
    #expect(registry.published.count == 2)
  }
}
