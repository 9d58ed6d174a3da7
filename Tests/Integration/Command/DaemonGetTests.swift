import Foundation
import StatusTestSupport
import TestSupport
import Testing

@Suite("get asks the running daemon")
struct DaemonGetTests {
  @Test(
    "and prints the documented world as its documentation shows it",
    arguments: [
      ("get members", "members.txt"), ("get members -o wide", "members-wide.txt"),
      ("get members -owide", "members-wide.txt"), ("get members --all", "members-all.txt"),
      ("get registries", "registries.txt"), ("get conflicts --all", "conflicts-all.txt"),
    ])
  func tables(line: String, file: String) async throws {
    let result = try await DaemonWorld().run(line)
    #expect(try trimmedLines(result.output) == DaemonWorld.file(file))
    #expect(result.errors == "")
    #expect(result.status == 0)
  }

  @Test("with selectors as they were written, and shows states that were asked for")
  func selectors() async throws {
    let world = try DaemonWorld()
    let result = try await world.run([
      "get", "members", "-l", "rack in (a,b)", "--field-selector", "status.state!=ready", "--status",
      "missing,left", "-o", "name", "--sort-by", ".status.since",
    ])
    #expect(result.output == "member/w-3\nmember/cp-3\n")
    #expect(
      world.daemon.requests.map(\.query) == [
        ["labelSelector": "rack in (a,b)", "fieldSelector": "status.state!=ready"]
      ])
  }

  @Test("for those that are named, in any way that other verbs print")
  func named() async throws {
    for line in ["get member w-3 cp-1", "get member/w-3 member/cp-1", "get members member/w-3 cp-1"] {
      let result = try await DaemonWorld().run("\(line) -o jsonpath={.metadata.id}:{.node}")
      #expect(result.output == "w-3:10.20.0.11\ncp-1:10.20.0.11\n", "\(result)")
    }
    let mixed = try await DaemonWorld().run("get member/w-3 registry/service")
    #expect(mixed.status == 2)
    #expect(mixed.errors.hasPrefix("rollcall: 'registry/service' is of another type than 'member/w-3'"))
  }

  @Test("and tells of one that is gone that it is, unless all are asked for")
  func gone() async throws {
    let result = try await DaemonWorld().run("get member w-4")
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("rollcall: w-4 isn't listed: it left 41m ago (deleted"))
    #expect(result.errors.hasSuffix("; --all shows it, 'explain w-4' tells all\n"))
    let all = try await DaemonWorld().run("get member w-4 --all -o name")
    #expect(all.output == "member/w-4\n")
  }

  @Test("and tells what the daemon says of one that it doesn't know")
  func unknown() async throws {
    let result = try await DaemonWorld().run("get member w-9")
    #expect(result.status == 1)
    #expect(result.errors == "rollcall: there is no member 'w-9': did you mean 'w-3'?\n")
  }

  @Test(
    "and ends with 3 where a registry is missing in what it shows, which it names, unless that is well",
    arguments: [("", Int32(3)), (" --partial-ok", 0)])
  func partial(flag: String, status: Int32) async throws {
    let members = try DaemonWorld.file("members.json").replacing(
      "\"partial\": []", with: "\"partial\": [\"netbox\"]")
    let world = try DaemonWorld { $0.path == "/v1/members" ? .json(members) : nil }
    let result = try await world.run("get members -o name\(flag)")
    #expect(result.status == status)
    #expect(result.output.hasPrefix("member/cp-1\n"))
    #expect(
      result.errors == "rollcall: registry netbox has failed, or was never heard: what it knows is missing\n")
  }

  @Test("and gives a wrong selector back as a mistake on the command line")
  func wrongSelector() async throws {
    let world = try DaemonWorld { _ in
      .json(
        #"{"title":"Bad Request","detail":"'status.stat': did you mean 'status.state'?","code":"invalid-selector"}"#,
        status: 400)
    }
    let result = try await world.run("get members --field-selector status.stat=x")
    #expect(result.status == 2)
    #expect(result.errors == "rollcall: 'status.stat': did you mean 'status.state'?\n")
  }

  @Test("and falls back to the registries only where no daemon was asked for, which it says in one line")
  func fallBack() async throws {
    let folder = try TemporaryFolder()
    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "members.yaml")
    let none = folder.path("none.sock")
    let chosen = try await Command.run("get members --socket \(none)", in: folder.path)
    #expect(chosen.status == 1)
    #expect(
      chosen.errors
        == "rollcall: nothing answers at \(none): is 'rollcall run' running? (--direct asks the registries without it)\n"
    )
    let found = try await Command.start(
      ["get", "members", "-o", "name"], in: folder.path,
      environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path]
    ).result()
    #expect(found.status == 0)
    #expect(found.output == "member/one\n")
    #expect(found.errors.hasPrefix("rollcall: no daemon answers at \(folder.path)/rollcall.sock or "))
    #expect(found.errors.split(separator: "\n").count == 1)
    let direct = try await Command.run(
      "get members -o name --direct", in: folder.path,
      environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path])
    #expect(direct.errors == "")
    // A daemon that refuses is one.
    let daemon = try FakeDaemon(at: folder.path("rollcall.sock")) { _ in
      .json("{\"detail\":\"no\"}", status: 500)
    }
    let refused = try await Command.run(
      "get members", in: folder.path, environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path])
    #expect(refused.status == 1 && refused.output == "" && refused.errors == "rollcall: no\n")
    daemon.end()
  }

  @Test("but not where another configuration is named")
  func otherConfiguration() async throws {
    let world = try DaemonWorld()
    try world.folder.write(
      "cluster: {discovery: {registries: {a: {plugin: static-file, path: a.yaml}}}}\nnode: {publish: false}\n",
      to: "rollcall.yaml")
    try world.folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "a.yaml")
    let result = try await world.run("get members -o name -c rollcall.yaml")
    #expect(result.output == "member/one\n")
    #expect(world.daemon.requests.isEmpty)
    let both = try await world.run("get members --direct --socket x")
    #expect(both.status == 2)
  }

  @Test("and prints a daemon's own answer as it is")
  func raw() async throws {
    let world = try DaemonWorld()
    let result = try await world.run("get --raw /v1/registries")
    #expect(try result.output == DaemonWorld.file("registries.json"))
    let unknown = try await world.run("get --raw /v2/x")
    #expect(unknown.status == 1)
    #expect(unknown.errors == "rollcall: there is no /v2/x\n")
    #expect(try await world.run("get --raw v1").status == 2)
    #expect(try await world.run("get members --raw /v1").status == 2)
  }

  @Test("and tells a person of what is wrong under the table, and only a person")
  func summary() async throws {
    let world = try DaemonWorld()
    func shown(_ arguments: [String]) async throws -> String {
      try await PseudoTerminal.output(
        of: BuiltProducts.rollcall, arguments + ["--socket", world.socket], environment: Command.environment,
        folder: world.folder.path, hasErrors: true)
    }
    let terminal = try await shown(["get", "members"])
    #expect(
      terminal.contains(
        "1 missing (w-3, 12m), 1 notready (w-2), 2 in conflict, 1 left; kubernetes is degraded: see 'rollcall status'"
      ), "\(terminal)")
    let conflicts = try await shown(["get", "conflicts"])
    #expect(conflicts.contains("3 more of severity info (fields that registries write differently): --all"))
    #expect(conflicts.contains("address/10.20.0.22   warning"))
    #expect(!conflicts.contains("hostname"))
  }

  @Test("and follows it: what is there, each change, and what a restart of it changed")
  func watch() async throws {
    @Sendable func event(_ id: String, _ name: String, _ member: String, _ version: Int) -> String {
      "id: \(id)\nevent: \(name)\ndata: {\"type\":\"members\",\"object\":{\"metadata\":{\"id\":\"\(member)\",\"version\":\(version)},\"spec\":{\"nodeId\":\"\(member)\",\"addresses\":[]}}}\n\n"
    }
    let synced = "id: e.2\nevent: SYNCED\ndata: {\"now\":\"2026-11-26T03:00:00Z\"}\n\n"
    let world = try DaemonWorld { request in
      guard request.query["watch"] == "true" else { return nil }
      return request.headers["last-event-id"] == nil
        ? .stream("retry: 10\n\n" + event("e.1", "ADDED", "a", 1) + event("e.1", "ADDED", "b", 1) + synced)
        : .stream(
          "retry: 10\n\nid: f.1\nevent: RESET\ndata: {\"reason\":\"restarted\"}\n\n"
            + event("f.1", "ADDED", "a", 1) + event("f.1", "ADDED", "c", 1) + synced)
    }
    let process = try Command.start(
      [
        "get", "members", "--watch", "-o", "custom-columns=ID:.metadata.id,V:.metadata.version,E:.event",
        "--no-headers",
      ],
      in: world.folder.path, environment: ["ROLLCALL_SOCKET": world.socket])
    func lines() -> [String] {
      process.outputSoFar.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }
    try await eventually("what is there is printed") { lines() == ["a 1 created", "b 1 created"] }
    try await eventually("the stream is open") { world.daemon.streamCount == 1 }
    world.daemon.push(event("e.3", "MODIFIED", "b", 2))
    try await eventually("a change is printed") { lines().last == "b 2 updated" }
    world.daemon.endStreams()
    try await eventually("what a restart changed is printed") {
      Array(lines().dropFirst(3)) == ["c 1 created", "b 2 destroyed"]
    }
    try await eventually("who is away is told") { process.errorsSoFar.contains("the daemon is back") }
    #expect(process.errorsSoFar.contains("waiting for the daemon"))
    process.signal(SIGTERM)
    _ = try await process.result()
  }
}
