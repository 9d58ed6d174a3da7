import ClusterModel
import Foundation
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import Synchronization
import TestSupport
import Testing

@Suite("The conformance kit", .timeLimit(.minutes(3)))
struct ConformanceTests {
  private static func node(_ id: String) -> Affiliate? {
    (try? NodeIdentity(id)).map { Affiliate(nodeID: $0) }
  }

  /// A registry that does what a closure does.
  private struct Scripted: Registry {
    let script: @Sendable (RegistrySession) async throws -> Void
    func run(_ session: RegistrySession) async throws { try await script(session) }
  }

  private static func forever() async throws {
    while true { try await Task.sleep(for: .seconds(60)) }
  }

  private func failures(
    sabotage: RegistryConformance.Sabotage? = nil,
    _ script: @escaping @Sendable (RegistrySession) async throws -> Void
  ) async -> [String] {
    let report = await RegistryConformance.check(
      sabotage: sabotage, deadline: .milliseconds(400), quietTime: .milliseconds(60)
    ) { Scripted(script: script) }
    return report.failures.map(\.name)
  }

  @Test("a good registry passes, and what couldn't be checked is named")
  func good() async throws {
    let nodes = [Self.node("n1")].compactMap { $0 }
    let report = await RegistryConformance.check(quietTime: .milliseconds(50)) {
      Scripted {
        try $0.snapshot(nodes)
        try await Self.forever()
      }
    }
    #expect(
      report.description == """
        ok    the first update is a snapshot
        ok    no snapshot has a node twice
        ok    a source's changes come after its snapshot
        ok    cancellation ends it
        ok    nothing comes after its end
        ok    it can be run again, with a snapshot again
        ok    two of them run side by side
        skip  a failure keeps what is known, and is got over: nobody said how its source is broken
        skip  a publication is taken and withdrawn: it doesn't publish
        7 passed, 0 failed, 2 skipped
        """)
  }

  // MARK: One body at three depths

  /// Where a registry is checked.
  enum Depth: CaseIterable {
    /// A Swift value.
    case value
    /// A Swift type that is exported, over the boundary within this program.
    case bridge
    /// A shared library in C.
    case library
  }

  private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// Makes the specimen with that fault, at that depth.
  private func specimen(
    _ fault: Specimen.Fault, at depth: Depth, broken: String
  ) async throws -> @Sendable () throws -> any Registry {
    let context = RegistryContext(name: "specimen", logger: quiet)
    switch depth {
    case .value:
      return { Specimen(options: Specimen.Options(fault: fault, broken: broken), context: context) }
    case .bridge:
      let plugin = try LoadedPlugin(entry: .exporting(Specimen.self), file: "specimen")
      let options = #"{"fault":"\#(fault.rawValue)","broken":"\#(broken)"}"#
      return { plugin.registry(options: options, context: context) }
    case .library:
      let plugin = try await load("specimen", "-DFAULT=FAULT_\(fault.rawValue)", "-DBROKEN=\"\(broken)\"")
      return { plugin.registry(context: context) }
    }
  }

  private func load(_ name: String, _ flags: String...) async throws -> LoadedPlugin {
    let file = try await CLibrary.build("Tests/HostilePlugins/\(name).c", flags: flags)
    return try await PluginCatalog(directories: PluginDirectories(folders: []), logger: quiet).plugin(
      at: file)
  }

  /// The rules that a specimen breaks. One without a first snapshot fails by that alone.
  private func broken(by fault: Specimen.Fault) -> [String] {
    switch fault {
    case .none: []
    case .changeFirst:
      [
        "the first update is a snapshot", "a source's changes come after its snapshot",
        "it can be run again, with a snapshot again",
      ]
    case .twice: ["no snapshot has a node twice"]
    case .silent, .namedInVain: ["the first update is a snapshot"]
    case .forgets: ["a failure keeps what is known, and is got over"]
    case .refuses: ["a publication is taken and withdrawn"]
    }
  }

  @Test(
    "a Swift value, an exported type and a shared library are judged alike", arguments: Depth.allCases,
    Specimen.Fault.allCases)
  func depths(depth: Depth, fault: Specimen.Fault) async throws {
    let folder = try TemporaryFolder()
    let make = try await specimen(fault, at: depth, broken: folder.path("broken"))
    let sabotage = RegistryConformance.Sabotage {
      try folder.write("", to: "broken")
    } mend: {
      try FileManager.default.removeItem(atPath: folder.path("broken"))
    }
    let expected = broken(by: fault)
    let report = await RegistryConformance.check(
      sabotage: sabotage, publication: Publication(local: Affiliate(nodeID: try NodeIdentity("me"))),
      deadline: expected == ["the first update is a snapshot"] ? .milliseconds(300) : .seconds(20),
      quietTime: .milliseconds(50), make)
    #expect(report.failures.map(\.name) == expected, "\(report)")
    let skipped = report.checks.count { if case .skipped = $0.result { true } else { false } }
    #expect(skipped == (expected == ["the first update is a snapshot"] ? 8 : 0), "\(report)")
  }

  @Test("a plugin that doesn't stop fails, and the checks end")
  func hangingPlugin() async throws {
    let plugin = try await load("hangs", "-DHANG_STOP", "-DCHECKED")
    let report = await RegistryConformance.check {
      plugin.registry(
        context: RegistryContext(name: "hangs", logger: quiet), stopTimeout: .milliseconds(50))
    }
    #expect(
      report.failures.contains {
        $0.name == "cancellation ends it"
          && $0.description.contains("stop of plugin 'hangs' didn't return within 0.05 seconds")
      }, "\(report)")
  }

  @Test("a registry that begins to read what it is to publish after its first update is checked too")
  func readsLate() async throws {
    let report = await RegistryConformance.check(
      publication: Publication(local: Affiliate(nodeID: try NodeIdentity("me"))), quietTime: .milliseconds(20)
    ) {
      Scripted { session in
        try session.snapshot([Affiliate]())
        try await Task.sleep(for: .milliseconds(100))
        await session.publish { _ in }
      }
    }
    #expect(report.checks.last?.result == .passed, "\(report)")
  }

  // MARK: Single rules

  @Test("a registry that starts with a change fails")
  func changeFirst() async throws {
    let node = try #require(Self.node("n1"))
    let failures = await failures {
      try $0.upsert(node)
      try await Self.forever()
    }
    #expect(
      failures == [
        "the first update is a snapshot", "a source's changes come after its snapshot",
        "it can be run again, with a snapshot again",
      ])
  }

  @Test("a registry that doesn't end when it is cancelled fails, and the checks end")
  func endless() async throws {
    // nil once all may end.
    let held = Mutex<[CheckedContinuation<Void, Never>]?>([])
    let failures = await failures {
      try $0.snapshot([Affiliate]())
      await withCheckedContinuation { continuation in
        let isHeld = held.withLock { held in
          held?.append(continuation)
          return held != nil
        }
        if !isHeld { continuation.resume() }
      }
    }
    let waiting = held.withLock { held in
      defer { held = nil }
      return held ?? []
    }
    for continuation in waiting { continuation.resume() }
    #expect(failures == ["cancellation ends it"])
  }

  @Test("a registry that applies something after its end fails")
  func late() async throws {
    let ended = Mutex<RegistrySession?>(nil)
    let clock = ListeningClock { try? ended.withLock { $0 }?.snapshot([Affiliate]()) }
    let report = await RegistryConformance.check(quietTime: ListeningClock.quietTime, clock: clock) {
      Scripted { session in
        try session.snapshot([Affiliate]())
        do { try await Self.forever() } catch { ended.withLock { $0 = session } }
      }
    }
    #expect(report.failures.map(\.name) == ["nothing comes after its end"])
  }

  /// A clock by which nobody listens for long: what happens while somebody does, happens at once.
  private struct ListeningClock: Clock {
    static let quietTime = Duration.seconds(3600)

    private let real = ContinuousClock()
    let whileListening: @Sendable () -> Void

    var now: ContinuousClock.Instant { real.now }
    var minimumResolution: Duration { real.minimumResolution }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
      guard now.duration(to: deadline) < Self.quietTime / 2 else { return whileListening() }
      try await real.sleep(until: deadline, tolerance: tolerance)
    }
  }

  @Test("a plugin that calls after its end fails, though its host takes nothing of it")
  func latePlugin() async throws {
    // An image of its own, as others look at what this one counts.
    let plugin = try await load("late", "-DCHECKED")
    let report = await RegistryConformance.check {
      plugin.registry(context: RegistryContext(name: "late", logger: quiet))
    }
    #expect(report.failures.map(\.name) == ["nothing comes after its end"], "\(report)")
  }

  @Test("a registry that can run only once fails")
  func once() async throws {
    let nodes = [Self.node("n1")].compactMap { $0 }
    final class Once: Registry {
      let hasRun = Mutex(false)
      let nodes: [Affiliate]
      init(_ nodes: [Affiliate]) { self.nodes = nodes }
      func run(_ session: RegistrySession) async throws {
        let isFirst = hasRun.withLock { hasRun in
          defer { hasRun = true }
          return !hasRun
        }
        if isFirst { try session.snapshot(nodes) }
        try await ConformanceTests.forever()
      }
    }
    let report = await RegistryConformance.check(deadline: .milliseconds(300), quietTime: .milliseconds(20)) {
      Once(nodes)
    }
    #expect(report.failures.map(\.name) == ["it can be run again, with a snapshot again"])
  }

  @Test("a registry that fails and is run again has got over it")
  func failsAndRunsAgain() async throws {
    let nodes = [Self.node("n1")].compactMap { $0 }
    let isBroken = Mutex(false)
    let sabotage = RegistryConformance.Sabotage {
      isBroken.withLock { $0 = true }
    } mend: {
      isBroken.withLock { $0 = false }
    }
    let report = await RegistryConformance.check(sabotage: sabotage, quietTime: .milliseconds(20)) {
      Scripted { session in
        try session.snapshot(nodes)
        while !isBroken.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
        throw RegistryError(.unavailable, "broken")
      }
    }
    #expect(report.isPassed, "\(report)")
  }
}
