import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

/// What a plugin does wrong while it runs fails its own registry, with one line; the others go on.
@Suite("Plugins that misbehave", .timeLimit(.minutes(5)))
struct HostilePluginTests {
  /// Runs `registry` to its failure while a good registry runs beside it, and gives the failure.
  private func failure(
    of registry: any Registry, recorder: SessionRecorder = SessionRecorder()
  ) async throws -> RegistryError {
    let good = try await Plugins.registry(try await Plugins.build("plain"))
    let (beside, after) = (SessionRecorder(), SessionRecorder())
    let besideRun = Task { try await good.run(beside.checkedSession()) }
    try await beside.wait(for: "the good one's nodes") { $0.ids() == ["plain-1"] }
    let error = await recorder.failure(of: registry)
    let afterRun = Task { try await good.run(after.checkedSession()) }
    try await after.wait(for: "the good one's nodes") { $0.ids() == ["plain-1"] }
    afterRun.cancel()
    besideRun.cancel()
    await #expect(throws: CancellationError.self) { try await afterRun.value }
    await #expect(throws: CancellationError.self) { try await besideRun.value }
    return try #require(error)
  }

  @Test(
    "what breaks a rule fails the registry with the node, the field and the value",
    arguments: [
      (
        "nodes[1].hostname = registry_string(\"a\\xff\"); code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n2': hostname isn't UTF-8"
      ),
      (
        "nodes[0].nodename.length++; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n1': nodename has a zero byte within"
      ),
      (
        "nodes[0].hostname.length = 5; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n1': hostname is NULL, and its count is 5"
      ),
      (
        "nodes[0].hostname.data = \"x\"; nodes[0].hostname.length = (size_t)-1; code = snapshot(host, nodes, 2, message)",
        "limit-exceeded",
        "node 'n1': hostname has 18446744073709551615 bytes, more than the 4096 allowed"
      ),
      (
        "nodes[1].node_id.length = 0; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 1: a node identity can't be empty"
      ),
      (
        "nodes[1].node_id = registry_string(\"a/b\"); code = snapshot(host, nodes, 2, message)",
        "invalid-argument",
        "node 1: node identity 'a/b' may only have printable ASCII without spaces and '/'"
      ),
      (
        "nodes[1] = nodes[0]; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n1' is in a snapshot twice; each may be in it once"
      ),
      (
        "address.family = 7; nodes[0].addresses = &address; nodes[0].address_count = 1; "
          + "code = snapshot(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': addresses[0] has the address family 7, which isn't 4 or 6"
      ),
      (
        "address.family = 0; nodes[0].addresses = &address; nodes[0].address_count = 1; "
          + "code = snapshot(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': addresses[0] has no address: its family is 0, not 4 or 6"
      ),
      (
        "prefix.length = 33; nodes[0].excluded_networks = &prefix; nodes[0].excluded_network_count = 1; "
          + "code = snapshot(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': excluded_networks[0] has the length 33, which isn't 0 to 32"
      ),
      (
        "nodes[0].endpoint_count = 3; code = snapshot(host, nodes, 1, message)",
        "invalid-argument", "node 'n1': endpoints is NULL, and its count is 3"
      ),
      (
        "nodes[0].addresses = &address; nodes[0].address_count = 1025; code = snapshot(host, nodes, 1, message)",
        "limit-exceeded", "node 'n1': addresses has 1025 items, more than the 1024 allowed"
      ),
      (
        "code = snapshot(host, NULL, 2, message)",
        "invalid-argument", "affiliates is NULL, and its count is 2"
      ),
      (
        "code = snapshot(host, nodes, 1000000, message)",
        "limit-exceeded", "1000000 nodes are more than the 250000 that one registry may have"
      ),
      (
        "code = snapshot(host, nodes, (size_t)-1, message)",
        "limit-exceeded", "18446744073709551615 nodes are more than the 250000 that one registry may have"
      ),
      (
        "code = upsert(host, one, &nodes[0], message)",
        "invalid-argument", "node 'n1' was changed before the first snapshot of its source"
      ),
      (
        "snapshot(host, nodes, 2, message); "
          + "code = upsert(host, registry_string(\"rack-2\"), &nodes[0], message)",
        "invalid-argument", "node 'n1' was changed before the first snapshot of source 'rack-2'"
      ),
      (
        "code = remove_node(host, one, nodes[0].node_id, REGISTRY_REASON_DELETED, message)",
        "invalid-argument", "node 'n1' was changed before the first snapshot of its source"
      ),
      (
        "snapshot(host, nodes, 2, message); code = upsert(host, one, NULL, message)",
        "invalid-argument", "affiliates is NULL, and its count is 1"
      ),
      (
        "code = registry_apply_snapshot(host, registry_string(\"a/b\"), nodes, 2, message)",
        "invalid-argument",
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not 'a/b'"
      ),
      (
        "for (int i = 0; i < 65; i++) { char s[8]; snprintf(s, 8, \"s%02d\", i); "
          + "code = registry_apply_snapshot(host, registry_string(s), NULL, 0, message); }",
        "limit-exceeded", "65 sources are more than the 64 that a registry may have"
      ),
      (
        "registry_string_v1 s[65] = {{0}}; code = expect_sources(host, s, 65, message)",
        "limit-exceeded", "expected_sources has 65 items, more than the 64 allowed"
      ),
      (
        "code = expect_sources(host, NULL, 2, message)",
        "invalid-argument", "expected_sources is NULL, and its count is 2"
      ),
      (
        "registry_string_v1 s[1] = {registry_string(\"a b\")}; code = expect_sources(host, s, 1, message)",
        "invalid-argument",
        "a source's name has at most 256 bytes of printable ASCII without spaces and '/', not 'a b'"
      ),
      ("host->apply(host->context, NULL, message)", "invalid-argument", "apply was given NULL for the batch"),
      ("host->report(host->context, NULL)", "invalid-argument", "report was given NULL"),
      (
        "registry_update_v1 u; memset(&u, 0, sizeof u); u.kind = 9; code = update_only(host, &u, message)",
        "invalid-argument", "an update has the kind 9, which isn't one of REGISTRY_UPDATE_"
      ),
      (
        "registry_update_v1 u; memset(&u, 0, sizeof u); u.kind = REGISTRY_UPDATE_REMOVE; u.node_id_count = 3; "
          + "code = update_only(host, &u, message)",
        "invalid-argument", "node_ids is NULL, and its count is 3"
      ),
      (
        "registry_batch_v1 b; memset(&b, 0, sizeof b); b.update_count = 3; "
          + "code = host->apply(host->context, &b, message)",
        "invalid-argument", "updates is NULL, and its count is 3"
      ),
      (
        "registry_batch_v1 b; memset(&b, 0, sizeof b); b.update_count = (size_t)-1; "
          + "code = host->apply(host->context, &b, message)",
        "limit-exceeded", "updates has 18446744073709551615 items, more than the 10000 allowed"
      ),
      (
        "static registry_report_v1 r[257]; registry_batch_v1 b; memset(&b, 0, sizeof b); "
          + "b.reports = r; b.report_count = 257; code = host->apply(host->context, &b, message)",
        "limit-exceeded", "reports has 257 items, more than the 256 allowed"
      ),
      (
        "registry_label_v1 l[2] = {{registry_string(\"k\"), one}, {registry_string(\"k\"), one}}; "
          + "nodes[1].labels = l; nodes[1].label_count = 2; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n2': labels has 'k' twice; each key may be in it once"
      ),
      (
        "registry_label_v1 l[1] = {{one, registry_string(\"v\")}}; "
          + "nodes[1].labels = l; nodes[1].label_count = 1; code = snapshot(host, nodes, 2, message)",
        "invalid-argument", "node 'n2': labels: a label's key can't be empty (its value is 'v')"
      ),
      (
        "nodes[0].health = REGISTRY_HEALTH_NOT_READY; nodes[0].health_reason = registry_string("
          + "\"0123456789012345678901234567890123456789012345678901234567890123x\"); "
          + "code = snapshot(host, nodes, 2, message)",
        "limit-exceeded", "node 'n1': health_reason has 65 bytes, more than the 64 allowed"
      ),
      (
        "address.family = 9; host->public_address(host->context, address)",
        "invalid-argument", "public_address has the address family 9, which isn't 4 or 6"
      ),
      (
        "address.family = 0; host->public_address(host->context, address)",
        "invalid-argument", "public_address has no address: its family is 0, not 4 or 6"
      ),
      (
        "host->failed(host->context, REGISTRY_UNAVAILABLE, registry_string(\"gone\"))",
        "unavailable", "gone"
      ),
      (
        "host->failed(host->context, 4711, registry_string(\"\"))", "failed", "the plugin doesn't say why"
      ),
      ("host->failed(host->context, REGISTRY_OK, registry_string(\"done\"))", "failed", "done"),
      (
        "code = registry_fail(message, REGISTRY_UNAVAILABLE, \"at\\n\\xffonce\")",
        "unavailable", "at \u{FFFD}once"
      ),
    ])
  func breaksRule(statement: String, code: String, message: String) async throws {
    let file = try await Plugins.build("says", "-DSAY=\(statement)")
    let error = try await failure(of: try await Plugins.registry(file))
    #expect(error.code.description == code)
    #expect(error.message == message)
  }

  @Test("the nodes of a batch are counted together, before any is read")
  func nodesOfBatch() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=registry_update_v1 u[2]; memset(u, 0, sizeof u); u[0].kind = u[1].kind = REGISTRY_UPDATE_SNAPSHOT; "
        + "u[0].affiliates = nodes; u[0].affiliate_count = 2; u[1].affiliate_count = 1; "
        + "u[1].source = registry_string(\"other\"); registry_batch_v1 b; memset(&b, 0, sizeof b); "
        + "b.updates = u; b.update_count = 2; code = host->apply(host->context, &b, message)")
    let recorder = SessionRecorder()
    let error = try await failure(
      of: try await Plugins.registry(file, limits: BoundaryLimits(nodes: 2)), recorder: recorder)
    #expect(error == RegistryError(.limitExceeded, "3 nodes are more than the 2 that one registry may have"))
    #expect(recorder.now.batches.isEmpty)
  }

  @Test("of a batch that breaks a rule nothing is taken, and what came before it is")
  func atomic() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=snapshot(host, nodes, 1, message); registry_update_v1 u[2]; memset(u, 0, sizeof u); "
        + "u[0].kind = u[1].kind = REGISTRY_UPDATE_UPSERT; u[0].affiliates = u[1].affiliates = &nodes[1]; "
        + "u[0].affiliate_count = u[1].affiliate_count = 1; u[1].source = registry_string(\"new\"); "
        + "registry_batch_v1 b; memset(&b, 0, sizeof b); b.updates = u; b.update_count = 2; "
        + "code = host->apply(host->context, &b, message)")
    let recorder = SessionRecorder()
    let error = try await failure(of: try await Plugins.registry(file), recorder: recorder)
    #expect(error.message == "node 'n2' was changed before the first snapshot of source 'new'")
    #expect(recorder.now.ids() == ["n1"])
    #expect(recorder.now.batches.count == 1)
  }

  @Test("an update may stand for several nodes, and reasons that aren't known count as removed")
  func severalNodes() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=snapshot(host, nodes, 0, message); registry_string_v1 ids[2] = {nodes[0].node_id, nodes[1].node_id}; "
        + "registry_update_v1 u[3]; memset(u, 0, sizeof u); "
        + "u[0].kind = REGISTRY_UPDATE_UPSERT; u[0].affiliates = nodes; u[0].affiliate_count = 2; "
        + "u[1].kind = u[2].kind = REGISTRY_UPDATE_REMOVE; u[1].node_ids = u[2].node_ids = ids; "
        + "u[1].node_id_count = 2; u[2].node_id_count = 1; u[1].reason = 4711; "
        + "registry_batch_v1 b; memset(&b, 0, sizeof b); b.updates = u; b.update_count = 3; "
        + "code = host->apply(host->context, &b, message)")
    let recorder = SessionRecorder()
    let registry = try await Plugins.registry(file)
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "the batch") { $0.batches.count == 2 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(
      recorder.now.updates.map(\.summary) == [
        "snapshot", "upsert n1", "upsert n2", "remove n1 removed", "remove n2 removed", "remove n1 removed",
      ])
  }

  @Test("expected sources are handed on as they are named, and so is the end of one that had no snapshot")
  func namedSources() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=registry_string_v1 s[3] = {registry_string(\"a\"), one, registry_string(\"a\")}; "
        + "expect_sources(host, s, 3, message); snapshot(host, nodes, 2, message); "
        + "source_gone(host, s[0], message); source_gone(host, s[0], message); "
        + "code = expect_sources(host, NULL, 0, message)")
    let recorder = SessionRecorder()
    let registry = try await Plugins.registry(file)
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "all batches") { $0.batches.count == 5 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let source = try RegistrySource("a")
    #expect(recorder.now.batches[0] == RegistryBatch(expectedSources: [source, .only, source]))
    #expect(recorder.now.batches[2] == RegistryBatch(updates: [.sourceGone(source)]))
    #expect(recorder.now.batches[4].isEmpty)
    #expect(recorder.now.ids() == ["n1", "n2"])
  }

  @Test("an extension that the host doesn't have is NULL, and its table says that it can be asked")
  func extensions() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=const void *other = host->get_extension(host->context, registry_string(\"example/1\")); "
        + "code = REGISTRY_HAS(host, get_extension) && other == NULL ? snapshot(host, nodes, 2, message) "
        + ": registry_fail(message, REGISTRY_FAILED, \"it has one\")")
    let recorder = SessionRecorder()
    let registry = try await Plugins.registry(file)
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["n1", "n2"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test("a plugin is told by an extension for how long what is gone still counts")
  func staleAfter() async throws {
    let file = try await Plugins.build(
      "says",
      "-DSAY=const uint64_t *stale = host->get_extension(host->context, "
        + "registry_string(REGISTRY_EXTENSION_STALE_AFTER)); "
        + "code = stale && *stale == 3000 ? snapshot(host, nodes, 2, message) "
        + ": registry_fail(message, REGISTRY_FAILED, \"it has none\")")
    let recorder = SessionRecorder()
    let registry = try await Plugins.load(file).registry(
      context: RegistryContext(name: "test", staleAfter: .seconds(3), logger: Plugins.silent))
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { $0.ids() == ["n1", "n2"] }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
  }

  @Test("a check makes an instance and puts it away; what create says against it is thrown")
  func check() async throws {
    let context = RegistryContext(name: "test", logger: Plugins.silent)
    let plain = try await Plugins.load(try await Plugins.build("plain"))
    for _ in 0..<2 { try await plain.check(context: context) }
    let refuses = try await Plugins.load(try await Plugins.build("create_fails"))
    await #expect(throws: RegistryError(.permissionDenied, "the rack's door is locked")) {
      try await refuses.check(context: context)
    }
    // What start would say isn't asked for.
    try await Plugins.load(try await Plugins.build("start_fails")).check(context: context)
    let hangs = try await Plugins.load(try await Plugins.build("hangs", "-DHANG_CREATE"))
    let error = await #expect(throws: RegistryError.self) {
      try await hangs.check(context: context, callTimeout: .milliseconds(100))
    }
    #expect(error?.code == .deadlineExceeded)
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
    let file = try await Plugins.build("hangs", "-DHANG_\(function.uppercased())")
    let registry = try await Plugins.registry(file, timeout: .milliseconds(200))
    let recorder = SessionRecorder()
    let error = try await failure(of: registry, recorder: recorder)
    #expect(
      error
        == RegistryError(
          .deadlineExceeded,
          "\(function) of plugin 'hangs' didn't return within 0.2 seconds; its thread is left alone, and "
            + "nothing of it is taken any more"))
    #expect(recorder.now.log == ["error: \(error)"])
  }

  @Test("a plugin that doesn't stop is left alone", arguments: ["stop", "destroy"])
  func doesNotStop(function: String) async throws {
    let file = try await Plugins.build("hangs", "-DHANG_\(function.uppercased())")
    let registry = try await Plugins.registry(file, stopTimeout: .seconds(2))
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { !$0.batches.isEmpty }
    run.cancel()
    await #expect(
      throws: RegistryError(
        .deadlineExceeded,
        "\(function) of plugin 'hangs' didn't return within 2.0 seconds; its thread is left alone, and "
          + "nothing of it is taken any more")
    ) { try await run.value }
  }

  @Test("a plugin that hangs again and again takes only so many threads")
  func hangsAgain() async throws {
    let file = try await Plugins.build("hangs", "-DHANG_CREATE", "-DAGAIN")
    let registry = try await Plugins.registry(file, timeout: .milliseconds(50))
    var errors: [RegistryError] = []
    for _ in 0..<9 {
      let error = await #expect(throws: RegistryError.self) {
        try await registry.run(SessionRecorder().checkedSession())
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
    let recorder = SessionRecorder()
    let run = Task {
      while !Task.isCancelled {
        try? await registry.run(recorder.checkedSession())
        await Task.yield()
      }
    }
    try await recorder.wait(for: "its nodes") { !$0.batches.isEmpty }
    run.cancel()
    await run.value
  }

  @Test("a publication that doesn't return fails the registry")
  func publishHangs() async throws {
    let file = try await Plugins.build("hangs", "-DHANG_PUBLISH")
    let registry = try await Plugins.registry(file, timeout: .seconds(3))
    let recorder = SessionRecorder()
    recorder.publish(nil)
    let error = await recorder.failure(of: registry)
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.message.hasPrefix("publish of plugin 'hangs' didn't return") == true)
    #expect(recorder.now.outcomes.isEmpty)
  }

  @Test("what is applied after the stop isn't taken, is answered with REGISTRY_STOPPED and logged once")
  func late() async throws {
    let file = try await Plugins.build("late")
    let registry = try await Plugins.registry(file)
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "what it applies") { $0.batches.count >= 3 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let taken = recorder.now.batches.count
    let stoppedCalls = try Symbol(file, "late_stopped_calls")
    let before = stoppedCalls.value
    try await eventually("the plugin goes on calling") { stoppedCalls.value > before + 20 }
    #expect(try Symbol(file, "late_last_code").value == 3)
    #expect(recorder.now.batches.count == taken)
    #expect(
      recorder.now.log.filter { $0.hasPrefix("warning") }
        == ["warning: the plugin goes on calling its host after it was stopped; nothing is taken"])
  }

  @Test("of many threads at once all is taken, each in its order")
  func threads() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("threads"))
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "what it applies") { $0.batches.count == 8 * 201 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    var seen: [RegistrySource: Int] = [:]
    for update in recorder.now.updates {
      switch update {
      case .snapshot(_, let source, _):
        #expect(seen[source] == nil)
        seen[source] = 0
      case .upsert(let record, let source):
        let round = try #require(seen[source])
        #expect(record.affiliate.nodeID.text == "node-\(source.name.dropFirst())-\(round)")
        seen[source] = round + 1
      default: Issue.record("unexpected \(update.summary)")
      }
    }
    #expect(seen.values.allSatisfy { $0 == 200 })
  }

  @Test("an instance that is put away while its threads call harms nobody")
  func inFlight() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("threads"))
    for _ in 0..<20 {
      let recorder = SessionRecorder()
      let run = Task { try await registry.run(recorder.checkedSession()) }
      try await recorder.wait(for: "its nodes") { !$0.batches.isEmpty }
      run.cancel()
      await #expect(throws: CancellationError.self) { try await run.value }
    }
  }

  @Test("the host may be called from within each function of the plugin")
  func chatty() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("chatty"))
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "what it applies") { $0.batches.count == 4 }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    // What it applies while it is stopped isn't taken, and its last log lines are.
    #expect(recorder.now.batches.count == 4)
    #expect(recorder.now.log == ["info: create", "info: start", "info: stop", "info: destroy"])
  }

  @Test("a plugin that logs without end is cut short, and the log says so")
  func talkative() async throws {
    let registry = try await Plugins.registry(try await Plugins.build("talkative"))
    let recorder = SessionRecorder()
    let run = Task { try await registry.run(recorder.checkedSession()) }
    try await recorder.wait(for: "its nodes") { !$0.batches.isEmpty }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    let log = recorder.now.log
    #expect(log.prefix(200).allSatisfy { $0 == "info: again" })
    #expect(log.count < 2000)
    #expect(log.last?.hasPrefix("warning: the plugin logs too much: lines were left out lines=") == true)
  }
}

/// A function of a loaded library that takes nothing and gives a number.
private struct Symbol {
  private let function: @convention(c) () -> Int32

  init(_ file: String, _ name: String) throws {
    // What is loaded is a copy, which bears the name of the file that it came from.
    let path = URL(filePath: file).resolvingSymlinksInPath().path
    let handle = try #require(dlopen(path, RTLD_NOW | RTLD_NOLOAD))
    function = unsafeBitCast(try #require(dlsym(handle, name)), to: (@convention(c) () -> Int32).self)
  }

  var value: Int32 { function() }
}
