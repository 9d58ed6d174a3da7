import ClusterModel
import ClusterResources
import Foundation
import TestSupport
import Testing

/// Lists of members as the programs read them for which they are made.
@Suite struct ExportReaderTests {
  /// Rows whose texts break what isn't careful; the names are good ones, as others are left out.
  private func hostileRows() throws -> [ExportedMember] {
    let texts = [
      "{{ lookup('pipe', 'id') }}", "{% for a in [] %}", "{# a",
      "#jinja2:variable_start_string:'[%'\n[% 1 %]",
      "a,b\"c\"", "a\r\nb", "# a", "*", "%h", "ünï 机器 \u{1F680}", "\u{202E}", "'", "\\", "\\u0041", "-",
      "=1+1", " a ", "",
      "null", "true", "1e3", "__ansible_unsafe", "[", "]\n}",
    ]
    return try texts.enumerated().map { index, text in
      var row = try row("n-\(index)", ["10.0.0.\(index)", "fd00::\(index)"], hostname: text)
      row.operatingSystem = text
      row.reason = text
      row.flags = [text]
      row.sources = [text]
      if !text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
        row.labels = try NodeLabels(["plain": text, "k\(text)": "v", "__ansible_vault": text])
      }
      return row
    }
  }

  @Test(
    "ansible-inventory reads groups and variables",
    .enabled(if: Program.isThere("ansible-inventory"), Comment(rawValue: Program.hint)))
  func ansibleInventory() async throws {
    let folder = try TemporaryFolder()
    let rows = try sixNodes().map { try labelled($0, ["rack": $0.id.hasPrefix("w") ? "r-2" : "r1"]) }
    let script = try inventory(
      ExportFormat.ansible.export(rows, ExportOptions(labels: ["rack"])).text, in: folder)
    let listed = try await ansible("ansible-inventory", ["-i", script, "--list"], folder)
    let root = try #require(try JSONSerialization.jsonObject(with: Data(listed.utf8)) as? [String: Any])
    let hosts = { (group: String) in ((root[group] as? [String: Any])?["hosts"] as? [String])?.sorted() ?? []
    }
    #expect(hosts("controlplane") == ["cp-1", "cp-2", "cp-3"])
    #expect(hosts("worker") == ["w-1", "w-2", "w-3"])
    #expect(hosts("rollcall_missing") == ["w-3"] && hosts("rollcall_left") == ["cp-3"])
    #expect(hosts("rack_r_2") == ["w-1", "w-2", "w-3"])
    let variables = (root["_meta"] as? [String: Any])?["hostvars"] as? [String: [String: Any]] ?? [:]
    let w3 = try #require(variables["w-3"])
    #expect(w3["ansible_host"] as? String == "10.20.0.23")
    #expect(w3["rollcall_status"] as? String == "missing")
    #expect(w3["rollcall_sources"] as? [String] == ["inventory", "service"])
    #expect(w3["rollcall_labels"] as? [String: String] == ["rack": "r-2"])
    #expect(!listed.lowercased().contains("warning"))
    // What it asks for where there is no `_meta`.
    let alone = try #require(AnsibleExport.host("w-3", rows))
    let one = try #require(try JSONSerialization.jsonObject(with: Data(alone.utf8)) as? [String: Any])
    #expect(one["ansible_host"] as? String == "10.20.0.23")
    #expect(AnsibleExport.host("w-9", rows) == nil)
  }

  @Test(
    "Ansible runs nothing that a node says of itself",
    .enabled(if: Program.isThere("ansible"), Comment(rawValue: Program.hint)))
  func ansibleTemplates() async throws {
    let folder = try TemporaryFolder()
    let rows = try hostileRows()
    let export = ExportFormat.ansible.export(rows)
    #expect(export.omissions.count == rows.count { !$0.labels.isEmpty })
    let script = try inventory(export.text, in: folder)
    let output = try await ansible(
      "ansible",
      [
        "-i", script, "all", "-o", "-m", "debug", "-a",
        "msg={{ [rollcall_operating_system, rollcall_labels] | to_json }}",
      ],
      folder)
    var seen = 0
    for (index, row) in rows.enumerated() {
      let line = try #require(
        output.split(separator: "\n").first { $0.hasPrefix("n-\(index) | SUCCESS") }, "\(index)")
      let json = try #require(line.firstIndex(of: "{").map { String(line[$0...]) })
      let message = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])[
        "msg"]
      // Ansible makes a message that is JSON a list, and leaves it where a part isn't to be trusted.
      let parsed =
        (message as? String).map { try? JSONSerialization.jsonObject(with: Data($0.utf8)) } ?? message
      let list = try #require(parsed as? [Any], "\(row.operatingSystem): \(line)")
      #expect(list.first as? String == row.operatingSystem)
      seen += 1
    }
    #expect(seen == rows.count)
  }

  @Test(
    "promtool takes targets of hostile texts",
    .enabled(if: Program.isThere("promtool"), Comment(rawValue: Program.hint)))
  func prometheus() async throws {
    let folder = try TemporaryFolder()
    var rows = try hostileRows()
    for index in rows.indices { rows[index].id = rows[index].hostname }
    for (name, options) in [
      ("plain", ExportOptions()), ("port", ExportOptions(port: 9100, labels: ["plain"])),
    ] {
      let text = ExportFormat.prometheus.export(rows, options).text
      try folder.write(text, to: "\(name).json")
      let read = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
      #expect(read.count == rows.count)
      for (target, row) in zip(read, rows) {
        let labels = try #require(target["labels"] as? [String: String])
        #expect(labels["__meta_rollcall_operating_system"] == row.operatingSystem)
      }
      try folder.write(
        """
        scrape_configs:
          - job_name: nodes
            file_sd_configs: [{files: ["\(folder.path)/\(name).json"]}]
        """, to: "prometheus.yml")
      let checked = try await Tool.run("promtool", ["check", "config", folder.path("prometheus.yml")])
      #expect(checked.status == 0, "\(checked)")
      try folder.write(
        text.replacing("{\"targets\":[", with: "{\"targets\":", maxReplacements: 1), to: "\(name).json")
      let broken = try await Tool.run("promtool", ["check", "config", folder.path("prometheus.yml")])
      #expect(broken.status != 0, "it reads the file")
    }
  }

  @Test(
    "Python's csv reads each cell as it was",
    .enabled(if: Program.isThere("python3"), Comment(rawValue: Program.hint)))
  func csv() async throws {
    let folder = try TemporaryFolder()
    let rows = try hostileRows()
    try folder.write(ExportFormat.csv.export(rows).text, to: "nodes.csv")
    let script =
      "import csv,json,sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1],newline=''),strict=True))))"
    let result = try await Tool.run("python3", ["-c", script, folder.path("nodes.csv")])
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: String]], "\(result)")
    #expect(read.map { $0["id"] } == rows.map(\.id))
    #expect(read.map { $0["operating_system"] } == rows.map(\.operatingSystem))
    #expect(read.map { $0["reason"] } == rows.map(\.reason))
    for (record, row) in zip(read, rows) where !row.labels.isEmpty {
      let labels = try JSONDecoder().decode([String: String].self, from: Data((record["labels"] ?? "").utf8))
      #expect(labels == Dictionary(uniqueKeysWithValues: row.labels.map { ($0.key, $0.value) }))
    }
  }

  @Test(
    "ssh finds the address and the port of each name",
    .enabled(if: Program.isThere("ssh"), Comment(rawValue: Program.hint)))
  func ssh() async throws {
    let folder = try TemporaryFolder()
    let rows = try sixNodes() + hostileRows() + [row("W-7", ["10.9.0.7"], hostname: "w-7.rack.example")]
    try folder.write(ExportFormat.sshConfig.export(rows, ExportOptions(port: 2222)).text, to: "config")
    let expected = [
      ("w-1", "10.20.0.21"), ("n-4", "10.0.0.4"), ("w-7.rack.example", "10.9.0.7"), ("W-7", "10.9.0.7"),
    ]
    for (name, address) in expected {
      let result = try await Tool.run("ssh", ["-G", "-F", folder.path("config"), name])
      let lines = result.output.split(separator: "\n")
      #expect(lines.contains("hostname \(address)") && lines.contains("port 2222"), "\(name): \(result)")
    }
  }

  /// A script inventory that prints `text`.
  private func inventory(_ text: String, in folder: TemporaryFolder) throws -> String {
    try folder.write(text, to: "inventory.json")
    let script = try folder.write("#!/bin/sh\ncat '\(folder.path("inventory.json"))'\n", to: "inventory")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    return script
  }

  private func ansible(_ program: String, _ arguments: [String], _ folder: TemporaryFolder) async throws
    -> String
  {
    let result = try await Tool.run(
      "env",
      [
        "ANSIBLE_LOCAL_TEMP=\(folder.path("tmp"))", "ANSIBLE_HOME=\(folder.path("home"))",
        "ANSIBLE_NOCOLOR=1",
        "ANSIBLE_INVENTORY_ENABLED=script", "HOME=\(folder.path)", "LC_ALL=C.UTF-8", program,
      ] + arguments)
    #expect(result.status == 0, "\(result)")
    return result.output
  }
}
