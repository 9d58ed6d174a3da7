import ClusterModel
import RegistryKit
import TestSupport
import Testing

@testable import Rollcall

@Suite("Reload", .timeLimit(.minutes(2)))
struct ReloadTests {
  private let clock = ManualClock()
  private let rack: StagedRegistry
  private let shelf: StagedRegistry
  private let plugins: StagedPlugins

  init() throws {
    rack = StagedRegistry(knowing: [try affiliate("a")])
    shelf = StagedRegistry(knowing: [try affiliate("b")])
    plugins = StagedPlugins(["rack": rack, "shelf": shelf], prefixes: ["rack": "r"])
  }

  private func aggregator(_ registries: RegistryDefinition...) async throws -> Aggregator {
    try await Aggregator(AggregatorDefinition(registries: registries), options: options(clock), logger: quiet)
  }

  @Test("raw ids start with the plugin's prefix where the registry bears its name, else with its own name")
  func prefixes() async throws {
    let aggregator = try await aggregator(
      plugins.registry("rack"), plugins.registry("cellar", plugin: "shelf"))
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.snapshot().rawAffiliates.map(\.id.description) == ["cellar/b", "r/a"])
      let status = aggregator.snapshot().registry("cellar")
      #expect(status?.plugin == "shelf")
      #expect(status?.pluginVersion == "1.2.3")
    }
  }

  @Test("a registry whose settings are the same keeps running; others come and go around it")
  func keeps() async throws {
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      let drop = RetentionPolicy(onFailure: .drop)
      let added = try await aggregator.reload(
        plugins.registry("shelf"), plugins.registry("rack", retention: drop))
      #expect(added.kept == ["rack"])
      #expect(added.added == ["shelf"])
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a", "b"])
      #expect(aggregator.snapshot().registries.map(\.name) == ["shelf", "rack"])

      let removed = try await aggregator.reload(plugins.registry("rack", retention: drop))
      #expect(removed.removed == ["shelf"])
      #expect(aggregator.memberNames == ["a"])
      #expect(!shelf.isRunning)
      #expect(rack.runs == 1)
      #expect(rack.isRunning)
      // What doesn't need a new run took effect all the same.
      rack.order(.end)
      try await eventually("its records are dropped") { aggregator.memberNames.isEmpty }
    }
  }

  @Test("another staleAfter counts for a registry that has failed already, from when it failed")
  func shorterStaleAfter() async throws {
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      rack.order(.end)
      try await eventually("it has failed") { aggregator.state("rack") == .failed }
      #expect(aggregator.snapshot().registry("rack")?.isStale == false)
      let summary = try await aggregator.reload(
        plugins.registry("rack", retention: RetentionPolicy(staleAfter: .zero)))
      #expect(summary.kept == ["rack"])
      try await eventually("it is stale") { aggregator.snapshot().registry("rack")?.isStale == true }
      try await aggregator.reload(plugins.registry("rack", retention: RetentionPolicy(onFailure: .drop)))
      try await eventually("its records are dropped") { aggregator.memberNames.isEmpty }
    }
  }

  @Test("a registry whose options changed is made anew, its records kept until its first snapshot")
  func changed() async throws {
    let plain = StagedRegistry()
    let plugins = StagedPlugins(["rack": plain])
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await eventually("it runs") { plain.isRunning }
      try plain.session().snapshot([try affiliate("a")], source: try RegistrySource("old"))
      try await eventually("it is synced") { aggregator.memberNames == ["a"] }
      let summary = try await aggregator.reload(plugins.registry("rack", options: #"{"row":2}"#))
      #expect(summary.changed == ["rack"])
      try await eventually("it runs anew") { plain.runs == 2 && plain.isRunning }
      #expect(aggregator.memberNames == ["a"])
      try plain.session().snapshot([try affiliate("c")], source: try RegistrySource("new"))
      try await eventually("both are in") { aggregator.memberNames == ["a", "c"] }
      try await eventually("the old has its time") { clock.pending == [.seconds(5)] }
      clock.advance(by: .seconds(5))
      try await eventually("the old is gone") { aggregator.memberNames == ["c"] }
    }
  }

  @Test(
    "a registry that has no snapshot with its new options leaves its old records stale, not fresh for ever")
  func changedForTheWorse() async throws {
    let mute = StagedRegistry()
    let plugins = StagedPlugins(["rack": mute])
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await eventually("it runs") { mute.isRunning }
      try mute.session().snapshot([try affiliate("a")])
      try await eventually("it is synced") { aggregator.memberNames == ["a"] }
      try await aggregator.reload(plugins.registry("rack", options: #"{"row":2}"#))
      try await eventually("it runs anew") { mute.runs == 2 && mute.isRunning }
      try await eventually("the old has its time") { clock.pending == [.seconds(300)] }
      #expect(aggregator.snapshot().registry("rack")?.isStale == false)
      clock.advance(by: .seconds(300))
      try await eventually("it is stale") { aggregator.snapshot().registry("rack")?.isStale == true }
      #expect(aggregator.memberNames == ["a"])
      try mute.session().snapshot([try affiliate("a")])
      try await eventually("it is fresh") { aggregator.snapshot().registry("rack")?.isStale == false }
    }
  }

  @Test("a registry that is disabled is stopped and its records are dropped; all may be")
  func disabled() async throws {
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      var off = plugins.registry("rack")
      off.disabled = "discovery is disabled"
      let summary = try await aggregator.reload(off)
      #expect(summary.removed == ["rack"])
      #expect(aggregator.isDiscoveryOff)
      #expect(aggregator.state("rack") == .disabled)
      #expect(aggregator.memberNames.isEmpty)
      #expect(!rack.isRunning)
      try await aggregator.reload(plugins.registry("rack"))
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a"])
    }
  }

  @Test("registries that don't go together change nothing")
  func invalid() async throws {
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      let error = await #expect(throws: AggregatorError.self) {
        try await aggregator.reload(plugins.registry("rack"), plugins.registry("r", plugin: "shelf"))
      }
      #expect(error?.message.contains("registries 'rack' and 'r'") == true)
      #expect(aggregator.snapshot().registries.map(\.name) == ["rack"])
      #expect(rack.runs == 1)
      #expect(rack.isRunning)
      #expect(shelf.runs == 0)
    }
  }

  @Test("a plugin that isn't there is its registry's failure, and is looked for again")
  func missingPlugin() async throws {
    let plugins = StagedPlugins(["rack": rack], missing: ["rack"])
    let aggregator = try await aggregator(plugins.registry("rack"))
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.state("rack") == .failed }
      #expect(aggregator.snapshot().registry("rack")?.error?.message == "there is no plugin 'rack'")
      plugins.appear("rack")
      try await eventually("it rests") { clock.pending.contains(.milliseconds(500)) }
      clock.advance(by: .milliseconds(500))
      try await aggregator.waitUntilSynced()
      #expect(aggregator.memberNames == ["a"])
    }
  }

  @Test("a plugin whose prefix turns out to clash is refused when it is found, the other registry named")
  func lateClash() async throws {
    let plugins = StagedPlugins(["rack": rack, "r": shelf], prefixes: ["rack": "r"], missing: ["rack"])
    let aggregator = try await aggregator(plugins.registry("r"), plugins.registry("rack"))
    plugins.appear("rack")
    try await running(aggregator) {
      try await eventually("it has failed") { aggregator.state("rack") == .failed }
      #expect(
        aggregator.snapshot().registry("rack")?.error?.message
          == "its raw ids would start with 'r/' as those of registry 'r' do")
      try await eventually("the other is synced") { aggregator.state("r") == .synced }
    }
  }

  @Test("precedence takes effect at a reload")
  func precedence() async throws {
    let (one, two) = (
      StagedRegistry(knowing: [try affiliate("x", hostname: "by-rack")]),
      StagedRegistry(knowing: [try affiliate("x", hostname: "by-shelf")])
    )
    let plugins = StagedPlugins(["rack": one, "shelf": two])
    var definition = AggregatorDefinition(
      registries: [plugins.registry("rack"), plugins.registry("shelf")])
    let aggregator = try await Aggregator(definition, options: options(clock), logger: quiet)
    try await running(aggregator) {
      try await aggregator.waitUntilSynced()
      #expect(aggregator.snapshot().members.first?.value.hostname == "by-shelf")
      definition.precedence = ["rack"]
      let summary = try await aggregator.reload(definition)
      #expect(summary.isUnchanged)
      #expect(aggregator.snapshot().members.first?.value.hostname == "by-rack")
    }
  }

  @Test("a reload after the end returns, also where a registry was never run")
  func afterTheEnd() async throws {
    let aggregator = try await aggregator(plugins.registry("rack"))
    let run = Task { try await aggregator.run() }
    run.cancel()
    try await run.value
    let returned = Counter()
    let reload = Task {
      try await aggregator.reload(plugins.registry("shelf"))
      try await aggregator.reload(plugins.registry("rack"))
      returned.add()
    }
    try await eventually("both returned") { returned.value == 1 }
    try await reload.value
    #expect(aggregator.snapshot().registries.map(\.name) == ["rack"])
  }

  @Test("what is kept of before a reload counts towards the limit only while there is room")
  func limit() async throws {
    let plain = StagedRegistry()
    var options = options(clock)
    options.nodeLimit = 3
    let plugins = StagedPlugins(["rack": plain])
    let aggregator = try await Aggregator(
      AggregatorDefinition(registries: [plugins.registry("rack")]), options: options, logger: quiet)
    try await running(aggregator) {
      try await eventually("it runs") { plain.isRunning }
      let before = [try affiliate("a"), try affiliate("b")]
      try plain.session().snapshot(before, source: try RegistrySource("old"))
      try await eventually("it is synced") { aggregator.memberNames == ["a", "b"] }
      try await aggregator.reload(plugins.registry("rack", options: #"{"row":2}"#))
      try await eventually("it runs anew") { plain.runs == 2 && plain.isRunning }
      let after = [try affiliate("c"), try affiliate("d")]
      try plain.session().snapshot(after, source: try RegistrySource("new"))
      try await eventually("the new has taken the place of the old") { aggregator.memberNames == ["c", "d"] }
      #expect(aggregator.state("rack") == .synced)
      #expect(plain.isRunning)
    }
  }
}

extension Aggregator {
  @discardableResult
  fileprivate func reload(_ registries: RegistryDefinition...) async throws -> ReloadSummary {
    try await reload(AggregatorDefinition(registries: registries))
  }
}
