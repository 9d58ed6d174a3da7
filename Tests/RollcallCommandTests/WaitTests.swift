import ClusterModel
import ClusterResources
import Platform
import StatusClient
import StatusTestSupport
import Synchronization
import TestSupport
import Testing

@testable import RollcallCommand

private let now = Timestamp(milliseconds: 1_795_662_000_000)

private func member(
  _ name: String, _ state: String, reason: String = "leased", node: String? = nil, phase: String = "running",
  labels: [(String, String)] = [], registry: String? = nil
) -> ResourceValue {
  [
    "metadata": [
      "id": .text(name), "phase": .text(phase),
      "labels": .fields(labels.map { .init($0.0, .text($0.1)) }),
    ],
    "spec": ["nodeId": .text(node ?? "node-\(name)")],
    "status": [
      "state": .text(state), "reason": .text(reason), "since": "2026-11-26T02:48:11Z",
      "sources": .list(
        registry.map { [["registry": .text($0), "presence": "gone", "reason": .text(reason)]] } ?? []),
    ],
  ]
}

private func registry(_ name: String, _ state: String, error: String? = nil) -> ResourceValue {
  var status: [ResourceValue.Field] = [.init("state", .text(state))]
  if let error { status.append(.init("lastError", ["message": .text(error)])) }
  return ["metadata": ["id": .text(name)], "status": .fields(status)]
}

private let world = [
  member("cp-1", "ready"), member("cp-2", "ready"), member("cp-3", "left"),
  member("w-1", "ready", labels: [("rack", "r1")]), member("w-2", "notready", labels: [("rack", "r1")]),
  member("w-3", "missing", reason: "expired", registry: "service"),
  member("w-1", "left", reason: "superseded", node: "old"),
  member("w-4", "left", reason: "deleted", phase: "tombstone"),
  member("w-5", "missing", reason: "expired", phase: "tombstone"),
]
private let synced = [registry("service", "synced"), registry("netbox", "disabled")]

@Suite("What is waited for")
struct WaitGoalTests {
  private func members(
    _ count: WaitGoal.Count, _ targets: [String] = ["ready"], labels: String? = nil,
    in members: [ResourceValue] = world, _ registries: [ResourceValue] = synced
  ) throws -> WaitGoal.Progress {
    let labels = try labels.map { try LabelSelector($0) }
    return WaitGoal(subject: .members(count, labels: labels), targets: targets)
      .progress(members, registries, at: now)
  }

  @Test("so many members: those that are there, and who is still waited for")
  func count() throws {
    let progress = try members(.atLeast(5))
    #expect(!progress.isMet)
    #expect(
      progress.reason == "3 of 5 ready (cp-1, cp-2, w-1); waiting for 2: cp-3 left, w-2 notready, w-3 missing"
    )
    #expect(try members(.atLeast(3)).lines == ["3 members are ready"])
    #expect(try members(.atLeast(0)).isMet)
    #expect(try members(.atLeast(4), ["ready", "notready"]).reason == "4 members are ready or notready")
    #expect(try members(.atLeast(9), in: []).reason == "0 of 9 ready; waiting for 9")
  }

  @Test("just so many: more are too many")
  func exact() throws {
    #expect(try members(.exactly(3)).isMet)
    #expect(try members(.exactly(2)).reason == "3 are ready, 1 more than waited for")
    #expect(try !members(.exactly(4)).isMet)
  }

  @Test("all: every listed one, one at the least, and only once every registry was heard")
  func all() throws {
    #expect(try !members(.all).isMet)
    let ready = [member("a", "ready"), member("b", "left", phase: "tombstone")]
    #expect(try members(.all, in: ready).isMet)
    #expect(try !members(.all, in: []).isMet)
    let starting = try members(.all, in: ready, [registry("service", "starting")])
    #expect(!starting.isMet)
    #expect(starting.reason == "1 of 1 ready (a); not heard yet: service")
  }

  @Test("by labels")
  func labels() throws {
    #expect(try members(.atLeast(1), labels: "rack=r1").isMet)
    #expect(try members(.all, labels: "rack=r1").reason == "1 of 2 ready (w-1); waiting for 1: w-2 notready")
  }

  @Test(
    "one member, in any state that is asked for; gone is also who left, is missing, unlisted or unknown",
    arguments: [
      ("cp-1", "ready", true), ("cp-1", "listed", true), ("cp-1", "gone", false), ("w-3", "ready", false),
      ("w-3", "missing", true), ("w-3", "gone", true), ("w-3", "listed", true), ("w-4", "listed", false),
      ("w-4", "gone", true), ("w-4", "left", true), ("w-5", "missing", true), ("w-5", "left", false),
      ("nobody", "gone", true), ("nobody", "listed", false), ("nobody", "missing", false),
      ("w-1", "ready", true), ("w-1", "left", false), ("old", "gone", true), ("node-cp-1", "ready", true),
    ])
  func one(name: String, target: String, isMet: Bool) {
    let goal = WaitGoal(subject: .member(names: [name]), targets: [target])
    #expect(goal.progress(world, synced, at: now).isMet == isMet)
    let either = WaitGoal(subject: .member(names: [name]), targets: ["stale", target])
    #expect(either.progress(world, synced, at: now).isMet == isMet)
  }

  @Test(
    "of whom nothing is known isn't gone while a registry wasn't heard", arguments: ["starting", "failed"])
  func unknown(state: String) {
    let goal = WaitGoal(subject: .member(names: ["nobody"]), targets: ["gone"])
    #expect(!goal.progress(world, [registry("service", state)], at: now).isMet)
  }

  @Test("a member's state, since when and why; several each for itself")
  func reasons() {
    let goal = WaitGoal(subject: .member(names: ["w-3", "cp-1", "x"]), targets: ["ready"])
    let progress = goal.progress(world, synced, at: now)
    #expect(progress.lines == ["w-3: missing since 02:48:11 (expired in service)", "x: unknown"])
    #expect(progress.reason == "w-3 is missing (expired in service 12m ago), x is unknown")
    let done = WaitGoal(subject: .member(names: ["cp-1", "cp-2"]), targets: ["ready"])
    #expect(done.progress(world, synced, at: now).reason == "cp-1, cp-2 are ready")
  }

  @Test("registries: every enabled one, or those that are named")
  func registries() {
    let kubernetes = registry("kubernetes", "degraded", error: "watch: connection refused by 10.20.0.10:6443")
    func progress(_ names: [String], _ targets: [String] = ["synced"]) -> WaitGoal.Progress {
      WaitGoal(subject: .registries(names: names), targets: targets)
        .progress([], synced + [kubernetes], at: now)
    }
    #expect(
      progress([]).reason == "kubernetes is degraded: watch: connection refused by 10.20.0.10:6443")
    #expect(progress([], ["synced", "degraded"]).reason == "2 registries are synced or degraded")
    #expect(progress(["service"]).reason == "service is synced")
    #expect(progress(["netbox"], ["disabled"]).isMet)
    #expect(progress(["nothing"]).reason == "nothing is unknown")
    #expect(
      WaitGoal(subject: .registries(names: []), targets: ["synced"])
        .progress([], [registry("a", "disabled")], at: now).reason == "no registry is enabled")
  }

  @Test(
    "a count is a number, or a number after an equals sign", arguments: ["", "-1", "=", "==5", "five", "5="])
  func wrongCount(text: String) {
    #expect(throws: ResourceError.self) { try WaitGoal.Count(text) }
  }

  @Test("counts")
  func counts() throws {
    #expect(try WaitGoal.Count("5") == .atLeast(5))
    #expect(try WaitGoal.Count("=5") == .exactly(5))
  }
}

@Suite("What somebody who waits knows")
struct WaitStateTests {
  private static let goal = WaitGoal(subject: .member(names: ["a"]), targets: ["ready"])

  private func put(_ state: String) -> WatchEvent { .modified(type: "members", member("a", state)) }

  @Test("is worth something once all was told, and again after a reset or a time away")
  func settled() throws {
    var state = WaitState(goal: Self.goal)
    state.take(put("ready"), at: .seconds(1), now: now)
    #expect(state.progress == nil && state.heldSince == nil && !state.wasHeard)
    state.take(.synced(now: now), at: .seconds(2), now: now)
    #expect(state.heldSince == .seconds(2))
    state.take(.disconnected(try unreachable), at: .seconds(3), now: now)
    #expect(state.heldSince == nil && state.absence != nil)
    state.take(.reset(reason: "restarted"), at: .seconds(4), now: now)
    #expect(state.absence == nil && state.heldSince == nil)
    // Who isn't told again is gone.
    state.take(.synced(now: now), at: .seconds(5), now: now)
    #expect(state.progress?.reason == "a is unknown")
    state.take(put("ready"), at: .seconds(6), now: now)
    #expect(state.heldSince == .seconds(6))
  }

  @Test("has a break where it wasn't so for a moment, and none where something else changed")
  func held() {
    var state = WaitState(goal: Self.goal)
    state.take(put("ready"), at: .zero, now: now)
    state.take(.synced(now: now), at: .seconds(1), now: now)
    state.take(.added(type: "members", member("b", "missing")), at: .seconds(2), now: now)
    #expect(state.heldSince == .seconds(1))
    state.take(put("missing"), at: .seconds(3), now: now)
    state.take(put("ready"), at: .seconds(3), now: now)
    #expect(state.heldSince == .seconds(3))
    state.take(.deleted(type: "members", member("a", "left"), reason: nil), at: .seconds(4), now: now)
    #expect(state.heldSince == nil)
  }

  /// Some error of a daemon.
  private var unreachable: StatusError {
    get throws {
      let error = #expect(throws: StatusError.self) { try ResourceList([:]) }
      return try #require(error)
    }
  }
}

@Suite("Waiting for a daemon")
struct WaitingTests {
  private let folder: TemporaryFolder
  private var socket: String { folder.path("s") }
  private let clock = ManualClock()
  private let told = LineCollector()

  init() throws { folder = try TemporaryFolder() }

  private func waiting(
    _ targets: [String] = ["ready"], stable: Duration = .zero, timeout: Duration = .seconds(30)
  ) -> Waiting {
    Waiting(
      for: WaitGoal(subject: .member(names: ["a"]), targets: targets),
      client: StatusClient(sockets: [socket]),
      stable: stable, timeout: timeout, time: TimeSource(clock), tell: { [told] in told.add($0) })
  }

  private static func event(_ name: String, _ state: String) -> String {
    "id: e.1\nevent: \(name)\ndata: {\"type\":\"members\",\"object\":\(JSONText.compact(member("a", state)))}\n\n"
  }
  private static let synced = "id: e.2\nevent: SYNCED\ndata: {}\n\n"

  @Test("what is so already is success at once")
  func already() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.event("ADDED", "ready") + Self.synced) }
    #expect(try await waiting().run() == .met("a is ready", after: .zero))
    #expect(daemon.requests.map(\.target) == ["/v1/watch?types=members%2Cregistries&all=true"])
    #expect(told.lines == [])
  }

  @Test("each change is told, until it is so")
  func changes() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.event("ADDED", "missing") + Self.synced) }
    async let end = waiting().run()
    try await eventually("it is told") { told.lines == ["a: missing since 02:48:11 (leased)"] }
    clock.advance(by: .seconds(12))
    daemon.push(Self.event("MODIFIED", "stale"))
    try await eventually("the next is told") { told.lines.count == 2 }
    daemon.push(Self.event("MODIFIED", "ready"))
    #expect(try await end == .met("a is ready", after: .seconds(12)))
  }

  @Test("it must hold for as long as was asked for: a flap isn't success")
  func stable() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.event("ADDED", "ready") + Self.synced) }
    async let end = waiting(stable: .seconds(10)).run()
    try await eventually("it holds") { clock.pending.contains(.seconds(10)) }
    clock.advance(by: .seconds(9))
    daemon.push(Self.event("MODIFIED", "missing"))
    try await eventually("the break is told") { told.lines.count == 1 }
    daemon.push(Self.event("MODIFIED", "ready"))
    try await eventually("it holds again") { clock.pending.contains(.seconds(10)) }
    clock.advance(by: .seconds(10))
    #expect(try await end == .met("a is ready", after: .seconds(19)))
  }

  @Test("when the time is over it is said why")
  func late() async throws {
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.event("ADDED", "missing") + Self.synced) }
    async let end = waiting().run()
    try await eventually("it is told") { told.lines.count == 1 }
    clock.advance(by: .seconds(30))
    guard case .late(let reason) = try await end else {
      Issue.record("not late")
      return
    }
    #expect(reason.hasPrefix("a is missing (leased "))
    daemon.end()
  }

  @Test("a daemon that isn't up yet is waited for")
  func boot() async throws {
    async let end = waiting().run()
    try await eventually("it is told that nobody is there") { told.lines.count == 1 }
    #expect(told.lines[0].hasPrefix("nothing answers at "))
    let daemon = try FakeDaemon(at: socket) { _ in .stream(Self.event("ADDED", "ready") + Self.synced) }
    try await eventually("it waits to ask again") { clock.pending.contains(.milliseconds(250)) }
    clock.advance(by: .milliseconds(250))
    #expect(try await end == .met("a is ready", after: .milliseconds(250)))
    daemon.end()
  }

  @Test("where none came at all, that is another end than a goal that wasn't reached")
  func unheard() async throws {
    async let end = waiting().run()
    try await eventually("it waits") { clock.pending.contains(.seconds(30)) }
    clock.advance(by: .seconds(30))
    guard case .unheard = try await end else {
      Issue.record("heard")
      return
    }
  }

  @Test("a restart is waited through")
  func restart() async throws {
    let daemon = try FakeDaemon(at: socket) { request in
      request.headers["last-event-id"] == nil
        ? .stream("retry: 10\n\n" + Self.event("ADDED", "missing") + Self.synced)
        : .stream(
          "id: f.1\nevent: RESET\ndata: {\"reason\":\"restarted\"}\n\n" + Self.event("ADDED", "ready")
            + Self.synced)
    }
    async let end = waiting().run()
    try await eventually("it is told") { told.lines.count == 1 }
    daemon.endStreams()
    try await eventually("it waits to ask again") { clock.pending.contains(.milliseconds(10)) }
    clock.advance(by: .milliseconds(10))
    #expect(try await end == .met("a is ready", after: .milliseconds(10)))
  }

  @Test("without time it is asked once, with two lists")
  func once() async throws {
    let list = "{\"metadata\":{},\"items\":[\(JSONText.compact(member("a", "missing")))]}"
    let daemon = try FakeDaemon(at: socket) {
      $0.path == "/v1/members" ? .json(list) : .json("{\"metadata\":{},\"items\":[]}")
    }
    guard case .late(let reason) = try await waiting(timeout: .zero).run() else {
      Issue.record("not late")
      return
    }
    #expect(reason.hasPrefix("a is missing"))
    #expect(try await waiting(["missing"], timeout: .zero).run() == .met("a is missing", after: .zero))
    #expect(daemon.requests.map(\.target).sorted().suffix(2) == ["/v1/registries", "/v1/registries"])
  }
}

/// Collects what a person is told.
private final class LineCollector: Sendable {
  private let collected = Mutex<[String]>([])

  func add(_ line: String) { collected.withLock { $0.append(line) } }
  var lines: [String] { collected.withLock { $0 } }
}
