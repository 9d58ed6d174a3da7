import ClusterModel
import Foundation
import RegistryKit
import Rollcall
import RollcallMetrics
import TestSupport
import Testing

/// The daemon's page of metrics.
@Suite struct MetricsTests {
  private let now = Timestamp(milliseconds: 1_795_403_330_000)

  @Test("the page of a new daemon, and of one that has done everything, has all families, each once")
  func families() async throws {
    let documented = try documentedFamilies()
    #expect(documented.count == 48)
    for page in [
      DaemonMetrics().page(try Aggregator(registries: []).snapshot(), at: now), try await busyPage(nil),
    ] {
      let names = page.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
        .map { String($0.split(separator: " ")[2]) }
      #expect(names == documented)
    }
  }

  @Test(
    "promtool has nothing to say about the page",
    .enabled(if: Program.isThere("promtool"), Comment(rawValue: Program.hint)))
  func promtool() async throws {
    let folder = try TemporaryFolder()
    for (name, page) in [
      ("new", DaemonMetrics().page(try Aggregator(registries: []).snapshot(), at: now)),
      ("busy", try await busyPage("text/plain")),
    ] {
      #expect(page.contentType == "text/plain; version=0.0.4; charset=utf-8")
      try folder.write(page.text, to: name)
      let result = try await Tool.run("sh", ["-c", "promtool check metrics < '\(folder.path(name))'"])
      #expect(result.status == 0 && result.output.isEmpty, "\(result)")
    }
  }

  @Test(
    "a reader of OpenMetrics reads the page",
    .enabled(if: Program.isThere("/usr/bin/python3"), Comment(rawValue: Program.hint)))
  func openMetrics() async throws {
    let page = try await busyPage("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    #expect(page.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    let folder = try TemporaryFolder()
    try folder.write(page.text, to: "page")
    let script = """
      import sys
      from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
      print(len(list(families(open(sys.argv[1]).read()))))
      """
    let result = try await Tool.run("/usr/bin/python3", ["-c", script, folder.path("page")])
    #expect(result.output == "48\n", "\(result)")
  }

  @Test("what a cluster is like is read of its snapshot")
  func cluster() async throws {
    let page = try await busyPage(nil).text
    for line in [
      #"rollcall_registry_state{registry="leases",plugin="",state="synced"} 1"#,
      #"rollcall_registry_state{registry="files",plugin="",state="degraded"} 1"#,
      #"rollcall_registry_aspect_healthy{registry="files",aspect="reading"} 0"#,
      #"rollcall_registry_records{registry="leases",presence="fresh"} 2"#,
      #"rollcall_registry_absent_members{registry="files"} 1"#,
      #"rollcall_registry_updates_total{registry="leases",kind="remove"} 152"#,
      #"rollcall_registry_errors_total{registry="files",aspect="reading",code="unavailable"} 1"#,
      #"rollcall_members{state="ready"} 2"#, #"rollcall_members{state="missing"} 1"#,
      #"rollcall_tombstones{state="missing"} 151"#, #"rollcall_tombstones{state="left"} 0"#,
      #"rollcall_member_transitions_total{state="missing",reason="expired"} 152"#,
      #"rollcall_nodes_by_sources{sources="1"} 2"#, #"rollcall_nodes_by_sources{sources="2"} 1"#,
      #"rollcall_members_flapping 0"#,
      #"rollcall_http_requests_total{handler="/v1/members",code="200",listener="unix"} 1"#,
      #"rollcall_watchers{listener="unix"} 1"#, #"rollcall_watch_resyncs_total{reason="slow"} 1"#,
      #"rollcall_cache_age_seconds 2.5"#, #"rollcall_cache_write_errors_total 1"#,
      #"rollcall_output_writes_total{output="hosts",result="written"} 1"#,
      #"rollcall_output_held{output="hosts",reason="shrink"} 1"#,
      #"rollcall_command_runs_total{command="hosts",result="ok"} 1"#,
      #"rollcall_config_last_reload_successful 0"#,
      #"rollcall_config_last_reload_success_timestamp_seconds 1795403330.0"#,
      #"rollcall_log_lines_dropped_total{registry="files"} 7"#,
    ] {
      #expect(page.contains("\n\(line)\n"), "\(line)")
    }
  }

  @Test("at most a hundred members that are missing are named, the newest, whatever they are called")
  func missing() async throws {
    let page = try await busyPage(nil).text
    let series = page.split(separator: "\n").filter {
      $0.hasPrefix("rollcall_member_missing_since_timestamp_seconds{")
    }
    #expect(series.count == 100)
    #expect(Set(series.map { $0.prefix { $0 != "}" } }).count == 100)
    #expect(
      series.contains {
        $0.hasPrefix(#"rollcall_member_missing_since_timestamp_seconds{member="a\"b\\c",reason="expired"} "#)
      })
  }

  @Test("reasons of others don't make series without bound")
  func bounded() async throws {
    let metrics = DaemonMetrics()
    for index in 0..<5000 {
      metrics.answered(handler: "/\(index)", code: 200, listener: "tcp", took: nil)
      metrics.ended(command: "c\(index)", .failed, took: .seconds(1))
    }
    let page = metrics.page(try Aggregator(registries: []).snapshot(), at: now).text
    #expect(page.split(separator: "\n").count { $0.hasPrefix("rollcall_http_requests_total{") } == 1001)
    #expect(
      page.contains(#"rollcall_http_requests_total{handler="other",code="other",listener="other"} 4000"#))
    #expect(
      page.split(separator: "\n").count { $0.hasPrefix("rollcall_command_duration_seconds_count{") } == 1001)
  }

  @Test("an output that is taken away has no series any more")
  func removed() throws {
    let metrics = DaemonMetrics()
    metrics.addOutput("hosts")
    metrics.removeOutput("hosts")
    #expect(
      !metrics.page(try Aggregator(registries: []).snapshot(), at: now).text.contains(#"output="hosts""#))
  }

  // MARK: Worlds

  /// The page of a daemon that has 154 members in a registry of leases, of which all but two have ended, one of these
  /// is in a file too, and everything was recorded once.
  private func busyPage(_ accept: String?) async throws -> MetricsPage {
    let metrics = DaemonMetrics()
    let names = ["w-1", "w-2", "w-3", "a\"b\\c"] + (0..<150).map { "n-\($0)" }
    let (begin, observing) = AsyncStream<Void>.makeStream()
    let (end, ending) = AsyncStream<Void>.makeStream()
    var leases = RegistryDefinition(name: "leases", registry: Leases(names: names, begin: begin, end: end))
    leases.leases = true
    let aggregator = try Aggregator(registries: [
      leases,
      RegistryDefinition(name: "files", registry: Files(names: ["w-1", "w-3"])),
    ])
    let snapshot = try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await aggregator.run() }
      group.addTask {
        for await event in aggregator.changes() {
          metrics.observe(event)
          // Only what happens after the first snapshot is counted.
          observing.finish()
        }
      }
      try await eventually("all are there") { aggregator.snapshot().members.count == names.count }
      ending.finish()
      try await eventually("the leases have ended, and all is counted") {
        let page = metrics.page(aggregator.snapshot(), at: now).text
        return page.contains(#"transitions_total{state="missing",reason="expired"} 152"#)
          && page.contains(#"errors_total{registry="files""#)
      }
      defer { group.cancelAll() }
      return aggregator.snapshot()
    }
    metrics.addOutput("hosts")
    metrics.rendered(output: "hosts", .written, at: now)
    metrics.held(output: "hosts", .shrink)
    metrics.ended(command: "hosts", .ok, took: .milliseconds(50))
    metrics.answered(handler: "/v1/members", code: 200, listener: "unix", took: .milliseconds(1))
    metrics.opened(watchOn: "unix")
    metrics.opened(watchOn: "unix")
    metrics.closed(watchOn: "unix")
    metrics.resynced("slow")
    metrics.cached(at: Timestamp(milliseconds: now.milliseconds - 2500))
    metrics.cacheFailed()
    metrics.reloaded(successfully: true, at: now)
    metrics.reloaded(successfully: false, at: now)
    metrics.polled(registry: "files", took: .milliseconds(3))
    metrics.merged(registry: "files", after: .microseconds(300))
    metrics.droppedLogLines(of: "files", 7)
    return metrics.page(snapshot, at: now, accept: accept)
  }

  /// The families in Docs/Metrics.md.
  private func documentedFamilies() throws -> [String] {
    let page = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Docs/Metrics.md"), encoding: .utf8)
    return page.split(separator: "\n").filter { $0.hasPrefix("| `rollcall_") }
      .map { String($0.split(separator: "`")[1].prefix { $0 != "{" }) }
  }
}

/// Leases of members, of which all but the first two end at once.
private struct Leases: Registry {
  let names: [String]
  /// Ends when it may begin.
  let begin: AsyncStream<Void>
  /// Ends when the leases do.
  let end: AsyncStream<Void>

  func run(_ session: RegistrySession) async throws {
    for await _ in begin {}
    try session.apply(RegistryBatch(updates: [.snapshot(try names.map(record), source: .only)]))
    for await _ in end {}
    for name in names.dropFirst(2) {
      try session.apply(
        RegistryBatch(updates: [.remove(try record(name).affiliate.nodeID, source: .only, reason: .expired)]))
    }
    try await session.clock.sleep(for: .seconds(1_000_000))
  }
}

/// Declares members, and then can't be read any more.
private struct Files: Registry {
  let names: [String]

  func run(_ session: RegistrySession) async throws {
    try session.apply(RegistryBatch(updates: [.snapshot(try names.map(record), source: .only)]))
    try session.report(.reading, RegistryError(.unavailable, "nobody is there"))
    try await session.clock.sleep(for: .seconds(1_000_000))
  }
}

private func record(_ name: String) throws -> AffiliateRecord {
  let id = name.utf8.map { String($0, radix: 16) }.joined()
  return AffiliateRecord(
    Affiliate(nodeID: try NodeIdentity("id-\(id)"), nodename: name, machineType: .worker))
}
