import ClusterModel
import Documents
import Foundation
import TestSupport
import Testing

@testable import Inventories

/// Lists that other programs print.
@Suite struct RealToolTests {
  private static let expected = [
    "~db-1 hostname=db-1.example.org labels=group/db=true;group/prod=true",
    "~w-9 hostname=w-9 addresses=10.0.0.9 labels=group/prod=true;group/web=true",
    "~web-1.example.org hostname=web-1.example.org labels=group/prod=true;group/web=true",
    "~web-2.example.org hostname=web-2.example.org labels=group/prod=true;group/web=true",
  ]

  private static func lines(_ text: String, _ format: InventoryFormat = .auto) throws -> [String] {
    let inventory = try Inventory.read(Array(text.utf8), name: "list", format: format)
    #expect(inventory.problems.kept.map(\.description) == [])
    return inventory.nodes.values.map(\.line).sorted()
  }

  @Test(
    "what ansible-inventory prints is read as the inventory itself",
    .enabled(if: Program.isThere("ansible-inventory"), Comment(rawValue: Program.hint)),
    arguments: [
      ["--list"], ["--list", "--export"], ["--list", "--yaml"], ["--list", "--yaml", "--export"],
    ])
  func ansible(arguments: [String]) async throws {
    let folder = try TemporaryFolder()
    let yaml = """
      all:
        children:
          web:
            hosts:
              web-[1:2].example.org:
              w-9: {ansible_host: 10.0.0.9, rack: 12}
          db:
            hosts:
              db-1: {ansible_host: db-1.example.org}
          prod:
            children: {web: , db: }

      """
    let ini = """
      [web]
      web-[1:2].example.org
      w-9 ansible_host=10.0.0.9 rack=12
      [db]
      db-1 ansible_host=db-1.example.org
      [prod:children]
      web
      db

      """
    #expect(try Self.lines(yaml) == Self.expected)
    for (name, text) in [("hosts.yaml", yaml), ("hosts.ini", ini)] {
      let path = try folder.write(text, to: name)
      let listed = try await Tool.run("ansible-inventory", ["-i", path] + arguments, folder: folder.path(""))
      #expect(listed.status == 0, "\(listed)")
      #expect(try Self.lines(listed.output) == Self.expected, "\(name): \(listed.output)")
      #expect(try Self.lines(listed.output, .ansible) == Self.expected)
    }
  }

  @Test(
    "an inventory without hosts lists none",
    .enabled(if: Program.isThere("ansible-inventory"), Comment(rawValue: Program.hint)))
  func noHosts() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("[web]\n", to: "hosts.ini")
    let listed = try await Tool.run("ansible-inventory", ["-i", path, "--list"], folder: folder.path(""))
    let inventory = try Inventory.read(Array(listed.output.utf8), name: "list")
    #expect(inventory.nodes.isEmpty && inventory.listsNodes && inventory.problems.isEmpty, "\(listed)")
  }

  @Test(
    "what kubectl prints of a Node is read as YAML and as JSON",
    .enabled(if: Program.isThere("kubectl"), Comment(rawValue: Program.hint)),
    arguments: ["yaml", "json"])
  func kubectl(output: String) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      """
      {"kind":"Node","apiVersion":"v1","metadata":{"name":"w-1"},"status":{
        "addresses":[{"type":"Hostname","address":"w-1.example.org"},{"type":"InternalIP","address":"10.0.0.1"}],
        "conditions":[{"type":"Ready","status":"True"}],
        "nodeInfo":{"machineID":"0123456789abcdef0123456789abcdef","osImage":"Debian GNU/Linux 12"}}}

      """, to: "node.json")
    let printed = try await Tool.run("kubectl", ["label", "--local", "-f", path, "rack=12", "-o", output])
    #expect(printed.status == 0, "\(printed)")
    #expect(
      try Self.lines(printed.output) == [
        "~w-1 hostname=w-1.example.org nodename=w-1 os=Debian GNU/Linux 12 type=worker addresses=10.0.0.1 "
          + "machine=0123456789abcdef0123456789abcdef labels=rack=12 health=ready"
      ])
  }

  @Test("this machine's own hosts file has no problem")
  func ownHosts() throws {
    let text = try String(contentsOfFile: "/etc/hosts", encoding: .utf8)
    _ = try Self.lines(text, .hosts)
  }

  @Test(
    "what promtool takes for a list of targets is one",
    .enabled(if: Program.isThere("promtool"), Comment(rawValue: Program.hint)))
  func prometheus() async throws {
    let folder = try TemporaryFolder()
    let targets = "- targets: ['w-1:9100', 'w-1:9256', '[fd00::1]:9100']\n  labels: {job: node}\n"
    try folder.write(targets, to: "targets.yaml")
    try folder.write(
      "scrape_configs: [{job_name: n, file_sd_configs: [{files: [targets.yaml]}]}]\n", to: "prometheus.yaml")
    let checked = try await Tool.run(
      "promtool", ["check", "config", "prometheus.yaml"], folder: folder.path(""))
    #expect(checked.status == 0, "\(checked)")
    #expect(
      try Self.lines(targets) == [
        "~fd00::1 addresses=fd00::1 labels=job=node", "~w-1 hostname=w-1 labels=job=node",
      ])
  }
}
