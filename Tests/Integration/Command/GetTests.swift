import Foundation
import TestSupport
import Testing

@Suite struct GetTests {
  let documented = fixture("documented")

  @Test(
    "the documented cluster is shown as its documentation shows it",
    arguments: [
      ("get affiliates", "affiliates.txt"),
      ("get affiliates --namespace=cluster-raw", "affiliates-raw.txt"),
      ("get members", "members.txt"),
      ("get Member", "members.txt"),
      ("get members.cluster.talos.dev", "members.txt"),
    ])
  func documentedTables(line: String, file: String) async throws {
    let output = try await Command.output("\(line) -c rollcall.yaml --state state", in: documented)
    #expect(try versionsLeftOut(output) == versionsLeftOut(contents("\(documented)/\(file)")))
  }

  @Test("the node's own identity is shown as its documentation shows it")
  func identity() async throws {
    let output = try await Command.output("get identities -o yaml --state state", in: documented)
    #expect(output.hasPrefix("node: 172.20.0.2\nmetadata:\n    namespace: cluster\n"))
    #expect(output.hasSuffix("\nspec:\n    nodeId: Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd\n"))
  }

  @Test("what get prints as YAML or JSON, the static files read: the same members come out")
  func roundTrip() async throws {
    for (type, format) in [
      ("affiliates", "yaml"), ("affiliates", "json"), ("members", "yaml"), ("members", "json"),
    ] {
      let folder = try TemporaryFolder()
      let printed = try await Command.output("get \(type) -o \(format) --state state", in: documented)
      try folder.write(printed, to: "dump.\(format)")
      try folder.write(
        """
        cluster: {discovery: {registries: {dump: {plugin: static-file, path: dump.\(format)}}}}
        node: {publish: false, addresses: [172.20.0.2]}
        """, to: "rollcall.yaml")
      let output = try await Command.output("get members", in: folder.path)
      #expect(try versionsLeftOut(output) == versionsLeftOut(contents("\(documented)/members.txt")))
    }
  }

  @Test("a raw affiliate is found by its raw id, and all of a node's by the node's")
  func rawIDs() async throws {
    let id = "2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF"
    let path = "jsonpath={.metadata.id}"
    let both = try await Command.output(
      "get affiliates \(id) --namespace cluster-raw -o \(path)", in: documented)
    #expect(both == "k8s/\(id)\nservice/\(id)\n")
    let one = try await Command.output(
      "get affiliate k8s/\(id) --namespace cluster-raw -o \(path)", in: documented)
    #expect(one == "k8s/\(id)\n")
  }

  @Test("the cluster that ships with the project: merged tables, and no word on the standard error")
  func fiveNodeCluster() async throws {
    let names = try await Command.output("get members -o jsonpath={.metadata.id}", in: fiveNodes)
    #expect(names == "controlplane-1\ncontrolplane-2\nworker-1\nworker-2\nworker-3\n")
    let raw = try await Command.output(
      "get affiliates --namespace cluster-raw -o jsonpath={.metadata.owner}", in: fiveNodes)
    #expect(
      raw == String(repeating: "inventory\n", count: 4) + String(repeating: "racks\n", count: 5))
    let addresses = try await Command.output(
      "get member worker-2 -o jsonpath={.spec.addresses[*]}", in: fiveNodes)
    #expect(addresses == "10.5.0.5\nfd83:b1f7:fcb5:2802::5\n")
  }

  @Test("registries show their state, also those that aren't run")
  func registries() async throws {
    let result = try await Command.output(
      "get registries -o jsonpath={.metadata.id}={.status.state}", in: fiveNodes)
    #expect(result == "inventory=synced\nkubernetes=disabled\nracks=synced\nservice=disabled\n")
  }

  @Test("a broken file is told with its place, and the others are printed")
  func brokenFile() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write("nodes: [", to: "b.yaml")
    let result = try await Command.run("get members -o jsonpath={.metadata.id}", in: folder.path)
    #expect(result.status == 3)
    #expect(result.output == "one\ntwo\n")
    #expect(try await Command.run("get members --partial-ok", in: folder.path).status == 0)
    #expect(result.errors.hasPrefix("rollcall: registry b: degraded: "))
    #expect(result.errors.contains("b.yaml:1:"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(
    "an empty table of a registry that could read nothing, or without a configuration, isn't success",
    arguments: ["utf-16", "missing", "no configuration"])
  func nothingRead(why: String) async throws {
    let folder = try TemporaryFolder()
    if why != "no configuration" {
      try folder.write(
        """
        cluster: {discovery: {registries: {racks: {plugin: static-file, path: nodes.yaml}}}}
        node: {publish: false}
        """, to: "rollcall.yaml")
    }
    if why == "utf-16" {
      try #require("nodes: []".data(using: .utf16)).write(to: URL(filePath: folder.path("nodes.yaml")))
    }
    for type in ["members", "affiliates", "conflicts"] {
      let result = try await Command.run("get \(type)", in: folder.path)
      #expect(result.status == (why == "no configuration" ? 1 : 3), "\(type): \(result)")
      #expect(!result.errors.isEmpty)
    }
    // What is known of the registries, and of this machine, is whole.
    if why != "no configuration" {
      #expect(try await Command.run("get registries", in: folder.path).status == 0)
    }
  }

  @Test("everything disabled: discovery is off, told as such, and no failure")
  func everythingDisabled() async throws {
    let folder = try TemporaryFolder()
    try folder.write("cluster: {discovery: {enabled: false}}\nnode: {publish: false}\n", to: "rollcall.yaml")
    let result = try await Command.run("get members", in: folder.path)
    #expect(result.status == 0)
    #expect(
      result.output
        == "NODE   NAMESPACE   TYPE   ID   VERSION   HOSTNAME   MACHINE TYPE   OS   ADDRESSES\n")
    #expect(result.errors.hasPrefix("rollcall: discovery is off: "))
  }

  @Test(
    "a folder without a configuration and without members: it says how to start",
    arguments: ["get members", "explain x"])
  func nothing(line: String) async throws {
    let folder = try TemporaryFolder()
    let result = try await Command.run(line, in: folder.path)
    #expect(result.errors.hasPrefix("rollcall: there is no configuration file: `rollcall gen config > "))
  }

  @Test("the files of members in a folder are taken where there is no configuration")
  func noConfiguration() async throws {
    let folder = try TemporaryFolder()
    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "members.yaml")
    try folder.write(nodes([("n2", "two", "10.0.0.2")]), to: "members.d/rack.yaml")
    #expect(
      try await Command.output("get members -o jsonpath={.metadata.id} --state .", in: folder.path)
        == "one\ntwo\n")
  }

  @Test("all nodes of a pattern's files are printed, each time, and what is wrong with one is told")
  func manyFiles() async throws {
    let folder = try TemporaryFolder()
    for number in 10..<50 {
      try folder.write(nodes([("n\(number)", "name-\(number)", "10.0.0.\(number)")]), to: "\(number).yaml")
    }
    try folder.write("nodes: [", to: "broken.yaml")
    try folder.write(
      """
      cluster: {discovery: {registries: {racks: {plugin: static-file, path: "../*.yaml"}}}}
      node: {publish: false}
      """, to: "conf/rollcall.yaml")
    let expected = (10..<50).map { "name-\($0)\n" }.joined()
    for _ in 0..<20 {
      let result = try await Command.run(
        "get members -o jsonpath={.metadata.id} -c conf/rollcall.yaml", in: folder.path)
      #expect(result.output == expected)
      #expect(result.status == 0)
      #expect(result.errors.hasPrefix("rollcall: registry racks: degraded: "))
      #expect(result.errors.contains("broken.yaml:1:"))
      #expect(!result.errors.contains("missing"))
    }
  }

  @Test("a watch prints what is there, then each change of a file")
  func watch() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try Command.start(["get", "members", "--watch"], in: folder.path)
    func lines() -> [Substring] { process.outputSoFar.split(separator: "\n") }
    try await eventually("the members are printed") { lines().count == 3 }
    #expect(lines()[0].hasPrefix("*   NODE      NAMESPACE   TYPE     ID    VERSION   HOSTNAME"))
    #expect(lines()[1].hasPrefix("+   watcher   cluster     Member   one   1 "))
    #expect(lines()[2].hasPrefix("+   watcher   cluster     Member   two   "))

    try folder.replace("a.yaml", with: nodes([("n1", "one", "10.0.0.9"), ("n2", "two", "10.0.0.2")]))
    try await eventually("the change is printed") { lines().count == 4 }
    #expect(lines()[3].hasPrefix("    watcher   cluster     Member   one   2 "))
    #expect(lines()[3].hasSuffix(#"["10.0.0.9"]"#))

    try folder.replace("a.yaml", with: nodes([("n2", "two", "10.0.0.2"), ("n3", "three", "10.0.0.3")]))
    try await eventually("what came and what went is printed") { lines().count == 6 }
    #expect(
      lines()[4...].contains { line in
        line.split(separator: " ").prefix(6) == ["-", "watcher", "cluster", "Member", "one", "2"]
      }, "\(lines())")
    #expect(lines()[4...].contains { $0.hasPrefix("+   watcher   cluster     Member   three   1 ") })
    process.signal(SIGTERM)
    _ = try await process.result()
  }

  @Test("a reader that goes away ends the command quietly")
  func brokenPipe() async throws {
    let line = "\(BuiltProducts.rollcall) get members --direct | head -1"
    let result = try await ChildProcess.run(
      "/bin/sh", ["-c", line], environment: Command.environment, folder: fiveNodes)
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("NODE "))
    #expect(result.errors == "")
    let closed = try await ChildProcess.run(
      "/bin/bash", ["-c", "set -o pipefail; \(BuiltProducts.rollcall) get members --direct | true"],
      environment: Command.environment, folder: fiveNodes)
    #expect(closed.errors == "")
  }

  @Test("of several that are named those that are there are printed, and each that isn't is told")
  func severalNamed() async throws {
    let result = try await Command.run(
      "get members worker-1 nope worker-2 nobody -o jsonpath={.metadata.id}", in: fiveNodes)
    #expect(result.status == 1 && result.output == "worker-1\nworker-2\n", "\(result)")
    let errors = result.errors.split(separator: "\n")
    #expect(errors.count == 2 && errors[0].contains("'nope'") && errors[1].contains("'nobody'"), "\(result)")
    let none = try await Command.run("get members nope", in: fiveNodes)
    #expect(none.status == 1 && none.output == "", "\(none)")
  }
}
