import ClusterModel
import Logging
import PluginHost
import RegistryConformance
import RegistryKit
import TestSupport
import Testing

/// What the checks saw, and that one cause is one failure.
@Suite("What the conformance kit sees", .timeLimit(.minutes(3)))
struct ObservationTests {
  private func node(_ id: String) throws -> Affiliate { Affiliate(nodeID: try NodeIdentity(id)) }

  /// A registry that does what a closure does.
  private struct Scripted: Registry {
    let script: @Sendable (RegistrySession) async throws -> Void
    func run(_ session: RegistrySession) async throws { try await script(session) }
  }

  private func report(
    _ script: @escaping @Sendable (RegistrySession) async throws -> Void
  ) async -> ConformanceReport {
    await RegistryConformance.check(deadline: .milliseconds(400), quietTime: .milliseconds(60)) {
      Scripted(script: script)
    }
  }

  @Test("a registry without a first snapshot fails by that alone, with what it reported")
  func nothing() async throws {
    let report = await report { session in
      session.logger.notice("asking 10.0.0.1")
      try session.report(.reading, RegistryError(.unavailable, "10.0.0.1 doesn't answer"))
      try session.report(.content, nil)
      try await Task.sleep(for: .seconds(3600))
    }
    #expect(
      report.description == """
        FAIL  the first update is a snapshot: its first update didn't come within 0.4 seconds: \
        10.0.0.1 doesn't answer
        skip  no snapshot has a node twice: it has no first snapshot
        skip  a source's changes come after its snapshot: it has no first snapshot
        skip  cancellation ends it: it has no first snapshot
        skip  nothing comes after its end: it has no first snapshot
        skip  it can be run again, with a snapshot again: it has no first snapshot
        skip  two of them run side by side: it has no first snapshot
        skip  a failure keeps what is known, and is got over: it has no first snapshot
        skip  a publication is taken and withdrawn: it has no first snapshot
        0 passed, 1 failed, 8 skipped
        """)
    #expect(
      report.observation.health == [
        HealthReport(.reading, RegistryError(.unavailable, "10.0.0.1 doesn't answer")),
        HealthReport(.content, nil),
      ])
    #expect(report.observation.log == ["notice: asking 10.0.0.1"])
    #expect(report.observation.sources == [])
  }

  @Test("a registry that can't be made or ends at once fails by that alone", arguments: [true, false])
  func failing(whenMade: Bool) async throws {
    let error = RegistryError(.invalidArgument, "option 'path' is missing")
    let report = await RegistryConformance.check {
      if whenMade { throw error }
      return Scripted { _ in throw error }
    }
    #expect(report.failures.map(\.name) == ["the first update is a snapshot"])
    let expected =
      whenMade
      ? "option 'path' is missing" : "it ended before its first update: option 'path' is missing"
    #expect(report.failures.first?.result == .failed(expected))
  }

  @Test("the report says which nodes and sources there were, and how each aspect is")
  func observation() async throws {
    let (one, two) = (try node("n1"), try node("n2"))
    let source = try RegistrySource("rack-b")
    let report = await report { session in
      try session.snapshot([two, one])
      try session.snapshot([Affiliate](), source: source)
      try session.report(.content, RegistryError(.invalidArgument, "line 3"))
      try session.report(.content, nil)
      try session.report(.publishing, RegistryError(.permissionDenied, "no"), source: source)
      try await Task.sleep(for: .seconds(3600))
    }
    #expect(report.observation.sources.map(\.name) == ["", "rack-b"])
    #expect(report.observation.sources.map(\.nodes) == [["n1", "n2"], []])
    #expect(
      report.observation.health == [
        HealthReport(.reading, nil), HealthReport(.reading, nil, source: source),
        HealthReport(.content, nil),
        HealthReport(.publishing, RegistryError(.permissionDenied, "no"), source: source),
      ])
  }

  @Test("what a plugin logs is seen where it is made with the checks' logger")
  func pluginLog() async throws {
    let file = try await CLibrary.build("Tests/HostilePlugins/chatty.c")
    let plugin = try await PluginCatalog(
      directories: PluginDirectories(folders: []), logger: Logger(label: "test")
    )
    .plugin(at: file)
    let report = await RegistryConformance.check { logger in
      plugin.registry(context: RegistryContext(name: "chatty", logger: logger))
    }
    #expect(report.observation.log == ["info: create", "info: start"])
    #expect(report.observation.health.map(\.error?.message) == ["start"])
    #expect(report.observation.sources.map(\.nodes) == [["start"]])
  }
}
