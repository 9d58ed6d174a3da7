import Foundation
import StatusTestSupport
import TestSupport
import Testing

@Suite("Verbs that ask the running daemon")
struct DaemonVerbTests {
  @Test("status shows the overview, in each format, and ends with 3 where a registry was never heard")
  func status() async throws {
    let world = try DaemonWorld()
    let result = try await world.run("status")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.output.hasPrefix("cluster 7dQi…/fDo=   node cp-1 (Utoh3O0Z…)   rollcall 1.2.0, up 55m\n"))
    #expect(try await world.run("status -o json").output.contains("\"listed\": 6"))
    #expect(
      try await world.run("status -oyaml").output.hasPrefix("metadata:\n    resourceVersion: q7f3k.1842\n"))
    let overview = try DaemonWorld.file("status.json").replacing(
      "\"partial\": []", with: "\"partial\": [\"netbox\"]")
    let partial = try DaemonWorld { $0.path == "/v1/status" ? .json(overview) : nil }
    let part = try await partial.run("status")
    #expect(part.status == 3)
    #expect(
      part.errors == "rollcall: registry netbox has failed, or was never heard: what it knows is missing\n")
    #expect(try await partial.run("status --partial-ok").status == 0)
  }

  @Test("status without a daemon and without a configuration says what to write")
  func nothing() async throws {
    let folder = try TemporaryFolder()
    let result = try await Command.run("status", in: folder.path)
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("rollcall: there is no configuration file: `rollcall gen config > "))
  }

  @Test("status without a daemon is that of the registries")
  func directStatus() async throws {
    let result = try await Command.run("status", in: fiveNodes)
    #expect(result.status == 0)
    #expect(result.output.contains("\nMEMBERS      5 listed: 5 ready"))
    #expect(result.output.contains("\ninventory   synced"))
  }

  @Test("a daemon of another major version is told once, and asked all the same")
  func otherMajor() async throws {
    let body = try DaemonWorld.file("status.json")
    let world = try DaemonWorld { _ in
      .raw(
        "HTTP/1.1 200 OK\r\nServer: rollcall/7.0.1\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
      )
    }
    let result = try await world.run("status")
    #expect(result.status == 0)
    #expect(result.errors.hasPrefix("rollcall: the daemon is rollcall 7.0.1 and this command "))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test("history is read to its last page, filtered by the daemon")
  func history() async throws {
    let world = try DaemonWorld()
    let result = try await world.run("history --since 1h --node member/w-3 -o ndjson")
    #expect(result.status == 0)
    #expect(result.output.split(separator: "\n").count == 9)
    #expect(
      world.daemon.requests.map(\.query) == [
        ["since": "1h", "node": "w-3"], ["since": "1h", "node": "w-3", "continue": "00000000000000000005"],
      ])
    let table = try await world.run("history --no-headers")
    #expect(table.output.contains("02:48:11") && !table.output.contains("CHANGE"))
    let wrong = try await world.run("history --since yesterday")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("2026-11-26T02:00:00Z"))
    let none = try await Command.run("history --socket /nonexistent.sock")
    #expect(none.status == 1)
    #expect(none.errors == "rollcall: nothing answers at /nonexistent.sock: is 'rollcall run' running?\n")
  }

  @Test("history follows, and tells nothing twice after a restart of the daemon")
  func follow() async throws {
    @Sendable func entry(_ id: String, _ time: String, _ name: String) -> String {
      "id: \(id)\nevent: ADDED\ndata: {\"type\":\"history\",\"object\":{\"time\":\"2026-11-26T\(time)Z\",\"type\":\"member\",\"id\":\"\(name)\",\"from\":null,\"to\":\"ready\"}}\n\n"
    }
    let synced = "id: e.2\nevent: SYNCED\ndata: {}\n\n"
    let world = try DaemonWorld { request in
      request.headers["last-event-id"] == nil
        ? .stream("retry: 10\n\n" + entry("e.1", "02:00:00", "a") + synced)
        : .stream(
          "id: f.1\nevent: RESET\ndata: {}\n\n" + entry("f.1", "02:00:00", "a")
            + entry("f.1", "02:00:01", "b")
            + synced)
    }
    let process = try Command.start(
      ["history", "-w", "-o", "ndjson"], in: world.folder.path, environment: ["ROLLCALL_SOCKET": world.socket]
    )
    func ids() -> [String] { process.outputSoFar.matches(of: #/"id":"(.)"/#).map { String($0.1) } }
    try await eventually("the first is printed") { ids() == ["a"] }
    try await eventually("the stream is open") { world.daemon.streamCount == 1 }
    world.daemon.endStreams()
    try await eventually("the next is printed") { ids() == ["a", "b"] }
    process.signal(SIGTERM)
    _ = try await process.result()
  }

  @Test("diff ends with 5 where it is asked to and something differs, and says how far the journal reaches")
  func diff() async throws {
    let world = try DaemonWorld()
    let since = try await world.run("diff --since 10m")
    #expect(since.status == 0)
    #expect(try trimmedLines(since.output) == DaemonWorld.file("diff-since.txt"))
    let between = try await world.run("diff service registry/inventory --exit-code")
    #expect(between.status == 5)
    #expect(
      between.output.contains("\n4 differences: 2 only in inventory, 0 only in service, 2 differ, 2 equal\n"))
    #expect(world.daemon.requests.map(\.query) == [["since": "10m"], ["registries": "service,inventory"]])
    let short = try DaemonWorld { _ in
      .json(
        #"{"detail":"the journal reaches back to 2026-11-26T02:05:00Z","code":"invalid-parameter"}"#,
        status: 400)
    }
    let tooFar = try await short.run("diff --since 30d")
    #expect(tooFar.status == 1)
    #expect(tooFar.errors == "rollcall: the journal reaches back to 2026-11-26T02:05:00Z\n")
    for line in ["diff", "diff a", "diff a b c", "diff a b --since 1h", "diff --since"] {
      #expect(try await world.run(line).status == 2, "\(line)")
    }
  }

  @Test("diff of two registries works without a daemon")
  func directDiff() async throws {
    let result = try await Command.run("diff inventory racks --exit-code", in: fiveNodes)
    #expect(result.status == 5, "\(result)")
    #expect(result.output.contains("worker-2"))
  }

  @Test("explain asks the daemon, also for an identity")
  func explain() async throws {
    let world = try DaemonWorld()
    let result = try await world.run("explain w-3")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("w-3   missing since 02:48:11 (12m): left service 12m ago (expired)"))
    let ambiguous = try DaemonWorld { _ in
      .json(
        #"{"detail":"'w' is the address of 2 nodes: ask for one by its identity","code":"ambiguous","candidates":[{"id":"w-1","nodeId":"a","why":"address"},{"id":"w-2","nodeId":"b","why":"address"}]}"#,
        status: 300)
    }
    let both = try await ambiguous.run("explain identity/w")
    #expect(both.status == 1)
    #expect(
      both.errors == """
        rollcall: 'w' is the address of 2 nodes: ask for one by its identity
        rollcall:   w-1  a  address
        rollcall:   w-2  b  address

        """)
    #expect(ambiguous.daemon.requests.map(\.target) == ["/v1/explain/identity/w"])
  }

  @Test("forget is the one verb that changes something, and tells why it isn't done")
  func forget() async throws {
    let world = try DaemonWorld { request in
      request.line == "DELETE /v1/members/w-4"
        ? .raw("HTTP/1.1 204 No Content\r\nServer: rollcall/0.2.0\r\n\r\n")
        : .json(
          #"{"detail":"w-3 is still listed by kubernetes, inventory","code":"still-listed"}"#, status: 409)
    }
    #expect(try await world.run("forget member/w-4").output == "w-4 is forgotten\n")
    let listed = try await world.run("forget w-3")
    #expect(listed.status == 1)
    #expect(listed.errors == "rollcall: w-3 is still listed by kubernetes, inventory\n")
  }

  @Test("wait ends with 0 when it is so, with 4 when the time is over, with 1 where nobody answers")
  func wait() async throws {
    let world = try DaemonWorld()
    let ready = try await world.run("wait member member/cp-1 --for ready,stale --timeout 0")
    #expect(ready.status == 0)
    #expect(ready.output == "cp-1 is ready or stale after 0s\n")
    let late = try await world.run("wait member w-3 --for ready --timeout 0")
    #expect(late.status == 4)
    #expect(late.errors.hasPrefix("rollcall: gave up after 0s: w-3 is missing (expired in service "))
    #expect(
      try await world.run("wait members --count 3 --timeout 0").output == "3 members are ready after 0s\n")
    #expect(try await world.run("wait members --count =4 --timeout 0").status == 4)
    let registries = try await world.run("wait registries --for synced --timeout 0")
    #expect(registries.status == 4)
    #expect(
      registries.errors
        == "rollcall: gave up after 0s: kubernetes is degraded: watch: connection refused by 10.20.0.10:6443\n"
    )
    #expect(try await world.run("wait registries service inventory --timeout 0").status == 0)
    let nobody = try await Command.run("wait member x --timeout 50ms --socket \(world.folder.path("none"))")
    #expect(nobody.status == 1)
    #expect(nobody.errors.contains("gave up after 50ms: nothing answers at "))
  }

  @Test(
    "what wait can't wait for is a mistake on the command line",
    arguments: [
      ("wait", "what is waited for?"), ("wait member", "the member's name is missing"),
      ("wait membres", "there is no resource type 'membres': did you mean 'members'?"),
      ("wait affiliates", "affiliates can't be waited for"),
      ("wait members --count five", "'five' isn't a count"),
      ("wait members --status raedy", "--status: there is no 'raedy': did you mean 'ready'?"),
      ("wait members --for ready", "--for is for members that are named"),
      ("wait member a --count 3", "--count is for members, not for one that is named"),
      ("wait member a --for redy", "--for: there is no 'redy': did you mean 'ready'?"),
      ("wait registries -l a=b", "-l is for members"),
      ("wait members -l rack==r1,(", "has a '(' without its ')'"),
      ("wait member a --stable 1m --timeout 1s", "--stable 1m is longer than --timeout 1s"),
    ])
  func wrongWait(line: String, expected: String) async throws {
    let result = try await DaemonWorld().run(line)
    #expect(result.status == 2, "\(result)")
    #expect(result.errors.contains(expected), "\(result)")
  }

  @Test("ansible gives the inventory, and nothing at all where the cluster isn't known")
  func ansible() async throws {
    let world = try DaemonWorld()
    let list = try await world.run("ansible --list")
    #expect(list.status == 0)
    let value = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any]
    #expect(
      value.map { Set($0.keys) }
        == [
          "_meta", "all", "controlplane", "rollcall_left", "rollcall_missing", "rollcall_notready",
          "rollcall_ready", "worker",
        ])
    #expect(try await world.run("ansible --host w-3").output.contains(#""ansible_host":"10.20.0.23""#))
    #expect(try await world.run("ansible --host nobody").status == 1)
    #expect(try await world.run("ansible").status == 2)
    #expect(try await world.run("ansible --list --host x").status == 2)
    let unknown = try DaemonWorld { $0.path == "/readyz" ? .json("not ready", status: 503) : nil }
    let result = try await unknown.run("ansible --list")
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("rollcall: the cluster isn't known yet"))
  }

  @Test(
    "a mistyped verb, flag or type is told with what was meant perhaps",
    arguments: [
      ("statsu", "there is no verb 'statsu': did you mean 'status'?"),
      ("config chekc", "there is no verb 'chekc': did you mean 'check'?"),
      ("frobnicate", "there is no verb 'frobnicate' (the verbs are status, get, "),
      ("history --sicne 1h", "Unknown option '--sicne'. Did you mean '--since'?"),
      ("get hosts", "there is no resource type 'hosts' (the types are"),
      ("get members -o widde", "did you mean 'wide'?"), ("get members -o hosst", "did you mean 'hosts'?"),
      ("get registries -o hosts", "-o hosts is a list of members, not of registries"),
      ("get members -o csv -w", "-o csv is one list"),
      ("get members --sort-by .a -w", "--sort-by has no meaning with --watch"),
      ("get members w-1 -l a=b", "choose of a list"),
      ("get registries --status ready", "--status is for members"),
    ])
  func nearMisses(line: String, expected: String) async throws {
    let result = try await DaemonWorld().run(line)
    #expect(result.status == 2, "\(result)")
    #expect(result.errors.contains(expected), "\(result)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}
