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

  @Test("this node's labels and its machine's id are published")
  func labels() async throws {
    let registry = StagedRegistry(knowing: [])
    let labels = try NodeLabels(["rack": "r7"])
    let node = LocalNodeProvider(
      nodeID: try NodeIdentity("me"), settings: NodeSettings(labels: labels)
    ) { _ in
      NodeFacts(hostname: "first", machineID: "6a0eceb4cf8de176bd24abff87481ec9")
    } pulses: {
      AsyncStream { _ in }
    }
    let aggregator = try aggregator([RegistryDefinition(name: "one", registry: registry)], node: node)
    try await running(aggregator) {
      try await eventually("it is published") { registry.publication?.labels == labels }
      #expect(registry.publication?.machineID == "6a0eceb4cf8de176bd24abff87481ec9")
    }
  }

  @Test("this node is in the view, is published, again at each change, and withdrawn at the end")
  func published() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: [try affiliate("a")]))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    let seen = [try NodeIdentity("a"): [try IPEndpoint("192.0.2.1:51820")]]
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a", "first"])
      #expect(aggregator.snapshot().localID?.text == "me")
      try await eventually("it is published") { registry.publication?.local.hostname == "first" }
      #expect(aggregator.snapshot().registry("one")?.publishes == true)
      node.rename("second")
      try await eventually("the change is published") { registry.publication?.local.hostname == "second" }
      try await eventually("the change is in the view") { aggregator.memberNames == ["a", "second"] }
      aggregator.publish(seenEndpoints: seen)
      try await eventually("what it saw is published") { registry.publication?.seenEndpoints == seen }
    }
    #expect(registry.published.count == 4)
    #expect(registry.isWithdrawn)
    #expect(aggregator.snapshot().registry("one")?.publishes == false)
  }

  @Test("what this node saw before it is published goes with its first publication, and with each later one")
  func seenBefore() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let plugins = StagedPlugins(["rack": registry])
    let seen = [try NodeIdentity("a"): [try IPEndpoint("192.0.2.1:51820")]]
    var definition = AggregatorDefinition(
      registries: [plugins.registry("rack")], node: NodeSettings(publish: false))
    let aggregator = try await Aggregator(
      definition, localNode: try node.provider(), options: options(clock), logger: quiet)
    aggregator.publish(seenEndpoints: seen)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(registry.attempts == 0)
      for _ in 0..<2 {
        definition.node.publish = true
        try await aggregator.reload(definition)
        try await eventually("it is published") { registry.publication?.seenEndpoints == seen }
        definition.node.publish = false
        try await aggregator.reload(definition)
        try await eventually("it is withdrawn") { registry.isWithdrawn }
      }
    }
  }

  @Test("a registry that runs again is handed this node again")
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

  @Test("a registry that says that it doesn't publish is shown so, is well, and publishes once it does")
  func doesNotPublish() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    registry.failPublishing(RegistryError(.unsupported, "its option publish is false"))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await eventually("it was handed it") { registry.attempts == 1 }
      try await eventually("it doesn't publish") { aggregator.snapshot().registry("one")?.publishes == false }
      #expect(aggregator.state("one") == .synced)
      #expect(aggregator.snapshot().registry("one")?.lastFailure == nil)
      #expect(clock.pending.isEmpty)
      registry.failPublishing(nil)
      node.rename("second")
      try await eventually("it publishes") { aggregator.snapshot().registry("one")?.publishes == true }
      #expect(registry.publication?.local.hostname == "second")
    }
  }

  @Test("a publication that fails makes the registry degraded and is tried again, and withdrawn in the end")
  func retried() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    registry.failPublishing(RegistryError(.permissionDenied, "the service wants none of it"))
    let aggregator = try aggregator(
      [RegistryDefinition(name: "one", registry: registry)], node: try node.provider())
    try await running(aggregator) {
      try await eventually("it is degraded") { aggregator.state("one") == .degraded }
      let status = try #require(aggregator.snapshot().registry("one"))
      #expect(
        status.error
          == RegistryError(
            .permissionDenied, "this node isn't published: the service wants none of it"))
      #expect(status.problems.map(\.aspect) == [.publishing])
      for pause in [500.0, 750, 1125] {
        try await eventually("it waits") { clock.pending == [.milliseconds(pause)] }
        clock.advance(by: .milliseconds(pause))
      }
      try await eventually("it waits") { registry.attempts == 4 && !clock.pending.isEmpty }
      registry.failPublishing(nil)
      clock.advance(by: .seconds(60))
      try await eventually("it is published") { registry.published.count == 1 }
      try await eventually("all is well") { aggregator.state("one") == .synced }
      #expect(aggregator.snapshot().registry("one")?.problems == [])
    }
    #expect(registry.isWithdrawn)
  }

  @Test("a newer publication cancels one that is under way, and they never overlap")
  func superseded() async throws {
    final class Slow: Registry {
      let calls = Mutex<(running: Int, most: Int, hostnames: [String?])>((0, 0, []))
      func run(_ session: RegistrySession) async throws {
        try session.snapshot([Affiliate]())
        await session.publish { publication in
          self.calls.withLock {
            $0.running += 1
            $0.most = max($0.most, $0.running)
            $0.hostnames.append(publication?.local.hostname)
          }
          defer { self.calls.withLock { $0.running -= 1 } }
          if publication?.local.hostname == "first" { try await Task.sleep(for: .seconds(3600)) }
        }
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
    try await eventually("it is known why") {
      aggregator.snapshot().registry("one")?.error?.message == "this node isn't withdrawn: gone"
    }
    clock.advance(by: .seconds(3))
    try await run.value
  }

  @Test(
    "a registry that never reads what is to be published isn't waited for, neither at a reload nor at the end"
  )
  func readsNothing() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: [], publishes: false))
    let plugins = StagedPlugins(["rack": registry])
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [plugins.registry("rack")]), localNode: try node.provider(),
      options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.snapshot().registry("rack")?.publishes == false)
      try await aggregator.reload(AggregatorDefinition(registries: []))
      try await aggregator.reload(AggregatorDefinition(registries: [plugins.registry("rack")]))
      try await aggregator.waitUntilSynced()
    }
    #expect(registry.attempts == 0)
    #expect(clock.pending.isEmpty)
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
    let plugins = StagedPlugins(["rack": registry])
    var definition = AggregatorDefinition(registries: [plugins.registry("rack")])
    let aggregator = try await Aggregator(
      definition, localNode: try node.provider(), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      definition.node.publish = false
      try await aggregator.reload(definition)
      try await eventually("it is withdrawn") { registry.isWithdrawn }
      try await eventually("it is out of the view") { aggregator.memberNames == ["a"] }
      #expect(registry.runs == 1)
      definition.node.publish = true
      definition.node.hostname = "renamed"
      try await aggregator.reload(definition)
      try await eventually("it is back") { aggregator.memberNames == ["a", "renamed"] }
      try await eventually("it is published anew") { registry.publication?.local.hostname == "renamed" }
    }
  }

  @Test("a withdrawal that comes while a registry rests after a failure is handed to its next run")
  func withdrawnLater() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let plugins = StagedPlugins(["rack": registry])
    var definition = AggregatorDefinition(registries: [plugins.registry("rack")])
    let aggregator = try await Aggregator(
      definition, localNode: try node.provider(), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      registry.order(.end)
      try await eventually("it rests") { clock.pending.contains(.milliseconds(500)) }
      definition.node.publish = false
      try await aggregator.reload(definition)
      try await eventually("this node is out of the view") { aggregator.memberNames.isEmpty }
      clock.advance(by: .milliseconds(500))
      try await eventually("it is withdrawn") { registry.isWithdrawn }
    }
    #expect(registry.published.count == 2)
  }

  @Test("a registry that a reload removes withdraws this node, and publishes it again when it is back")
  func removedAndBack() async throws {
    let (node, registry) = (StagedNode(), StagedRegistry(knowing: []))
    let plugins = StagedPlugins(["rack": registry])
    let with = AggregatorDefinition(registries: [plugins.registry("rack")])
    var disabled = plugins.registry("rack")
    disabled.disabled = "not now"
    let aggregator = try await Aggregator(
      with, localNode: try node.provider(), options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await eventually("it is published") { registry.published.count == 1 }
      for (round, without) in [[], [disabled]].enumerated() {
        try await aggregator.reload(AggregatorDefinition(registries: without))
        #expect(registry.isWithdrawn)
        #expect(!registry.isRunning)
        try await aggregator.reload(with)
        try await eventually("it is published again") { registry.published.count == 2 * round + 3 }
        #expect(registry.publication?.local.hostname == "first")
      }
    }
    #expect(registry.isWithdrawn)
  }
}
