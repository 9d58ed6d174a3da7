import Foundation
import TestSupport
import Testing

/// A real daemon of two files, which tests change.
private final class RunningDaemon {
  let folder: TemporaryFolder
  private(set) var process: ChildProcess
  var socket: String { folder.path("run/rollcall.sock") }
  private var environment: [String: String] {
    ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path("run")]
  }

  init() async throws {
    folder = try TemporaryFolder()
    try twoFiles(folder)
    process = try Command.start(
      ["run", "--state", folder.path("state")], in: folder.path,
      environment: ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path("run")])
    let synced = try await ask("wait registries --timeout 20s")
    try #require(synced.status == 0, "\(synced)\n\(process.errorsSoFar)")
  }

  deinit { process.signal(SIGKILL) }

  /// Asks as a person does who has this daemon's folder in the environment.
  func ask(_ line: String) async throws -> ChildProcess.Result {
    try await Command.start(
      line.split(separator: " ").map(String.init), in: folder.path, environment: environment
    ).result()
  }

  func start(_ arguments: [String]) throws -> ChildProcess {
    try Command.start(arguments, in: folder.path, environment: environment)
  }

  /// Stops it, and starts it again.
  func restart() async throws {
    process.signal(SIGTERM)
    _ = try await process.result()
    process = try start(["run", "--state", folder.path("state")])
  }

  /// Gives the first file these nodes.
  func list(_ nodes: [(id: String, name: String, address: String)]) throws {
    try folder.replace("a.yaml", with: RollcallNodes.text(nodes))
  }
}

/// A file of nodes, under another name than the function that parameters hide.
private enum RollcallNodes {
  static func text(_ list: [(id: String, name: String, address: String)]) -> String { nodes(list) }
}

@Suite("A running daemon is asked", .serialized)
struct RunningDaemonTests {
  @Test("lists, single members, registries, conflicts and the overview, as without one")
  func lists() async throws {
    let daemon = try await RunningDaemon()
    for line in [
      "get members -o name", "get members", "get affiliates", "get affiliates --namespace cluster-raw",
      "get member one -o jsonpath={.spec.addresses}", "get affiliate a/n1 --namespace cluster-raw -o name",
      "get affiliates n2 --namespace cluster-raw -o name",
      "get registries -o jsonpath={.metadata.id}{.status.state}",
    ] {
      let asked = try await daemon.ask(line)
      let direct = try await Command.run("\(line) --direct", in: daemon.folder.path)
      #expect(asked.status == 0, "\(line): \(asked)")
      #expect(asked.errors == "", "\(line): \(asked)")
      #expect(versionsLeftOut(asked.output) == versionsLeftOut(direct.output), "\(line)")
    }
    let status = try await daemon.ask("status")
    #expect(status.status == 0, "\(status)")
    #expect(status.output.contains("\nMEMBERS      2 listed: 2 ready"), "\(status)")
    let conflicts = try await daemon.ask("get conflicts --all")
    #expect(conflicts.output.hasPrefix("ID  "), "\(conflicts)")
    let explained = try await daemon.ask("explain two")
    #expect(explained.output.contains("\naddresses: "), "\(explained)")
    let conflict = try await daemon.ask("get conflicts --all -o name")
    for name in conflict.output.split(separator: "\n") {
      #expect(try await daemon.ask("get \(name) -o name").output == "\(name)\n")
    }
  }

  @Test("selectors choose, and a wrong one is a mistake on the command line")
  func selectors() async throws {
    let daemon = try await RunningDaemon()
    #expect(
      try await daemon.ask("get members --field-selector metadata.id=one -o name").output == "member/one\n")
    #expect(try await daemon.ask("get members --status missing,left -o name").output == "")
    let wrong = try await daemon.ask("get members --field-selector status.stat=ready")
    #expect(wrong.status == 2, "\(wrong)")
    #expect(wrong.errors.contains("status.state"), "\(wrong)")
    let unknown = try await daemon.ask("get member onn")
    #expect(unknown.status == 1 && unknown.errors.contains("did you mean 'one'?"), "\(unknown)")
  }

  @Test("a member that goes is a tombstone: not listed, told of, waited for, in history, forgotten")
  func tombstone() async throws {
    let daemon = try await RunningDaemon()
    try daemon.list([("n2", "two", "10.0.0.2")])
    let gone = try await daemon.ask("wait member member/one --for gone --timeout 20s")
    #expect(gone.status == 0 && gone.output.hasPrefix("one is gone after "), "\(gone)")
    let single = try await daemon.ask("get member one")
    #expect(single.status == 1, "\(single)")
    #expect(single.errors.hasPrefix("rollcall: one isn't listed: it left "), "\(single)")
    #expect(try await daemon.ask("get members --all -o name").output == "member/one\nmember/two\n")
    let history = try await daemon.ask("history --node one -o ndjson")
    #expect(history.output.contains("\"id\":\"one\""), "\(history)")
    let listed = try await daemon.ask("forget two")
    #expect(listed.status == 1 && listed.errors.contains("two"), "\(listed)")
    let forgotten = try await daemon.ask("forget one")
    #expect(forgotten.output == "one is forgotten\n", "\(forgotten)")
    #expect(try await daemon.ask("get members --all -o name").output == "member/two\n")
  }

  @Test("wait is told of changes, and of one that doesn't come in time")
  func wait() async throws {
    let daemon = try await RunningDaemon()
    let process = try daemon.start(["wait", "members", "--count", "3", "--timeout", "30s"])
    try await eventually("it says what it waits for") {
      process.errorsSoFar.contains("2 of 3 ready (one, two); waiting for 1")
    }
    try daemon.list([("n1", "one", "10.0.0.1"), ("n2", "two", "10.0.0.2"), ("n3", "three", "10.0.0.3")])
    let result = try await process.result()
    #expect(result.status == 0 && result.output.hasPrefix("3 members are ready after "), "\(result)")
    let late = try await daemon.ask("wait member four --for listed --timeout 50ms")
    #expect(late.status == 4, "\(late)")
    #expect(late.errors.hasSuffix("rollcall: gave up after 50ms: four is unknown\n"), "\(late)")
  }

  @Test("a watch goes on over a restart of the daemon, and prints what differs after it alone")
  func restart() async throws {
    let daemon = try await RunningDaemon()
    let process = try daemon.start(
      ["get", "members", "-w", "--no-headers", "-o", "custom-columns=ID:.metadata.id,E:.event"])
    func lines() -> [String] {
      process.outputSoFar.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }
    try await eventually("what is there is printed") { lines() == ["one created", "two created"] }
    try await daemon.restart()
    try await eventually("it is back", within: .seconds(60)) {
      process.errorsSoFar.contains("the daemon is back")
    }
    #expect(try await daemon.ask("wait registries --timeout 20s").status == 0)
    try daemon.list([("n1", "one", "10.0.0.1"), ("n2", "two", "10.0.0.2"), ("n3", "three", "10.0.0.3")])
    try await eventually("the next is printed") { lines().contains("three created") }
    #expect(lines().filter { $0.hasSuffix("created") } == ["one created", "two created", "three created"])
    #expect(!lines().contains { $0.hasSuffix("destroyed") })
    process.signal(SIGTERM)
    _ = try await process.result()
  }

  @Test("what differs from then, between two files, and what the daemon itself answers")
  func diff() async throws {
    let daemon = try await RunningDaemon()
    let between = try await daemon.ask("diff a b --exit-code")
    #expect(between.status == 5, "\(between)")
    #expect(between.output.contains("- b"), "\(between)")
    let tooFar = try await daemon.ask("diff --since 2001-01-01T00:00:00Z")
    #expect(tooFar.status == 1, "\(tooFar)")
    #expect(tooFar.errors.contains("the journal reaches back to "), "\(tooFar)")
    let raw = try await daemon.ask("get --raw /v1/members")
    #expect(raw.output.hasPrefix(#"{"apiVersion":"rollcall.dev/v1","kind":"MemberList","#), "\(raw)")
    #expect(try await daemon.ask("ansible --list").output.contains(#""ansible_host":"10.0.0.1""#))
  }
}
