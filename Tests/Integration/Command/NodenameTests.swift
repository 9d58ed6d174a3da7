import TestSupport
import Testing

@Suite struct NodenameTests {
  @Test(
    "ROLLCALL_NODENAME is the nodename where the configuration has none, for all that is told of this node")
  func variable() async throws {
    let folder = try TemporaryFolder()
    try folder.write("nodeId: my-id\n", to: "state/node-identity.yaml")
    try folder.write("nodes: []\n", to: "members.yaml")
    let registries = "cluster: {discovery: {registries: {static-file: {path: members.yaml}}}}\n"
    try folder.write(registries + "node: {hostname: Host-1}\n", to: "rollcall.yaml")
    for (value, expected) in [("node-7.example", "node-7.example"), ("", "host-1")] {
      let result = try await Command.run(
        ["get", "members", "--state", "state", "-o", "jsonpath={.metadata.id}"], in: folder.path,
        environment: ["ROLLCALL_NODENAME": value])
      #expect(result.output == "\(expected)\n", "\(result)")
    }
    let variable = ["ROLLCALL_NODENAME": "node-7"]
    let shown = try await Command.run("config show --state state", in: folder.path, environment: variable)
    #expect(shown.output.contains("  nodename: node-7\n"), "\(shown)")

    try folder.write(registries + "node: {nodename: written}\n", to: "rollcall.yaml")
    let written = try await Command.run("config show --state state", in: folder.path, environment: variable)
    #expect(written.output.contains("  nodename: written\n"), "\(written)")
  }

  @Test("what isn't a host name is told by the variable's name")
  func wrong() async throws {
    let folder = try TemporaryFolder()
    try folder.write("node: {hostname: host-1}\n", to: "rollcall.yaml")
    for line in ["get members --state state", "config show --state state", "run --state state"] {
      let result = try await Command.run(
        line, in: folder.path, environment: ["ROLLCALL_NODENAME": "not a name"])
      #expect(result.status != 0)
      #expect(
        result.errors
          == "rollcall: ROLLCALL_NODENAME: 'not a name' isn't a host name: at most 253 of letters, digits, '.', '-' "
          + "and '_'\n", "\(result)")
    }
  }
}
