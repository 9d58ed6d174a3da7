import Foundation
import TestSupport
import Testing

@Suite struct PluginAndFileTests {
  @Test("the plugins that there are are listed; a file that isn't one is told with the reason")
  func list() async throws {
    let folder = try TemporaryFolder()
    try folder.write("not a library", to: "librollcall-broken.so")
    let result = try await Command.run(
      ["plugins", "list"], in: folder.path, environment: ["ROLLCALL_PLUGIN_PATH": folder.path])
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.contains(/^NAME +VERSION +PREFIX +FILE +SUMMARY$/) == true)
    let staticFile = try #require(lines.first { $0.hasPrefix("static-file   ") })
    #expect(staticFile.contains("   file "))
    #expect(staticFile.contains("/librollcall-static-file.so   "))
    #expect(result.errors.hasPrefix("rollcall: \(folder.path)/librollcall-broken.so: "))
  }

  @Test("a plugin shows its options, by its name and by its file")
  func show() async throws {
    let byName = try await Command.output("plugins show static-file", in: fiveNodes)
    #expect(byName.contains(#/\nOPTION +TYPE +DEFAULT +DESCRIPTION\n/#))
    #expect(byName.contains(#/\npollInterval +duration, 100ms to 1d +30s +how often /#))
    #expect(byName.contains(#/\nformat +auto, nodes, file_sd, http_sd, .*, csv +auto /#))
    let file = BuiltProducts.folder.appendingPathComponent("librollcall-static-file.so").path
    #expect(try await Command.output("plugins show \(file)", in: fiveNodes) == byName)
  }

  @Test("a plugin that keeps the rules passes its check, by name and by file")
  func checkPlugin() async throws {
    let options = #"{"path":"racks.yaml"}"#
    let file = BuiltProducts.folder.appendingPathComponent("librollcall-static-file.so").path
    for name in ["static-file", file] {
      let result = try await Command.run(["plugins", "check", name, "--options", options], in: fiveNodes)
      #expect(result.status == 0, "\(result)")
      #expect(result.output.hasPrefix("static-file "))
      #expect(result.output.contains("\nok    "))
      #expect(!result.output.contains("\nFAIL  "))
      #expect(result.output.contains(" passed, 0 failed, "))
      #expect(result.output.contains("\nexports   its entry function alone\n"))
      #expect(result.output.contains("\nreading   "))
      #expect(result.output.contains("\nnodes     5: "))
    }
  }

  @Test("wrong options of a plugin's check are a mistake on the command line")
  func checkOptions() async throws {
    for (options, expected) in [
      (#"{"pth":"racks.yaml"}"#, "rollcall: --options:1:2: unknown key 'pth'; did you mean 'path'?"),
      ("{", "rollcall: --options:1:"), ("", "rollcall: --options takes one JSON object"),
    ] {
      let result = try await Command.run(["plugins", "check", "static-file", "--options", options])
      #expect(result.status == 2)
      #expect(result.errors.hasPrefix(expected), "\(result)")
    }
  }

  @Test("a plugin that breaks a rule fails its check")
  func checkBadPlugin() async throws {
    // Options that make the plugin refuse to be made: one cause is one failure.
    let result = try await Command.run(["plugins", "check", "static-file"], in: fiveNodes)
    #expect(result.status == 1)
    #expect(result.output.split(separator: "\n").count { $0.hasPrefix("FAIL  ") } == 1, "\(result)")
    #expect(result.output.contains("\n0 passed, 1 failed, 8 skipped\n"))
  }

  @Test("the check of a plugin whose peer is down ends soon, with the cause once")
  func checkWithoutPeer() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      apiVersion: v1
      kind: Config
      clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
      users: [{name: u, user: {token: none}}]
      contexts: [{name: x, context: {cluster: c, user: u}}]
      current-context: x
      """, to: "kubeconfig")
    let start = ContinuousClock.now
    let result = try await Command.run(
      ["plugins", "check", "kubernetes", "--options", #"{"kubeconfig":"kubeconfig"}"#], in: folder.path)
    #expect(ContinuousClock.now - start < .seconds(15))
    #expect(result.status == 1)
    #expect(result.output.contains("\n0 passed, 1 failed, 8 skipped\n"), "\(result)")
    #expect(result.output.contains("\nreading   unavailable: "), "\(result)")
  }

  @Test("a good file is ok; of a bad one everything is told, each with its place")
  func check() async throws {
    #expect(try await Command.output("config check rollcall.yaml", in: fiveNodes) == "rollcall.yaml: ok\n")
    let folder = try TemporaryFolder()
    try folder.write(
      """
      cluster:
        discovery:
          registries:
            one:
              plugin: static-fil
            two:
              plugin: static-file
              pth: x.yaml
              debounce: soon
      nodde: {}
      """, to: "bad.yaml")
    let result = try await Command.run("config check bad.yaml", in: folder.path)
    #expect(result.status == 1)
    #expect(result.output == "")
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 4, "\(result)")
    #expect(lines[0].hasPrefix("bad.yaml:5:17: there is no plugin 'static-fil'"))
    #expect(lines[1] == "bad.yaml:8:9: unknown key 'pth'; did you mean 'path'?")
    #expect(lines[2].hasPrefix("bad.yaml:9:19: "))
    #expect(lines[3].hasPrefix("bad.yaml:10:1: unknown key 'nodde'; did you mean 'node'?"))
  }

  @Test("the effective configuration shows defaults and no secret")
  func configShow() async throws {
    let folder = try TemporaryFolder()
    let secret = "jHpeRzjEm6t6gJ58IbcTTHyP0B+rG1IFH92pZgPCoTY="
    try folder.write(
      "cluster:\n  id: abc\n  secret: \(secret)\n  discovery: {registries: {service: {disabled: true}}}\n",
      to: "rollcall.yaml")
    let output = try await Command.output("config show --state /tmp/x", in: folder.path)
    #expect(!output.contains(secret))
    #expect(output.contains("    secret: <redacted>\n"))
    #expect(output.contains("stateDirectory: /tmp/x\n"))
  }

  @Test("a generated configuration passes its check")
  func genConfig() async throws {
    let folder = try TemporaryFolder()
    try folder.write(try await Command.output("gen config"), to: "rollcall.yaml")
    #expect(try await Command.output("config check", in: folder.path) == "rollcall.yaml: ok\n")
  }

  @Test("generated secrets are two different texts of 32 bytes, and a configuration takes them")
  func genSecrets() async throws {
    let folder = try TemporaryFolder()
    let output = try await Command.output("gen secrets")
    let values = output.split(separator: "\n").dropFirst().compactMap { $0.split(separator: " ").last }
    #expect(values.count == 2)
    #expect(Set(values).count == 2)
    for value in values { #expect(Data(base64Encoded: String(value))?.count == 32) }
    try folder.write(
      output + "  discovery: {registries: {service: {disabled: true}}}\n", to: "rollcall.yaml")
    #expect(try await Command.output("config check", in: folder.path) == "rollcall.yaml: ok\n")
  }

  @Test("a generated identity is printed; with --state it is kept, and never overwritten")
  func genIdentity() async throws {
    let folder = try TemporaryFolder()
    let printed = try await Command.output("gen identity", in: folder.path)
    #expect(printed.hasPrefix("nodeId: "))
    #expect((43...44).contains(printed.trimmingCharacters(in: .whitespacesAndNewlines).count - 8))
    let kept = try await Command.output("gen identity --state state", in: folder.path)
    #expect(try contents(folder.path("state/node-identity.yaml")) == kept)
    let again = try await Command.run("gen identity --state state", in: folder.path)
    #expect(again.status == 0)
    #expect(again.output == kept)
    #expect(again.errors.contains("is left as it is"))
  }
}
