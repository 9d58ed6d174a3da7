import ClusterModel
import ClusterResources
import Foundation
import Outputs
import RollcallConfiguration
import TestSupport
import Testing

@Suite struct OutputConfigurationTests {
  @Test("outputs and hooks are read, with their defaults")
  func values() throws {
    let configuration = try Fixtures.parse("good/outputs.yaml")
    #expect(
      configuration.outputs == [
        OutputDefinition(
          name: "hosts", format: .hosts, selector: try LabelSelector("rack=r1"),
          path: "/var/lib/rollcall/hosts",
          mode: 0o644, command: ["systemctl", "reload", "dnsmasq"]),
        OutputDefinition(
          name: "targets", format: .prometheus,
          options: ExportOptions(
            port: 9100, family: .v6, networks: [try IPPrefix("fd00::/8")], labels: ["rack"],
            states: ["ready", "notready", "stale", "missing"]),
          path: "sd/nodes.json", maxShrink: 1, allowEmpty: true),
        OutputDefinition(
          name: "inventory", format: .ansible, options: ExportOptions(port: 2222, labels: ["rack"]),
          path: "/etc/ansible/nodes.json"),
      ])
    #expect(
      configuration.hooks == [
        HookDefinition(name: "tell", command: ["/usr/local/bin/tell"], states: [.missing, .ready]),
        HookDefinition(name: "page", command: ["./page", "--now"]),
      ])
  }

  @Test("paths are those of the file's folder")
  func paths() throws {
    let configuration = try parse(
      """
      outputs: {a: {format: csv, path: nodes.csv, command: [bin/reload, bin/x]}, b: {format: csv, path: b, command: [make]}}
      """, file: "/etc/rollcall/rollcall.yaml")
    #expect(configuration.outputs.map(\.path) == ["/etc/rollcall/nodes.csv", "/etc/rollcall/b"])
    #expect(configuration.outputs.map(\.command) == [["/etc/rollcall/bin/reload", "bin/x"], ["make"]])
  }

  @Test("what is shown of outputs and hooks reads as the same")
  func shown() throws {
    let configuration = try Fixtures.parse("good/outputs.yaml")
    let again = try parse(configuration.redactedText())
    #expect(again.outputs == configuration.outputs && again.hooks == configuration.hooks)
  }

  @Test("the documentation's example is one, and its tables have all keys")
  func documented() throws {
    let page = try String(
      contentsOf: BuiltProducts.checkout.appending(path: "Docs/Outputs.md"), encoding: .utf8)
    let example = try #require(
      page.components(separatedBy: "```yaml\n").last?.components(separatedBy: "```").first)
    let configuration = try parse(example)
    #expect(configuration.outputs.count == 2 && configuration.hooks.count == 1)
    let keys = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map {
      String($0.split(separator: "`")[1])
    }
    for key in keys {
      #expect(
        !errors("outputs: {a: {\(key): }}\nhooks: {a: {\(key): }}").allSatisfy {
          $0.contains("unknown key '\(key)'")
        }, "\(key)")
    }
    let told = errors("outputs: {a: text}\nhooks: {a: text}").joined()
    for key in keys { #expect(told.contains(key), "\(key)") }
    #expect(keys.count == 18)
  }
}
