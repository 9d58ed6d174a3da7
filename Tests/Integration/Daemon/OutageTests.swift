import Foundation
import TestSupport
import Testing

/// What a daemon that keeps a file and runs a hook makes of outages, restarts and losses.
@Suite("Outages and restarts", .serialized, .timeLimit(.minutes(5)))
struct OutageTests {
  private static let names = ["cp-1", "cp-2", "w-1"]

  private let site: Site

  /// Three machines that know each other; cp-1 writes a file and runs a hook.
  init() async throws {
    site = try await Site()
    for name in Self.names { site.put(try Site.machine(name)) }
    // Who is there before cp-1 is no news to it.
    try site.start(try Site.machine("cp-2"))
    try site.start(try Site.machine("w-1"))
    try await site.meet(Array(Self.names.dropFirst()), registries: "service,kubernetes", on: "cp-2")
    try site.start(
      try Site.machine("cp-1"), node: ["keepOnExit: true"],
      more: """
        outputs:
          hosts: {format: hosts, path: ../hosts, debounce: 10ms}
        hooks:
          tell: {command: [sh, -c, "cat >> ../told"], on: [member]}
        """)
    for name in ["cp-1", "cp-2"] {
      try await site.meet(Self.names, registries: "service,kubernetes", on: name)
    }
    try await eventually("the file has all", within: .seconds(60)) { hosts().count == 3 }
  }

  @Test("a machine that boots while every registry is away has its peers at once, and as before afterwards")
  func boot() async throws {
    let (since, told, file) = (try await since(), self.told(), try inode())
    let history = try await memberHistory()
    try await site.stop("cp-1")
    try await site.killService()
    site.server.stop()

    // The best of some, as the machine that runs tests has other work too.
    var best = Duration.seconds(60)
    for _ in 0..<20 where best >= .milliseconds(200) {
      let start = ContinuousClock().now
      try site.restart("cp-1")
      try await eventually("its peers are there", within: .seconds(60)) {
        SocketRequest.states(at: site.socket("cp-1"))
          == ["cp-1": "ready", "cp-2": "stale", "w-1": "stale"]
      }
      best = min(best, ContinuousClock().now - start)
      try await site.kill("cp-1")
    }
    #expect(best < .milliseconds(200), "\(best)")

    try site.restart("cp-1")
    try await eventually("it is asked", within: .seconds(60)) {
      SocketRequest.states(at: site.socket("cp-1")) != nil
    }
    // What is shown is only a part, and said to be.
    let part = try await site.ask("get members -o wide --no-headers")
    #expect(part.status == 3, "\(part)")
    #expect(part.output.contains(#/cp-2 +stale +cached .*~service,~kubernetes/#), "\(part)")
    for registry in ["service", "kubernetes"] { #expect(part.errors.contains(registry), "\(part)") }
    #expect(try await site.ask("get members --partial-ok").status == 0)
    #expect(try await site.ask("get members -o widest").status == 2)
    let nobody = try await site.ask("get members --socket \(site.folder.path("none"))")
    #expect(nobody.status == 1)
    #expect(
      nobody.errors
        == "rollcall: nothing answers at \(site.folder.path("none")): is 'rollcall run' running? "
        + "(--direct asks the registries without it)\n")
    #expect(try inode() == file && hosts().count == 3)

    // The service comes back empty while nobody else can be heard: all are held.
    for name in ["cp-2", "w-1"] { site.signal(SIGSTOP, name) }
    try await site.startService()
    _ = try await site.output("wait registries service --timeout 60s")
    let held = try await site.ask("get members -o wide --no-headers --partial-ok")
    #expect(held.output.contains(#/cp-2 +stale +cached /#), "\(held)")
    #expect(held.output.contains(#/w-1 +stale +cached /#), "\(held)")
    #expect(try inode() == file)
    // Kubernetes too: it is heard before those who are held.
    try site.server.start()
    _ = try await site.output("wait registries kubernetes --timeout 60s")
    #expect(try inode() == file)
    for name in ["cp-2", "w-1"] { site.signal(SIGCONT, name) }
    _ = try await site.output("wait registries --timeout 60s")
    try await site.meet(Self.names, registries: "service,kubernetes")
    let (sinceAfter, historyAfter) = (try await self.since(), try await memberHistory())
    #expect(sinceAfter == since && historyAfter == history, "\(site.log("cp-1"))")
    #expect(try inode() == file && hosts().count == 3)

    // A loss and a return are told once each, and nothing of before.
    #expect(self.told().count == told.count)
    try await join("w-2")
    try await lose("w-2")
    let after = self.told().dropFirst(told.count)
    #expect(
      after.map { "\($0["id"] ?? "") \($0["to"] ?? "")" } == ["w-2 ready", "w-2 missing", "w-2 ready"],
      "\(after)")
    #expect(hosts().count == 4)
  }

  @Test("others see nothing of an upgrade of a machine that keeps what it published")
  func upgrade() async throws {
    let before = try await site.output("history --node cp-1 -o ndjson", on: "cp-2")
    let wide = "get members cp-1 -o jsonpath={.status.state}{.status.since}{.metadata.version}"
    let shown = try await site.output(wide, on: "cp-2")
    try await site.stop("cp-1")
    #expect(try await site.output(wide, on: "cp-2") == shown)
    try site.restart("cp-1")
    try await eventually("it is asked", within: .seconds(60)) {
      SocketRequest.states(at: site.socket("cp-1")) != nil
    }
    _ = try await site.output("wait registries --timeout 60s")
    try await site.meet(Self.names, registries: "service,kubernetes")
    // What happened later is known there.
    try await join("w-2")
    try await lose("w-2")
    try await site.reach("cp-2 saw it", "history --node w-2 -o ndjson", on: "cp-2") {
      $0.contains(#"missing"#)
    }
    #expect(try await site.output("history --node cp-1 -o ndjson", on: "cp-2") == before)
    #expect(try await site.output(wide, on: "cp-2") == shown)
    #expect(!site.log("cp-2").contains("member left member=cp-1"), "\(site.log("cp-2"))")
  }

  /// Adds a machine with a short lease, until that was told.
  private func join(_ name: String) async throws {
    let before = told().count
    site.put(try Site.machine(name))
    try site.start(try Site.machine(name), ttl: "8s")
    try await site.meet(Self.names + [name], registries: "service,kubernetes")
    try await eventually("that is told", within: .seconds(60)) { told().count > before }
  }

  /// Takes the power of a machine with a short lease away, and gives it back, each until that was told.
  private func lose(_ name: String) async throws {
    let before = told().count
    try await site.kill(name)
    _ = try await site.output("wait member \(name) --for missing --timeout 60s")
    try await eventually("that is told", within: .seconds(60)) { told().count == before + 1 }
    try site.restart(name)
    _ = try await site.output("wait member \(name) --for ready --timeout 60s")
    try await eventually("that is told too", within: .seconds(60)) { told().count == before + 2 }
  }

  // MARK: What is there

  /// The lines of the output.
  private func hosts() -> [Substring] {
    ((try? contents(site.folder.path("hosts"))) ?? "").split(separator: "\n").filter { !$0.hasPrefix("#") }
  }

  private func inode() throws -> UInt {
    var info = stat()
    try #require(stat(site.folder.path("hosts"), &info) == 0)
    return UInt(info.st_ino)
  }

  /// What the hook was told.
  private func told() -> [[String: Any]] {
    ((try? contents(site.folder.path("told"))) ?? "").split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
  }

  /// Since when cp-1's peers are as they are.
  private func since() async throws -> String {
    try await site.output("get members cp-2 w-1 -o jsonpath={.metadata.id}{.status.state}{.status.since}")
  }

  /// Everything that happened to members.
  private func memberHistory() async throws -> [Substring] {
    try await site.output("history -o ndjson").split(separator: "\n").filter {
      $0.contains(#""type":"member""#)
    }
  }
}
