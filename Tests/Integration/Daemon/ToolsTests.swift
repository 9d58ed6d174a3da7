import Foundation
import TestSupport
import Testing

@Suite("Programs of others ask the daemon", .serialized, .timeLimit(.minutes(4)))
struct ToolsTests {
  private static let names = ["cp-1", "w-1"]
  private static let hasAll = ["prometheus", "promtool", "ansible-inventory", "curl"].allSatisfy(
    Program.isThere)

  private let site: Site
  /// Where each machine's daemon serves over TCP.
  private let ports: [String: Int]

  /// Two machines that know each other, whose daemons serve over TCP too.
  init() async throws {
    site = try await Site()
    var ports: [String: Int] = [:]
    for name in Self.names {
      let port = try LoopbackPort.free()
      ports[name] = port
      site.put(try Site.machine(name))
      try site.start(
        try Site.machine(name), ttl: name == "w-1" ? "4s" : "30m",
        more: "http: {listen: \"127.0.0.1:\(port)\"}\n")
    }
    self.ports = ports
    try await site.meet(Self.names, registries: "service,kubernetes")
  }

  @Test(
    "Prometheus finds its targets at /sd; one that dies stays and is down; an unknown world takes none away",
    .enabled(if: hasAll, Comment(rawValue: Program.hint)))
  func prometheus() async throws {
    let prometheus = try Prometheus(site.folder, ports)
    defer { prometheus.stop() }
    try await prometheus.reach("both are up") { $0 == ["cp-1": "up ready", "w-1": "up ready"] }
    try await site.kill("w-1")
    _ = try await site.output("wait member w-1 --for missing --timeout 60s")
    // The label shows that the targets were asked for again since.
    try await prometheus.reach("the dead one is a target, and down") {
      $0 == ["cp-1": "up ready", "w-1": "down missing"]
    }
    #expect(try await prometheus.value(#"up{machine="w-1"}"#) == "0")
    try await eventually("who is missing is scraped", within: .seconds(60)) {
      try await prometheus.value(#"rollcall_member_missing_since_timestamp_seconds{member="w-1"}"#) != nil
    }

    // A daemon that knows nothing yet doesn't say that there is nobody.
    try await site.stop("cp-1")
    try await site.killService()
    site.server.stop()
    try FileManager.default.removeItem(atPath: site.folder.path("cp-1/state/state"))
    let failures = #"prometheus_sd_http_failures_total"#
    let before = Double(try await prometheus.value(failures) ?? "0") ?? 0
    try site.restart("cp-1")
    try await eventually("it is asked", within: .seconds(60)) {
      let answer = try await curl("-so", "/dev/null", "-w", "%{http_code}", url("/sd?port=9100"))
      return answer == "503"
    }
    try await eventually("Prometheus was told so", within: .seconds(60)) {
      Double(try await prometheus.value(failures) ?? "0") ?? 0 > before
    }
    try await prometheus.reach("both are targets") { Set($0.keys) == ["cp-1", "w-1"] }
  }

  @Test(
    "promtool has nothing to say about /metrics",
    .enabled(if: hasAll, Comment(rawValue: Program.hint)))
  func metrics() async throws {
    for name in Self.names {
      let page = try await curl("-sf", url("/metrics", of: name))
      #expect(page.contains("\nrollcall_members{state=\"ready\"} 2\n"), "\(page)")
      let file = try site.folder.write(page, to: "metrics-\(name)")
      let checked = try await ChildProcess.run("sh", ["-c", "promtool check metrics < \(file)"])
      #expect(checked.status == 0 && checked.output == "" && checked.errors == "", "\(checked)")
    }
  }

  @Test(
    "Ansible takes the command for a script inventory, and fails where the cluster isn't known",
    .enabled(if: hasAll, Comment(rawValue: Program.hint)))
  func ansible() async throws {
    let script = try site.folder.write(
      "#!/bin/sh\nexec '\(BuiltProducts.rollcall)' ansible \"$@\"\n", to: "inventory")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    let environment = [
      "ROLLCALL_SOCKET": site.socket("cp-1"), "ROLLCALL_CONFIG": "", "ANSIBLE_LOCAL_TEMP": site.folder.path,
      "HOME": site.folder.path, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
    ]
    try await site.kill("w-1")
    _ = try await site.output("wait member w-1 --for missing --timeout 60s")
    let list = try await ChildProcess.run(
      "ansible-inventory", ["-i", script, "--list"], environment: environment, folder: site.folder.path)
    #expect(list.status == 0, "\(list)")
    let value = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any]
    func hosts(_ group: String) -> [String]? { (value?[group] as? [String: Any])?["hosts"] as? [String] }
    #expect(hosts("controlplane") == ["cp-1"] && hosts("worker") == ["w-1"], "\(list)")
    #expect(hosts("rollcall_missing") == ["w-1"] && hosts("rollcall_ready") == ["cp-1"], "\(list)")
    let host = try await ChildProcess.run(
      "ansible-inventory", ["-i", script, "--host", "w-1"], environment: environment,
      folder: site.folder.path)
    let variables = try JSONSerialization.jsonObject(with: Data(host.output.utf8)) as? [String: Any]
    #expect(variables?["ansible_host"] as? String == "10.20.0.21", "\(host)")
    #expect(variables?["rollcall_reason"] as? String == "expired", "\(host)")

    try await site.stop("cp-1")
    let none = try await ChildProcess.run(
      "ansible-inventory", ["-i", script, "--list"], environment: environment, folder: site.folder.path)
    #expect(none.status != 0, "\(none)")
    #expect(
      none.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains(
        "nothing answers at "),
      "\(none)")
  }

  @Test(
    "curl reads the socket: a list by a selector, changes as they come, and a problem for what is wrong",
    .enabled(if: Program.isThere("curl"), Comment(rawValue: Program.hint)))
  func socket() async throws {
    let watch = try ChildProcess(
      "curl",
      ["-sN", "--unix-socket", site.socket("cp-1"), "http://rollcall/v1/watch?types=members,registries"])
    try await eventually("it has what there is", within: .seconds(60)) {
      watch.outputSoFar.contains("event: SYNCED")
    }
    #expect(watch.outputSoFar.hasPrefix("retry: 2000\n\n"), "\(watch.outputSoFar)")
    try await site.kill("w-1")
    try await eventually("the loss comes", within: .seconds(60)) {
      watch.outputSoFar.components(separatedBy: "event: SYNCED").last?
        .contains(#/event: MODIFIED\ndata: .*"id":"w-1".*"state":"missing"/#) ?? false
    }
    watch.signal(SIGTERM)
    func ask(_ path: String) async throws -> [String: Any] {
      let text = try await curl("-s", "--unix-socket", site.socket("cp-1"), "http://rollcall\(path)")
      return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }
    let list = try await ask("/v1/members?fieldSelector=status.state%3Dmissing")
    let metadata = try #require(list["metadata"] as? [String: Any])
    #expect(metadata["synced"] as? Bool == true && (metadata["partial"] as? [String])?.isEmpty == true)
    #expect((list["items"] as? [[String: Any]])?.count == 1, "\(list)")
    #expect(try await ask("/v1/members/w-9")["code"] as? String == "not-found")
    #expect(
      try await ask("/v1/members?fieldSelector=status.stat%3Dx")["code"] as? String == "invalid-selector")
  }

  private func url(_ path: String, of name: String = "cp-1") -> String {
    "http://127.0.0.1:\(ports[name] ?? 0)\(path)"
  }
}

/// What curl prints.
private func curl(_ arguments: String...) async throws -> String {
  try await ChildProcess.run("curl", ["--max-time", "30"] + arguments).output
}

/// A Prometheus that finds its targets at cp-1's daemon. Each target's own daemon is what is scraped.
private final class Prometheus: Sendable {
  private let process: ChildProcess
  private let port: Int

  init(_ folder: TemporaryFolder, _ ports: [String: Int]) throws {
    port = try LoopbackPort.free()
    let relabelled = ports.map { name, port in
      """
            - {source_labels: [__meta_rollcall_id], regex: \(name), target_label: __address__, replacement: "127.0.0.1:\(port)"}
      """
    }
    try folder.write(
      """
      global: {scrape_interval: 500ms, scrape_timeout: 500ms}
      scrape_configs:
        - job_name: nodes
          http_sd_configs: [{url: "http://127.0.0.1:\(ports["cp-1"] ?? 0)/sd?port=9100", refresh_interval: 500ms}]
          relabel_configs:
            - {source_labels: [__meta_rollcall_id], target_label: machine}
            - {source_labels: [__meta_rollcall_status], target_label: status}
      \(relabelled.joined(separator: "\n"))
        - job_name: prometheus
          static_configs: [{targets: ["127.0.0.1:\(port)"]}]
      """, to: "prometheus.yaml")
    process = try ChildProcess(
      "prometheus",
      [
        "--config.file=\(folder.path("prometheus.yaml"))", "--storage.tsdb.path=\(folder.path("tsdb"))",
        "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
      ])
  }

  func stop() { process.signal(SIGKILL) }

  private func ask(_ path: String, _ query: String = "") async throws -> [String: Any]? {
    let text = try await curl(
      "-s", "-G", "--data-urlencode", "query=\(query)", "http://127.0.0.1:\(port)/api/v1/\(path)")
    let answer = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return answer?["data"] as? [String: Any]
  }

  /// The value of the first series that `query` finds.
  func value(_ query: String) async throws -> String? {
    let first = (try await ask("query", query)?["result"] as? [[String: Any]])?.first
    return (first?["value"] as? [Any])?.last as? String
  }

  /// Waits until the targets' health and status are as they should be.
  func reach(_ what: String, _ condition: ([String: String]) -> Bool) async throws {
    var last: [String: String] = [:]
    do {
      try await eventually(what, within: .seconds(60)) {
        last = [:]
        for target in try await ask("targets")?["activeTargets"] as? [[String: Any]] ?? [] {
          let labels = target["labels"] as? [String: String] ?? [:]
          guard let member = labels["machine"] else { continue }
          last[member] = "\(target["health"] ?? "") \(labels["status"] ?? "")"
        }
        return condition(last)
      }
    } catch let error as NotInTime {
      throw NotInTime(description: "\(error.description): \(last)\n\(process.errorsSoFar)")
    }
  }
}
