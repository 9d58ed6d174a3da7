import ClusterModel
import ClusterResources
import Outputs
import RollcallConfiguration
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
}
