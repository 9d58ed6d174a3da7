import ClusterModel
import ClusterResources
import Foundation
import Lifecycle
import Outputs
import RegistryKit
import Rollcall
import RollcallMetrics
import Synchronization
import TestSupport
import Testing

/// Hooks: real programs, and a history that the test writes.
@Suite struct HookTests {
  @Test("a hook gets a line of JSON for each thing that changed, once nothing more comes for a second")
  func lines() async throws {
    let hook = try HookHarness("cat >> told")
    hook.happen(entry(1, "w-1", "ready", "missing"))
    try await eventually("it waits") { hook.clock.pending == [.seconds(1)] }
    #expect(hook.told == "")
    hook.happen(entry(2, "bad\n\"name\"", "synced", "failed", kind: .registry))
    // The second change may begin the second anew.
    try await eventually("it was told") {
      if hook.clock.pending == [.seconds(1)] { hook.clock.advance(by: .seconds(1)) }
      return hook.cursor == 2
    }
    #expect(
      hook.told
        == #"""
        {"resourceVersion":"e.101","time":"2026-11-23T03:08:51Z","type":"member","id":"w-1","nodeId":"w-1-id",\#
        "from":"ready","to":"missing","reason":"expired","object":{"id":"w-1"}}
        {"resourceVersion":"e.102","time":"2026-11-23T03:08:52Z","type":"registry","id":"bad\n\"name\"",\#
        "nodeId":null,"from":"synced","to":"failed","reason":"expired","object":{"id":"bad\n\"name\""}}

        """#.replacingOccurrences(of: "\\#\n", with: ""))
    #expect(hook.cursor == 2)
  }

  @Test("a cluster that is never quiet is told after five seconds")
  func restless() async throws {
    let hook = try HookHarness("cat >> told")
    for number in 1...5 {
      hook.happen(entry(UInt64(number), "w-\(number)", "ready", "missing"))
      // It has taken note of the change when it waits for just so much longer.
      try await eventually("it waits: \(hook.clock.pending)") { hook.clock.pending == [.seconds(1)] }
      hook.clock.advance(by: .milliseconds(number == 5 ? 1000 : 999))
    }
    try await eventually("it was told") { hook.cursor == 5 }
    #expect(hook.told.split(separator: "\n").count == 5)
  }

  @Test("what a hook didn't take is told again with what came since, and not lost over a restart")
  func atLeastOnce() async throws {
    let hook = try HookHarness("cat >> told; echo >> runs; test -e good || exit 1")
    hook.happen(entry(1, "w-1", "ready", "missing"))
    try await hook.pass(.seconds(1))
    try await eventually("it failed") { hook.clock.pending == [.seconds(5)] }
    #expect(hook.cursor == 0)
    await hook.stop()
    let again = try HookHarness("cat >> told; test -e good || exit 1", after: hook)
    again.happen(entry(2, "w-2", "ready", "left"))
    try again.folder.write("", to: "good")
    try await again.pass(.seconds(1))
    try await eventually("it was told") { again.cursor == 2 }
    #expect(again.told.split(separator: "\n").map { $0.contains("w-1") } == [true, true, false])
  }

  @Test("what a hook has failed to take for ten minutes is left out, counted and told; it goes on then")
  func skipped() async throws {
    let hook = try HookHarness("cat > told; test -e good")
    hook.happen(entry(1, "w-1", "ready", "missing"))
    try await hook.pass(.seconds(1))
    var waited = 0
    for pause in [5, 10, 20, 40, 80, 160, 280] {
      // After the pause it looks for a second whether more comes, from the second time on too.
      let rest = min(pause, 600 - waited)
      try await hook.pass(.seconds(rest))
      waited += rest
      guard waited < 600 else { break }
      try await hook.pass(.seconds(1))
      waited += 1
    }
    try await hook.pass(.seconds(1))
    try await eventually("it is left out: \(hook.logs.lines)") { hook.cursor == 1 }
    #expect(
      hook.logs.lines.contains(
        "error: a hook has failed for 10m: what it wasn't told is left out hook=tell lines=1"))
    try hook.folder.write("", to: "good")
    hook.happen(entry(2, "w-2", "ready", "left"))
    try await hook.pass(.seconds(1))
    try await eventually("it was told") { hook.cursor == 2 }
    #expect(hook.told.contains("w-2") && !hook.told.contains("w-1"))
  }

  @Test("that a member flaps is told once, and then how it settles")
  func flapping() async throws {
    let hook = try HookHarness("cat >> told")
    hook.set("w-1", .ready, isFlapping: true)
    hook.happen(entry(1, "w-1", "missing", "ready", isFlapping: true))
    try await hook.pass(.seconds(1))
    try await eventually("it was told") { hook.cursor == 1 }
    // The same entry counts what it does next.
    hook.replace(entry(1, "w-1", "missing", "missing", isFlapping: true, count: 4))
    hook.set("w-1", .missing, isFlapping: false)
    try await hook.pass(.seconds(1))
    try await eventually("it was told how it settled: \(hook.told)") {
      hook.told.split(separator: "\n").count == 2
    }
    let lines = hook.told.split(separator: "\n")
    #expect(lines[0].contains(#""from":"missing","to":"ready","reason":"expired","flapping":true"#))
    #expect(lines[1].contains(#""from":"ready","to":"missing","reason":"expired","object""#))
  }

  @Test("how a member settles is told also where the daemon was restarted meanwhile")
  func flappingOverRestart() async throws {
    let hook = try HookHarness("cat >> told")
    hook.set("w-1", .ready, isFlapping: true)
    hook.happen(entry(1, "w-1", "missing", "ready", isFlapping: true))
    try await hook.pass(.seconds(1))
    try await eventually("it was told") { hook.cursor == 1 }
    await hook.stop()
    let again = try HookHarness("cat >> told", after: hook)
    again.set("w-1", .left, isFlapping: false)
    try await again.pass(.seconds(1))
    try await eventually("it was told how it settled: \(again.told)") { again.told.contains(#""to":"left""#) }
  }

  @Test("a new hook is told nothing of before, a lost history doesn't silence it for ever")
  func beginnings() async throws {
    let hook = try HookHarness(
      "cat >> told", before: (1...5).map { entry(UInt64($0), "w-\($0)", "ready", "missing") })
    try await eventually("it begins at the end") { hook.cursor == 5 }
    hook.forget()
    try await eventually("it begins anew") { hook.cursor == 0 }
    hook.happen(entry(1, "w-9", "ready", "missing"))
    try await hook.pass(.seconds(1))
    try await eventually("it was told: \(hook.told)") { hook.told.contains("w-9") }
    #expect(hook.told.split(separator: "\n").count == 1)
  }

  @Test("a storm is told in runs of a thousand lines")
  func storm() async throws {
    let hook = try HookHarness("wc -l >> told")
    for number in 1...2500 { hook.append(entry(UInt64(number), "n-\(number)", "ready", "missing")) }
    hook.notify()
    // It waits for quiet once more where it had seen the first of them before it was notified.
    try await eventually("it was told") {
      if hook.clock.pending.contains(.seconds(1)) { hook.clock.advance(by: .seconds(1)) }
      return hook.cursor == 2500
    }
    #expect(hook.told.split(separator: "\n").map { Int($0) } == [1000, 1000, 500])
  }

  @Test("hooks of a real aggregator are told what happens to its members")
  func aggregator() async throws {
    let folder = try TemporaryFolder()
    let program = try script("cat >> \(folder.path)/told", in: folder)
    let registry = ScriptedRegistry()
    let aggregator = try Aggregator(registries: [RegistryDefinition(name: "rack", registry: registry)])
    let service = HookService(
      [HookDefinition(name: "tell", command: program, kinds: [.member])], HookSource(aggregator),
      cursors: .none,
      OutputContext(logger: LogRecorder().logger, metrics: DaemonMetrics()))
    let outputs = OutputService(
      [OutputDefinition(name: "hosts", format: .hosts, path: folder.path("hosts"), debounce: .zero)],
      OutputContext(logger: LogRecorder().logger, metrics: DaemonMetrics()))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      group.addTask { await service.run(aggregator.snapshots()) }
      group.addTask { await outputs.run(aggregator.snapshots().map { OutputWorld($0) }) }
      try await eventually("the file has both") { text(folder.path("hosts")).contains("10.0.0.2\tw-2") }
      registry.remove("w-2")
      try await eventually("the hook was told") { text(folder.path("told")).contains(#""id":"w-2""#) }
      try await eventually("the file follows") { !text(folder.path("hosts")).contains("w-2") }
      #expect(text(folder.path("hosts")).contains("10.0.0.1\tw-1"))
      group.cancelAll()
    }
    #expect(
      text(folder.path("told")).contains(#""to":"left","reason":"deleted""#), "\(text(folder.path("told")))")
  }

  @Test("files of a real aggregator have the labels of its nodes, whichever registry says them")
  func labels() async throws {
    let folder = try TemporaryFolder()
    let aggregator = try Aggregator(registries: [
      RegistryDefinition(name: "rack", registry: LabellingRegistry(labels: ["rack": "r1"])),
      RegistryDefinition(name: "zone", registry: LabellingRegistry(labels: ["zone": "a"])),
    ])
    let outputs = OutputService(
      [
        OutputDefinition(
          name: "targets", format: .prometheus, path: folder.path("targets"), debounce: .zero)
      ], OutputContext(logger: LogRecorder().logger, metrics: DaemonMetrics()))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      group.addTask { await outputs.run(aggregator.snapshots().map { OutputWorld($0) }) }
      for label in [#""__meta_rollcall_label_rack":"r1""#, #""__meta_rollcall_label_zone":"a""#] {
        try await eventually("the file has \(label)") { text(folder.path("targets")).contains(label) }
      }
      group.cancelAll()
    }
  }
}

/// A registry of one member with labels.
private struct LabellingRegistry: Registry {
  let labels: [String: String]

  func run(_ session: RegistrySession) async throws {
    var record = AffiliateRecord(
      Affiliate(
        nodeID: try NodeIdentity("w-1-id"), addresses: [try IPAddress("10.0.0.1")], nodename: "w-1"))
    record.labels = try NodeLabels(labels)
    try session.snapshot([record])
    try await Task.sleep(for: .seconds(3600))
  }
}

/// One hook that runs, in a folder of its own, with a clock that stands still and a history that a test writes.
private final class HookHarness: Sendable {
  struct State {
    var entries: [HistoryEntry] = []
    var statuses: [String: HookSource.Status] = [:]
    var cursor: UInt64?
  }

  /// What the hook reads and what is kept of it.
  final class Story: Sendable {
    let state: Mutex<State>

    init(_ state: State) { self.state = Mutex(state) }
  }

  let folder: TemporaryFolder
  let clock = ManualClock()
  let logs = LogRecorder()
  private let story: Story
  private let changes: AsyncStream<Void>.Continuation
  private let task: Task<Void, Never>

  convenience init(_ text: String, before entries: [HistoryEntry]? = nil) throws {
    try self.init(
      text, TemporaryFolder(), Story(State(entries: entries ?? [], cursor: entries == nil ? 0 : nil)))
  }

  /// After a restart.
  convenience init(_ text: String, after other: HookHarness) throws {
    try self.init(text, other.folder, other.story)
  }

  private init(_ text: String, _ folder: TemporaryFolder, _ story: Story) throws {
    self.folder = folder
    self.story = story
    let source = HookSource(
      entries: { number in story.state.withLock { $0.entries.filter { $0.number > number } } },
      newest: { story.state.withLock { $0.entries.last?.number ?? 0 } },
      status: { node in story.state.withLock { $0.statuses[node.text] } },
      object: { ["id": .text($0.id)] }, revision: { "e.\($0)" })
    let cursors = HookCursors(
      load: { _ in story.state.withLock { $0.cursor } },
      store: { _, number in story.state.withLock { $0.cursor = number } })
    let context = OutputContext(
      logger: logs.logger, metrics: DaemonMetrics(), clock: clock, now: { Timestamp(milliseconds: 0) },
      random: { 0.5 })
    let program = try script("cd '\(folder.path)'; \(text)", in: folder)
    let service = HookService(
      [HookDefinition(name: "tell", command: program)], source, cursors: cursors, context)
    let (stream, changes) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.changes = changes
    task = Task { await service.run(stream) }
  }

  deinit { task.cancel() }

  var told: String { text(folder.path("told")) }
  var cursor: UInt64? { story.state.withLock { $0.cursor } }

  func append(_ entry: HistoryEntry) { story.state.withLock { $0.entries.append(entry) } }
  func notify() { changes.yield() }

  func happen(_ entry: HistoryEntry) {
    append(entry)
    notify()
  }

  func replace(_ entry: HistoryEntry) { story.state.withLock { $0.entries = [entry] } }

  func set(_ name: String, _ to: NodeState, isFlapping: Bool) {
    story.state.withLock {
      $0.statuses["\(name)-id"] = .init(state: to, reason: StatusReason("expired"), isFlapping: isFlapping)
    }
    notify()
  }

  func forget() {
    story.state.withLock { $0.entries = [] }
    notify()
  }

  func pass(_ duration: Duration) async throws {
    try await eventually("something waits for \(duration): \(clock.pending), \(logs.lines)") {
      clock.pending.contains(duration)
    }
    clock.advance(by: duration)
  }

  func stop() async {
    task.cancel()
    await task.value
  }
}
