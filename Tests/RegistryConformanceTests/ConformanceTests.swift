import ClusterModel
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
    let script: @Sendable (RegistryUpdates) async throws -> Void
    func run(updates: RegistryUpdates) async throws { try await script(updates) }
  }

  private static func forever() async throws {
    while true { try await Task.sleep(for: .seconds(60)) }
  }

  private func failures(
    sabotage: RegistryConformance.Sabotage? = nil,
    _ script: @escaping @Sendable (RegistryUpdates) async throws -> Void
  ) async -> [String] {
    let report = await RegistryConformance.check(
      sabotage: sabotage, deadline: .milliseconds(400), quietTime: .milliseconds(60)
    ) { Scripted(script: script) }
    return report.failures.map(\.name)
  }

  @Test("a good registry passes, and what couldn't be checked is told")
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
        ok    nothing is told after its end
        ok    it can be run again, and tells a snapshot again
        ok    two of them run side by side
        skip  a failure keeps what was told, and is got over: nobody said how its source is broken
        skip  a publication is taken and withdrawn: it doesn't publish
        7 passed, 0 failed, 2 skipped
        """)
  }

  @Test("a plugin passes as a registry in Swift does, publishing too")
  func plugin() async throws {
    let file = try await CLibrary.build("Tests/HostilePlugins/echo.c", flags: ["-DFLAGS=0"])
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let plugin = try await PluginCatalog(directories: PluginDirectories(folders: []), logger: logger)
      .plugin(at: file)
    let report = await RegistryConformance.check(
      publication: Publication(local: Self.node("me")), quietTime: .milliseconds(50)
    ) { plugin.registry(context: RegistryContext(name: "echo", logger: logger)) }
    #expect(report.isPassed, "\(report)")
    #expect(report.checks.last?.result == .passed)
  }

  @Test("a registry that starts with a change fails")
  func changeFirst() async throws {
    let node = try #require(Self.node("n1"))
    let failures = await failures {
      try $0.upsert(node)
      try await Self.forever()
    }
    #expect(failures.contains("the first update is a snapshot"))
    #expect(failures.contains("a source's changes come after its snapshot"))
    #expect(failures.contains("it can be run again, and tells a snapshot again"))
  }

  @Test("a registry that tells a node twice fails")
  func twice() async throws {
    let node = try #require(Self.node("n1"))
    let failures = await failures {
      try $0.snapshot([node, node])
      try await Self.forever()
    }
    #expect(failures == ["no snapshot has a node twice"])
  }

  @Test("a registry that tells nothing fails")
  func nothing() async throws {
    let failures = await failures { _ in try await Self.forever() }
    #expect(failures.count == 7)
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
    #expect(failures.contains("cancellation ends it"))
  }

  @Test("a registry that speaks after its end fails")
  func late() async throws {
    let ended = Mutex<RegistryUpdates?>(nil)
    let clock = ListeningClock { try? ended.withLock { $0 }?.snapshot([Affiliate]()) }
    let report = await RegistryConformance.check(quietTime: ListeningClock.quietTime, clock: clock) {
      Scripted { updates in
        try updates.snapshot([Affiliate]())
        do { try await Self.forever() } catch { ended.withLock { $0 = updates } }
      }
    }
    #expect(report.failures.map(\.name) == ["nothing is told after its end"])
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

  @Test("a registry that names a source and tells nothing of it fails")
  func namedInVain() async throws {
    let failures = await failures {
      try $0.sources([.only, try RegistrySource("silent")])
      try $0.snapshot([Affiliate]())
      try await Self.forever()
    }
    #expect(failures.count == 7)
  }

  @Test("a plugin that speaks after its end fails, though its host doesn't hear it")
  func latePlugin() async throws {
    // An image of its own, as others look at what this one counts.
    let file = try await CLibrary.build("Tests/HostilePlugins/late.c", flags: ["-DCHECKED"])
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let plugin = try await PluginCatalog(directories: PluginDirectories(folders: []), logger: logger)
      .plugin(at: file)
    let report = await RegistryConformance.check {
      plugin.registry(context: RegistryContext(name: "late", logger: logger))
    }
    #expect(report.failures.map(\.name) == ["nothing is told after its end"], "\(report)")
  }

  @Test("a registry that can run only once fails")
  func once() async throws {
    let nodes = [Self.node("n1")].compactMap { $0 }
    final class Once: Registry {
      let hasRun = Mutex(false)
      let nodes: [Affiliate]
      init(_ nodes: [Affiliate]) { self.nodes = nodes }
      func run(updates: RegistryUpdates) async throws {
        let isFirst = hasRun.withLock { hasRun in
          defer { hasRun = true }
          return !hasRun
        }
        if isFirst { try updates.snapshot(nodes) }
        try await ConformanceTests.forever()
      }
    }
    let report = await RegistryConformance.check(deadline: .milliseconds(300), quietTime: .milliseconds(20)) {
      Once(nodes)
    }
    #expect(report.failures.map(\.name) == ["it can be run again, and tells a snapshot again"])
  }

  @Test("a registry must keep its nodes while its source is broken", arguments: [true, false])
  func sabotage(keeps: Bool) async throws {
    let nodes = [Self.node("n1")].compactMap { $0 }
    let isBroken = Mutex(false)
    let sabotage = RegistryConformance.Sabotage {
      isBroken.withLock { $0 = true }
    } mend: {
      isBroken.withLock { $0 = false }
    }
    let failures = await failures(sabotage: sabotage) { updates in
      try await updates.poll(every: .milliseconds(10)) { () async throws -> [Affiliate] in
        guard isBroken.withLock({ $0 }) else { return nodes }
        if !keeps { try updates.snapshot([Affiliate]()) }
        throw RegistryError(.unavailable, "broken")
      }
    }
    #expect(failures == (keeps ? [] : ["a failure keeps what was told, and is got over"]))
  }
}
