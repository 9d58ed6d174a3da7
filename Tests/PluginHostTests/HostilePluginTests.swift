import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryKit
import TestSupport
import Testing

/// What a plugin does wrong while it runs fails its own registry, with one line; the others go on.
@Suite("Plugins that misbehave", .timeLimit(.minutes(5)))
struct HostilePluginTests {
  /// Runs `registry` to its failure while a good registry runs beside it, and gives the failure.
  private func failure(of registry: any Registry, probe: UpdatesProbe = UpdatesProbe()) async throws
    -> RegistryError
  {
    let good = try await Plugins.registry(try await Plugins.build("plain"))
    let goodProbe = UpdatesProbe()
    let goodRun = Task { try await good.run(updates: goodProbe.updates) }
    await goodProbe.wait { !$0.isEmpty }
    let error = await #expect(throws: RegistryError.self) { try await registry.run(updates: probe.updates) }
    let fresh = UpdatesProbe()
    let freshRun = Task { try await good.run(updates: fresh.updates) }
    await fresh.wait { !$0.isEmpty }
    freshRun.cancel()
    goodRun.cancel()
    await #expect(throws: CancellationError.self) { try await freshRun.value }
    await #expect(throws: CancellationError.self) { try await goodRun.value }
    return try #require(error)
  }

  @Test(
    "what breaks a rule fails the registry with the node, the field and the value",
    arguments: [
      (
        "nodes[1].hostname = registry_string(\"a\\xff\"); code = tell(host, nodes, 2, message)",
        "invalid-argument", "node 'n2': hostname isn't UTF-8"
      ),
      (
        "nodes[0].nodename.length++; code = tell(host, nodes, 2, message)",
        "invalid-argument", "node 'n1': nodename has a zero byte within"
      ),
      (
        "nodes[0].hostname.length = 5; code = tell(host, nodes, 2, message)",
        "invalid-argument", "node 'n1': hostname is NULL, and its count is 5"
      ),
      (
        "nodes[0].hostname.data = \"x\"; nodes[0].hostname.length = (size_t)-1; code = tell(host, nodes, 2, message)",
        "limit-exceeded",
        "node 'n1': hostname has 18446744073709551615 bytes, more than the 4096 allowed"
      ),
      (
        "nodes[1].node_id.length = 0; code = tell(host, nodes, 2, message)",
        "invalid-argument", "node 1: a node identity can't be empty"
      ),
      (
        "nodes[1].node_id = registry_string(\"a/b\"); code = tell(host, nodes, 2, message)",
        "invalid-argument",
        "node 1: node identity 'a/b' may only have printable ASCII without spaces and '/'"
      ),
      (
        "nodes[1] = nodes[0]; code = tell(host, nodes, 2, message)",
        "invalid-argument", "the snapshot has node 'n1' twice; each may be in it once"
      ),
      (
        "address.family = 7; nodes[0].addresses = &address; nodes[0].address_count = 1; "
          + "code = tell(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': addresses[0] has the address family 7, which isn't 4 or 6"
      ),
      (
        "address.family = 0; nodes[0].addresses = &address; nodes[0].address_count = 1; "
          + "code = tell(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': addresses[0] has no address: its family is 0, not 4 or 6"
      ),
      (
        "prefix.length = 33; nodes[0].excluded_networks = &prefix; nodes[0].excluded_network_count = 1; "
          + "code = tell(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': excluded_networks[0] has the length 33, which isn't 0 to 32"
      ),
      (
        "nodes[0].endpoint_count = 3; code = tell(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': endpoints is NULL, and its count is 3"
      ),
      (
        "nodes[0].addresses = &address; nodes[0].address_count = 1025; code = tell(host, nodes, 1, message)",
        "limit-exceeded", "node 'n1': addresses has 1025 items, more than the 1024 allowed"
      ),
      (
        "code = tell(host, NULL, 2, message)",
        "invalid-argument", "the snapshot's list is NULL, and its count is 2"
      ),
      (
        "code = tell(host, nodes, 1000000, message)",
        "limit-exceeded", "1000000 nodes are more than the 250000 that one registry may have"
      ),
      (
        "code = tell(host, nodes, (size_t)-1, message)",
        "limit-exceeded", "18446744073709551615 nodes are more than the 250000 that one registry may have"
      ),
      (
        "code = host->upsert(host->context, one, &nodes[0], message)",
        "invalid-argument", "node 'n1' was told before the first snapshot of its source"
      ),
      (
        "tell(host, nodes, 2, message); "
          + "code = host->upsert(host->context, registry_string(\"rack-2\"), &nodes[0], message)",
        "invalid-argument", "node 'n1' was told before the first snapshot of source 'rack-2'"
      ),
      (
        "code = host->remove(host->context, one, nodes[0].node_id, message)",
        "invalid-argument", "node 'n1' was removed before the first snapshot of its source"
      ),
      (
        "tell(host, nodes, 2, message); code = host->upsert(host->context, one, NULL, message)",
        "invalid-argument", "upsert was given NULL for the node"
      ),
      (
        "code = host->snapshot(host->context, registry_string(\"a/b\"), nodes, 2, message)",
        "invalid-argument",
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not 'a/b'"
      ),
      (
        "for (int i = 0; i < 65; i++) { char s[8]; snprintf(s, 8, \"s%02d\", i); "
          + "code = host->snapshot(host->context, registry_string(s), NULL, 0, message); }",
        "limit-exceeded", "source 's64' is one more than the 64 that a registry may have"
      ),
      (
        "registry_string_v1 s[65] = {{0}}; code = host->sources(host->context, s, 65, message)",
        "limit-exceeded", "65 sources are more than the 64 that a registry may have"
      ),
      (
        "code = host->sources(host->context, NULL, 2, message)",
        "invalid-argument", "sources is NULL, and its count is 2"
      ),
      (
        "registry_string_v1 s[1] = {registry_string(\"a b\")}; code = host->sources(host->context, s, 1, message)",
        "invalid-argument",
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not 'a b'"
      ),
      (
        "address.family = 9; host->public_address(host->context, address)",
        "invalid-argument", "public_address has the address family 9, which isn't 4 or 6"
      ),
      (
        "host->status(host->context, REGISTRY_STATE_FAILED, REGISTRY_UNAVAILABLE, registry_string(\"gone\"))",
        "unavailable", "gone"
      ),
      (
        "host->status(host->context, REGISTRY_STATE_FAILED, 4711, registry_string(\"\"))",
        "failed", "the plugin doesn't say why"
      ),
      (
        "code = registry_fail(message, REGISTRY_UNAVAILABLE, \"at\\n\\xffonce\")",
        "unavailable", "at \u{FFFD}once"
      ),
    ])
  func says(statement: String, code: String, message: String) async throws {
    let file = try await Plugins.build("says", "-DSAY=\(statement)")
    let error = try await failure(of: try await Plugins.registry(file))
    #expect(error.code.description == code)
    #expect(error.message == message)
  }

  @Test("nodes that are told one by one are counted too, and a replaced one only once")
  func upserts() async throws {
    let replaced = "tell(host, nodes, 2, message); for (int i = 0; i < 9; i++) "
    let file = try await Plugins.build(
      "says",
      "-DSAY=\(replaced) host->upsert(host->context, one, &nodes[0], message); "
        + "nodes[0].node_id = registry_string(\"n3\"); code = host->upsert(host->context, one, &nodes[0], message)"
    )
    let probe = UpdatesProbe()
    let error = try await failure(
      of: try await Plugins.registry(file, limits: BoundaryLimits(nodes: 2)), probe: probe)
    #expect(error == RegistryError(.limitExceeded, "3 nodes are more than the 2 that one registry may have"))
    #expect(probe.events.count == 10)
  }

  @Test("sources are named, once each counts, and the end of one that told nothing is handed on")
  func namedSources() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=registry_string_v1 s[3] = {registry_string(\"a\"), one, registry_string(\"a\")}; "
        + "host->sources(host->context, s, 3, message); tell(host, nodes, 2, message); "
        + "host->source_gone(host->context, s[0], message); host->source_gone(host->context, s[0], message); "
        + "code = host->sources(host->context, NULL, 0, message)")
    let probe = UpdatesProbe()
    let registry = try await Plugins.registry(file)
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { $0.count >= 4 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let source = try RegistrySource("a")
    #expect(probe.events.count == 4)
    #expect(probe.events[0] == .sources([source, .only, source]))
    #expect(probe.events[2] == .update(.sourceGone(source)))
    #expect(probe.events[3] == .sources([]))
    #expect(probe.nodes == ["n1", "n2"])
  }

  @Test("an error of create is the registry's, as one line")
  func createFails() async throws {
    let error = try await failure(of: try await Plugins.registry(try await Plugins.build("create_fails")))
    #expect(error == RegistryError(.permissionDenied, "the rack's door is locked"))
  }

  @Test("after a failed start the instance is destroyed and not stopped")
  func startFails() async throws {
    let error = try await failure(of: try await Plugins.registry(try await Plugins.build("start_fails")))
    #expect(error == RegistryError(.unavailable, "the rack isn't there"))
  }

  @Test("a plugin that doesn't return is left alone", arguments: ["create", "start"])
  func hangs(function: String) async throws {
    let log = LogProbe()
    let file = try await Plugins.build("hangs", "-DHANG_\(function.uppercased())")
    let registry = try await Plugins.registry(file, logger: log.logger, timeout: .milliseconds(200))
    let error = try await failure(of: registry)
    #expect(
      error
        == RegistryError(
          .deadlineExceeded,
          "\(function) of plugin 'hangs' didn't return within 0.2 seconds; its thread is left alone, and what it "
            + "says isn't heard"))
    #expect(log.all == ["error: \(error)"])
  }

  @Test("a plugin that doesn't stop is left alone", arguments: ["stop", "destroy"])
  func doesNotStop(function: String) async throws {
    let file = try await Plugins.build("hangs", "-DHANG_\(function.uppercased())")
    let registry = try await Plugins.registry(file, stopTimeout: .seconds(2))
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await #expect(
      throws: RegistryError(
        .deadlineExceeded,
        "\(function) of plugin 'hangs' didn't return within 2.0 seconds; its thread is left alone, and what it "
          + "says isn't heard")
    ) { try await run.value }
  }

  @Test("a plugin that hangs again and again takes only so many threads")
  func hangsAgain() async throws {
    let file = try await Plugins.build("hangs", "-DHANG_CREATE", "-DAGAIN")
    let registry = try await Plugins.registry(file, timeout: .milliseconds(50))
    var errors: [RegistryError] = []
    for _ in 0..<9 {
      let error = await #expect(throws: RegistryError.self) {
        try await registry.run(updates: UpdatesProbe().updates)
      }
      errors.append(try #require(error))
    }
    #expect(errors.dropLast().allSatisfy { $0.code == .deadlineExceeded })
    #expect(
      errors.last
        == RegistryError(
          .unavailable,
          "8 calls of plugin 'hangs' hang; it isn't used before one of them returns or the program is started "
            + "again"))
    // One that comes back makes room again.
    _ = try Symbol(file, "hangs_release").value
    let probe = UpdatesProbe()
    let run = Task {
      while !Task.isCancelled {
        try? await registry.run(updates: probe.updates)
        await Task.yield()
      }
    }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await run.value
  }

  @Test("a publication that doesn't return fails the registry too")
  func publishHangs() async throws {
    let file = try await Plugins.build("hangs", "-DHANG_PUBLISH")
    let registry = try #require(
      try await Plugins.registry(file, timeout: .seconds(3)) as? any PublishingRegistry)
    let run = Task { try await registry.run(updates: UpdatesProbe().updates) }
    let error = await #expect(throws: RegistryError.self) {
      try await registry.publish(Publication(local: nil))
    }
    #expect(error?.code == .deadlineExceeded)
    let end = await #expect(throws: RegistryError.self) { try await run.value }
    #expect(end?.code == .deadlineExceeded)
  }

  @Test("what is said after the stop isn't heard, is answered with REGISTRY_STOPPED and told once")
  func late() async throws {
    let log = LogProbe()
    let file = try await Plugins.build("late")
    let registry = try await Plugins.registry(file, logger: log.logger)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { $0.count >= 3 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let heard = probe.events.count
    let stoppedCalls = try Symbol(file, "late_stopped_calls")
    let before = stoppedCalls.value
    try await eventually("the plugin goes on speaking") { stoppedCalls.value > before + 20 }
    #expect(try Symbol(file, "late_last_code").value == 3)
    #expect(probe.events.count == heard)
    #expect(
      log.all.filter { $0.hasPrefix("warning") }
        == ["warning: the plugin goes on speaking after it was stopped; it isn't heard"])
  }

  @Test("many threads at once are heard in full, each in its order")
  func threads() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("threads"))
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { $0.count == 8 * 201 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    var seen: [RegistrySource: Int] = [:]
    for event in probe.events {
      switch event {
      case .update(.snapshot(_, let source)):
        #expect(seen[source] == nil)
        seen[source] = 0
      case .update(.upsert(let record, let source)):
        let round = try #require(seen[source])
        #expect(record.affiliate.nodeID.text == "node-\(source.name.dropFirst())-\(round)")
        seen[source] = round + 1
      default: Issue.record("unexpected \(event)")
      }
    }
    #expect(seen.values.allSatisfy { $0 == 200 })
  }

  @Test("an instance that is put away while its threads speak harms nobody")
  func inFlight() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("threads"))
    for _ in 0..<20 {
      let probe = UpdatesProbe()
      let run = Task { try await registry.run(updates: probe.updates) }
      await probe.wait { !$0.isEmpty }
      run.cancel()
      await #expect(throws: CancellationError.self) { try await run.value }
    }
  }

  @Test("the host may be called from within each function of the plugin")
  func chatty() async throws {
    let log = LogProbe()
    let registry = try await Plugins.registry(try await Plugins.build("chatty"), logger: log.logger)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { $0.count == 4 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    // What it says while it is stopped isn't heard, and its last log lines are.
    #expect(probe.events.count == 4)
    #expect(log.all == ["info: create", "info: start", "info: stop", "info: destroy"])
  }

  @Test("a plugin that logs without end is cut short, and the log says so")
  func talkative() async throws {
    let log = LogProbe()
    let registry = try await Plugins.registry(try await Plugins.build("talkative"), logger: log.logger)
    let probe = UpdatesProbe()
    let run = Task { try await registry.run(updates: probe.updates) }
    await probe.wait { !$0.isEmpty }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(log.all.prefix(200).allSatisfy { $0 == "info: again" })
    #expect(log.all.count < 2000)
    #expect(log.all.last == "warning: the plugin logs too much: lines were left out")
  }
}

/// A function of a loaded library that takes nothing and gives a number.
private struct Symbol {
  private let function: @convention(c) () -> Int32

  init(_ file: String, _ name: String) throws {
    let handle = try #require(dlopen(file, RTLD_NOW | RTLD_LOCAL))
    function = unsafeBitCast(try #require(dlsym(handle, name)), to: (@convention(c) () -> Int32).self)
  }

  var value: Int32 { function() }
}
