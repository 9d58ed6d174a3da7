import Foundation
import TestSupport
import Testing

@Suite struct ExplainTests {
  @Test("the fact on which the five nodes' registries disagree is explained")
  func conflict() async throws {
    let output = try await Command.output("explain worker-2", in: fiveNodes)
    let id = "SdQxUPihbjrj2CyIaAffsfWd9AFtIETHGLvYWIfp89vD"
    let blocks = output.components(separatedBy: "\n\n")
    #expect(blocks[0].hasPrefix("worker-2\n    identity: \(id)\n    a member of the cluster; version "))
    let hostname = try #require(blocks.first { $0.hasPrefix("hostname: ") }).split(separator: "\n")
    #expect(hostname[0] == "hostname: r2-u12.racks.example   (conflict)")
    #expect(hostname[1].hasPrefix("    inventory/\(id)   loses    r1-u14.racks.example "))
    #expect(hostname[2].hasPrefix("    racks/\(id)       chosen   r2-u12.racks.example "))
    #expect(hostname[3] == "    rule: of the raw ids in order, the last one that says it wins")
    #expect(
      blocks.last == """
        conflicts:
            hostname: inventory/\(id) says 'r1-u14.racks.example', racks/\(id) says 'r2-u12.racks.example'; \
        'r2-u12.racks.example' is shown

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
    #expect(output.hasPrefix("worker-1\n    identity: CdFfQp1XaqXXjRkKRMTbW4etO8y7gyTkfS5dMAg3FYFA\n"))
  }

  @Test("a name that several nodes have is told with their identities")
  func ambiguous() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write(nodes([("n1", "same", "10.0.0.1"), ("n2", "same", "10.0.0.2")]), to: "a.yaml")
    try folder.write("nodes: []", to: "b.yaml")
    let result = try await Command.run("explain same", in: folder.path)
    #expect(result.status == 1)
    #expect(
      result.errors
        == "rollcall: 2 nodes have 'same' as nodename: n1 (same), n2 (same); name one by its identity\n")
    let conflicts = try await Command.output("explain n1 -o yaml", in: folder.path)
    #expect(
      conflicts.hasSuffix(
        "conflicts:\n    - about: nodename\n      value: same\n      nodes:\n        - n1\n        - n2\n"))
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
    #expect(result.errors == "")
    #expect(result.output.contains("$ rollcall explain worker-2\nworker-2\n"))
  }
}
