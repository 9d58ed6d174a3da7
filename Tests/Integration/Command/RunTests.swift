import Foundation
import TestSupport
import Testing

@Suite struct RunTests {
  @Test("changes are logged one line each; SIGTERM and SIGINT end it cleanly", arguments: [SIGTERM, SIGINT])
  func changes(signal: Int32) async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "registry synced affiliates=2 registry=a")
    try await logged(process, "registry synced affiliates=1 registry=b")
    try await logged(process, #"member joined addresses="[\"10.0.0.1\"]" member=one type=unknown version=1"#)
    try folder.replace("a.yaml", with: nodes([("n1", "one", "10.0.0.9"), ("n3", "three", "10.0.0.22")]))
    try await logged(
      process, #"member changed addresses="[\"10.0.0.1\"] -> [\"10.0.0.9\"]" member=one version=2"#)
    try await logged(process, "member joined", "member=three")
    try await logged(process, "conflict: address 10.0.0.22 is claimed by n2, n3")
    try folder.replace("a.yaml", with: "nodes: []")
    try await logged(process, "member left member=one")
    try await logged(process, "conflict is over about=\"address 10.0.0.22\"")
    process.signal(signal)
    let result = try await process.result()
    #expect(result.status == 0, "\(result)")
    #expect(result.output == "")
    #expect(result.errors.hasSuffix(" notice stopped\n"))
    // A mere observer has no identity, but what it knows survives a restart.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("state")).sorted() == ["lock", "state"])
  }

  @Test("SIGHUP takes on a new configuration and keeps what runs; a file with errors changes nothing")
  func reload() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let good = try contents(folder.path("rollcall.yaml"))
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "registry=a", "registry synced")

    try folder.write("cluster: {discoveri: {}}\nnode: {publish: maybe}\n", to: "rollcall.yaml")
    process.signal(SIGHUP)
    try await logged(process, "rollcall.yaml:1:11: unknown key")
    try await logged(process, "rollcall.yaml:2:17: node.publish must be true or false")
    try await logged(process, "the configuration wasn't reloaded: nothing has changed")

    try folder.write(
      good.replacing("b: {plugin: static-file, path: b.yaml, debounce: 10ms}", with: "b: {disabled: true}")
        .replacing("node:", with: "      c: {plugin: static-file, path: c.yaml}\nnode:"),
      to: "rollcall.yaml")
    try folder.write(nodes([("n4", "four", "10.0.0.4")]), to: "c.yaml")
    process.signal(SIGHUP)
    try await logged(process, "configuration reloaded", "added=c", "kept=1", "removed=b")
    try await logged(process, "member joined", "member=four")
    let starts = process.errorsSoFar.split(separator: "\n").filter {
      $0.contains("registry starting registry=a")
    }
    #expect(starts.count == 1)
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test(
    "a second one with the same state folder is refused, with the first one's process named; after it one goes on"
  )
  func lockedState() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write(
      try contents(folder.path("rollcall.yaml")).replacing("publish: false", with: "publish: true"),
      to: "rollcall.yaml")
    let first = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(first, "registry synced affiliates=2 registry=a")
    let second = try await Command.run("run --state state", in: folder.path)
    #expect(second.status == 1)
    #expect(
      second.errors.hasSuffix(
        "rollcall: the state folder 'state' is in use by the process \(first.processID): one rollcall runs with an identity; "
          + "stop it, or give this one another folder by --state\n"), "\(second)")
    // Who only looks isn't in the way.
    #expect(try await Command.run("get members --state state", in: folder.path).status == 0)
    first.signal(SIGKILL)
    _ = try await first.result()
    let third = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(third, "registry synced affiliates=2 registry=a")
    third.signal(SIGTERM)
    #expect(try await third.result().status == 0)
  }

  @Test(
    "a configuration that was cut within its registries changes nothing",
    arguments: [
      "node: {publish: false}\ncluster:\n  discovery:\n    registries:\n",
      "node: {publish: false}\ncluster: {discovery: {registries: {}}}\n", "node: {publish: false}\n",
    ])
  func cutConfiguration(text: String) async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "registry synced affiliates=2 registry=a")
    try folder.write(text, to: "rollcall.yaml")
    process.signal(SIGHUP)
    try await logged(process, "it has no registries any more, and some run; to run none, write `cluster: ")
    try await logged(process, "the configuration wasn't reloaded: nothing has changed")
    #expect(!process.errorsSoFar.contains("member left"))
    try folder.write("cluster: {discovery: {enabled: false}}\n", to: "rollcall.yaml")
    process.signal(SIGHUP)
    try await logged(process, "configuration reloaded")
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test("the node's identity is made once, for its owner alone, and stays")
  func identity() async throws {
    let folder = try TemporaryFolder()
    try twoFiles(folder)
    try folder.write(
      try contents(folder.path("rollcall.yaml"))
        .replacing("publish: false, hostname: watcher", with: "hostname: watcher, addresses: [10.0.0.7]"),
      to: "rollcall.yaml")
    var identities: Set<String> = []
    for _ in 0..<2 {
      let process = try Command.start(["run", "--state", "state"], in: folder.path)
      try await logged(process, "member joined", "member=watcher")
      process.signal(SIGTERM)
      #expect(try await process.result().status == 0)
      identities.insert(try contents(folder.path("state/node-identity.yaml")))
    }
    #expect(identities.count == 1)
    let file = try FileManager.default.attributesOfItem(atPath: folder.path("state/node-identity.yaml"))
    #expect(file[.posixPermissions] as? Int == 0o600)
    let shown = try await Command.output(
      "get identities --state state -o jsonpath=nodeId:{.spec.nodeId}", in: folder.path)
    #expect(identities == [shown.replacing("nodeId:", with: "nodeId: ")])
    let member = try await Command.output(
      "get member watcher --state state -o jsonpath={.node}", in: folder.path)
    #expect(member == "10.0.0.7\n")
  }

  @Test("everything disabled: it says that discovery is off and why, and ends with 0")
  func off() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "cluster: {discovery: {registries: {a: {plugin: static-file, disabled: true}}}}\n", to: "rollcall.yaml")
    let result = try await Command.run("run --state state", in: folder.path)
    #expect(result.status == 0)
    #expect(result.errors.contains("notice discovery is off: a: disabled is true; service: "))
    #expect(!FileManager.default.fileExists(atPath: folder.path("state")))
  }

  @Test("without a configuration it takes the folder's files of members, and says what to write to get more")
  func noConfiguration() async throws {
    let folder = try TemporaryFolder()
    let bare = try await Command.run("run --state state", in: folder.path)
    #expect(bare.status == 0)
    #expect(bare.errors.contains("discovery is off"))
    #expect(bare.errors.contains("`rollcall gen config > rollcall.yaml` writes one to start from"))

    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "members.yaml")
    let process = try Command.start(["run", "--state", "state"], in: folder.path)
    try await logged(process, "no configuration: the files of members in this folder are taken")
    try await logged(process, "`rollcall gen config > rollcall.yaml` writes one to start from")
    try await logged(process, "member joined", "member=one")
    process.signal(SIGTERM)
    #expect(try await process.result().status == 0)
  }

  @Test("a file with errors doesn't start, and all of them are told")
  func badConfiguration() async throws {
    let folder = try TemporaryFolder()
    try folder.write("clutser: {}\nnode: {machineType: wroker}\n", to: "rollcall.yaml")
    let result = try await Command.run("run --state state", in: folder.path)
    #expect(result.status == 1)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(
      lines.first?.hasPrefix("rollcall: rollcall.yaml:1:1: unknown key 'clutser'; did you mean 'cluster'?")
        == true)
    #expect(lines.last?.hasPrefix("rollcall: rollcall.yaml:2:21: ") == true)
  }
}
