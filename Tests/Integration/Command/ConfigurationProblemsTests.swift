import Foundation
import TestSupport
import Testing

/// What `config check` finds beyond what the file alone says.
@Suite struct ConfigurationProblemsTests {
  private func check(_ text: String, _ folder: TemporaryFolder, environment: [String: String] = [:])
    async throws
    -> ChildProcess.Result
  {
    try folder.write(text, to: "rollcall.yaml")
    return try await Command.run(
      "config check rollcall.yaml", in: folder.path, environment: environment)
  }

  private func registries(_ lines: String...) -> String {
    "cluster:\n  discovery:\n    registries:\n" + lines.map { "      \($0)\n" }.joined()
  }

  @Test("what only the plugins know is found, all of it, each at its registry")
  func creation() async throws {
    let result = try await check(
      registries(
        "a: {plugin: static-file}", "b: {plugin: static-file, path: nodes/}",
        "c: {plugin: static-file, path: c.yaml}",
        "d: {plugin: static-file, paths: [a.yaml, 'b/**/c.yaml']}",
        "e: {plugin: static-file, disabled: true, path: e.yaml}"
      ),
      try TemporaryFolder())
    #expect(result.status == 1)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 3, "\(result)")
    #expect(
      lines[0]
        == "rollcall.yaml:4:7: the registry 'a' can't be made: no file is named; write `path: nodes.yaml`, or `paths:` with several"
    )
    #expect(lines[1].hasPrefix("rollcall.yaml:5:7: the registry 'b' can't be made: 'nodes/' is a folder;"))
    #expect(lines[2].hasPrefix("rollcall.yaml:7:7: the registry 'd' can't be made: "))
    #expect(result.output == "")
  }

  @Test("what would keep a disabled registry from running is a warning, and the file is ok")
  func disabled() async throws {
    let result = try await check(
      registries(
        "c: {plugin: static-file, disabled: true}", "d: {plugin: static-file, disabled: true, path: 7}",
        "e: {plugin: static-fiel, disabled: true}"), try TemporaryFolder())
    #expect(result.status == 0)
    #expect(result.output == "rollcall.yaml: ok\n")
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 3, "\(result)")
    #expect(
      lines[0]
        == "rollcall.yaml:4:7: warning: the registry 'c' can't be made: no file is named; write `path: nodes.yaml`, or `paths:` with several (the registry 'c' is disabled)"
    )
    #expect(
      lines[1].hasPrefix("rollcall.yaml:5:54: warning: cluster.discovery.registries.d.path must be text"))
    #expect(lines[2].hasPrefix("rollcall.yaml:6:19: warning: there is no plugin 'static-fiel'"))
  }

  @Test("with --data the files of nodes are read, and what is wrong is told at its place in them")
  func data() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "nodes:\n  - {nodeId: n1, nodename: one, addresses: [10.0.0.300]}\n  - {machineType: worker}\n",
      to: "a.yaml")
    try folder.write("nodes: [\n", to: "d/x.yaml")
    try folder.write("nodes:\n  - {nodeid: 3}\n", to: "b.yaml")
    let text = registries(
      "a: {plugin: static-file, paths: [a.yaml, 'd/*.yaml', gone.yaml]}",
      "b: {plugin: static-file, path: b.yaml, disabled: true}")
    #expect(try await check(text, folder).status == 0)
    let result = try await Command.run("config check rollcall.yaml --data", in: folder.path)
    #expect(result.status == 1)
    let lines = result.errors.split(separator: "\n").map { line in
      line.split(separator: " ").first.map(String.init) ?? ""
    }
    #expect(
      lines == [
        "b.yaml:2:5:", "b.yaml:2:6:", "a.yaml:2:45:", "a.yaml:3:5:", "d/x.yaml:2:1:", "rollcall.yaml:4:7:",
      ], "\(result)")
    #expect(
      result.errors.contains(
        "a.yaml:2:45: node 'n1': addresses[0]: '10.0.0.300' isn't an IP address such as 10.5.0.2 or fd00::2\n"
      ))
    #expect(
      result.errors.contains(
        "b.yaml:2:6: warning: unknown key 'nodeid'; did you mean 'nodeId'? (the registry 'b' is disabled)\n"))
  }

  @Test("with --data files that other registries need are only looked at: those that can't be read are told")
  func credentials() async throws {
    let folder = try TemporaryFolder()
    let text = registries("k: {plugin: kubernetes, kubeconfig: kube.conf}")
    try folder.write(text, to: "rollcall.yaml")
    let result = try await Command.run("config check rollcall.yaml --data", in: folder.path)
    #expect(result.status == 1)
    #expect(
      result.errors
        == "rollcall.yaml:4:43: cluster.discovery.registries.k.kubeconfig: 'kube.conf' can't be read: there is no such file\n"
    )
  }

  @Test("registries whose raw ids would be the same are found")
  func clash() async throws {
    let result = try await check(
      registries("static-file: {path: a.yaml}", "file: {plugin: static-file, path: b.yaml}"),
      try TemporaryFolder())
    #expect(result.status == 1)
    #expect(result.errors.contains("would both start with 'file/': rename one of them"), "\(result)")
  }

  @Test("what can be used all the same is a warning, and the file is ok")
  func warning() async throws {
    let result = try await check("node: {addresses: [10.0.0.1, 127.0.0.1]}\n", try TemporaryFolder())
    #expect(result.status == 0)
    #expect(result.output == "rollcall.yaml: ok\n")
    #expect(
      result.errors.hasPrefix(
        "rollcall.yaml:1:19: warning: node.addresses: '127.0.0.1' is a loopback address"), "\(result)")
  }

  @Test("a nodename in the environment that is none is found")
  func nodename() async throws {
    let result = try await check(
      "cluster: {}\n", try TemporaryFolder(), environment: ["ROLLCALL_NODENAME": "a b"])
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("ROLLCALL_NODENAME: 'a b' isn't a host name"))
  }
}
