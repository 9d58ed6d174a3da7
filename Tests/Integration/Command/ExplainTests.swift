import Foundation
import TestSupport
import Testing

@Suite struct ExplainTests {
  @Test("the fact on which the five nodes' registries disagree is explained")
  func conflict() async throws {
    let output = try await Command.output("explain worker-2", in: fiveNodes)
    let id = "SdQxUPihbjrj2CyIaAffsfWd9AFtIETHGLvYWIfp89vD"
    let blocks = output.components(separatedBy: "\n\n")
    let head = blocks[0].split(separator: "\n")
    #expect(head[0].hasPrefix("worker-2   ready since ") && head[0].hasSuffix(": listed in inventory, racks"))
    #expect(head[1] == "    identity: \(id)" && head[2].hasPrefix("    a member of the cluster; version "))
    let hostname = try #require(blocks.first { $0.hasPrefix("hostname: ") }).split(separator: "\n")
    #expect(hostname[0] == "hostname: r2-u12.racks.example   (conflict)")
    #expect(hostname[1].hasPrefix("    inventory/\(id)   loses    r1-u14.racks.example "))
    #expect(hostname[2].hasPrefix("    racks/\(id)       chosen   r2-u12.racks.example "))
    #expect(hostname[3] == "    rule: of the raw ids in order, the last one that says it wins")
    #expect(
      blocks.last == """
        conflicts:
            field/SdQxUPih…/hostname (info): r2-u12.racks.example (racks) shown; r1-u14.racks.example (inventory)

        """)
  }

  @Test(
    "a node is found by its identity, a beginning of it, its nodename, hostname or an address",
    arguments: [
      "worker-1", "CdFfQp1XaqXXjRkKRMTbW4etO8y7gyTkfS5dMAg3FYFA", "CdFf", "r1-u12.racks.example", "10.5.0.4",
      "fd83:b1f7:fcb5:2802:0:0:0:4",
    ])
  func lookup(name: String) async throws {
    let output = try await Command.output("explain \(name)", in: fiveNodes)
    #expect(output.hasPrefix("worker-1   ready since "))
    #expect(output.contains("\n    identity: CdFfQp1XaqXXjRkKRMTbW4etO8y7gyTkfS5dMAg3FYFA\n"))
  }

  @Test(
    "of several nodes of one nodename the member is explained, and the others are told with how to ask for them"
  )
  func ambiguous() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write(nodes([("n1", "same", "10.0.0.1"), ("n2", "same", "10.0.0.2")]), to: "a.yaml")
    try folder.write("nodes: []", to: "b.yaml")
    let result = try await Command.run("explain same", in: folder.path)
    #expect(result.status == 0)
    #expect(
      result.errors
        == "rollcall: 'same' is also identity/n2 (nodename, nodename same): explain one by that\n")
    #expect(
      result.output.contains(
        ": nodename same is also claimed by n2\n    identity: n1\n    a member of the cluster; "))
    let other = try await Command.output("explain identity/n2", in: folder.path)
    let reason = "its identity is the lowest: nothing else tells them apart"
    #expect(
      other.contains("\n    identity: n2\n    not listed: the member 'same' is n1, as \(reason); "))
    let conflicts = try await Command.output("explain n1 -o json", in: folder.path)
    #expect(conflicts.contains(#""message": "n1 shown; n2 claims it""#))
    let same = try await Command.run("explain 10.0.0", in: folder.path)
    #expect(same.status == 1)
    #expect(same.errors == "rollcall: no node has the nodename, identity, hostname or address '10.0.0'\n")
  }

  @Test("explain NAME and get member NAME mean the same node, though another one's identity is that name")
  func memberBeforeIdentity() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write(nodes([("w-2", "w-2", "10.20.0.99")]), to: "a.yaml")
    try folder.write(
      nodes([("k9", "w-2", "10.20.0.12")]), to: "b.yaml")
    let shown = try await Command.run("get member w-2 -o jsonpath={.spec.nodeId}", in: folder.path)
    #expect(shown.output.contains("k9"), "\(shown)")
    let explained = try await Command.run("explain w-2 -o json", in: folder.path)
    #expect(explained.output.contains(#""nodeId": "k9""#))
    #expect(explained.output.contains(#""isMember": true"#))
    #expect(
      explained.errors
        == "rollcall: 'w-2' is also identity/w-2 (nodename, nodename w-2): explain one by that\n")
    let other = try await Command.output("explain identity/w-2", in: folder.path)
    #expect(other.contains("identity: w-2\n    not listed: the member 'w-2' is k9, as "))
    let members = try await Command.run("get members", in: folder.path)
    #expect(members.errors.contains("nodename 'w-2' is claimed by k9, w-2; k9 is the member, as "))
    let conflicts = try await Command.output("get conflicts", in: folder.path)
    #expect(conflicts.contains("nodename/w-2   warning    nodename   k9,w-2   "), "\(conflicts)")
    #expect(conflicts.contains("   k9 shown; w-2 claims it\n"), "\(conflicts)")
  }

  @Test("JSON has every claim with its source, value and rule")
  func json() async throws {
    let output = try await Command.output("explain worker-2 -o json", in: fiveNodes)
    let value = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    let fields = try #require(value["fields"] as? [[String: Any]])
    let hostname = try #require(fields.first { $0["field"] as? String == "hostname" })
    #expect(hostname["rule"] as? String == "lastByRawID")
    #expect(hostname["conflict"] as? Bool == true)
    let claims = try #require(hostname["claims"] as? [[String: Any]])
    #expect(claims.map { $0["registry"] as? String } == ["inventory", "racks"])
    #expect(claims.map { $0["chosen"] as? Bool } == [false, true])
    #expect(claims.map { $0["value"] as? String } == ["r1-u14.racks.example", "r2-u12.racks.example"])
  }

  @Test("an explicit precedence turns the choice around")
  func precedence() async throws {
    let folder = try TemporaryFolder()
    for name in ["racks.yaml", "inventory.yaml", "rollcall.yaml"] {
      try folder.write(try contents("\(fiveNodes)/\(name)"), to: name)
    }
    let configuration = try contents("\(fiveNodes)/rollcall.yaml")
    try folder.write(configuration + "merge: {precedence: [inventory, racks]}\n", to: "rollcall.yaml")
    let output = try await Command.output("explain worker-2", in: folder.path)
    #expect(output.contains("\nhostname: r1-u14.racks.example   (conflict)\n"))
    #expect(output.contains("    rule: the strongest by merge.precedence wins\n"))
  }

  @Test("the show of the five nodes runs as it ships")
  func show() async throws {
    let result = try await ChildProcess.run(
      "\(fiveNodes)/show", [BuiltProducts.rollcall], environment: Command.environment)
    #expect(result.status == 0)
    #expect(result.errors.withoutFallBack == "")
    #expect(result.output.contains("$ rollcall explain worker-2\nworker-2   ready since "))
  }
}
