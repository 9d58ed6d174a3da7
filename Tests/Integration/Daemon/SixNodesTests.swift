import Foundation
import TestSupport
import Testing

@Suite("Six nodes, each a process, as documented", .serialized, .timeLimit(.minutes(5)))
struct SixNodesTests {
  @Test("every output for the documented world, and what waits for it to be well again")
  func outputs() async throws {
    let world = try await SixNodes()
    let moment = try await world.live()
    for (line, name) in Self.lines {
      let result = try await world.site.ask(line.replacing("{moment}", with: moment))
      #expect(result.status == 0 && result.errors == "", "\(line): \(result)")
      let shown = world.mask(result.output)
      #expect(try shown == sixNodes(name), "\(line) prints\n\(shown)")
    }
    try await waits(world)
  }

  /// What is asked, and the file that has what is printed.
  private static let lines = [
    ("status", "status"), ("get members", "members"), ("get members -o wide", "members-wide"),
    ("get members --all", "members-all"),
    ("get members --field-selector status.state=missing -o name", "missing"),
    ("get member w-3 -o yaml", "w-3"), ("get registries", "registries"),
    ("get registries -o wide", "registries-wide"), ("get conflicts", "conflicts"),
    ("get conflicts --all", "conflicts-all"), ("history --since 1h", "history"),
    ("diff --since {moment}", "diff-since"), ("diff service inventory", "diff-registries"),
    ("explain w-3", "explain"), ("get members -o hosts", "hosts"), ("ansible --list", "ansible"),
  ]

  private func waits(_ world: SixNodes) async throws {
    let site = world.site
    let late = try await site.ask("wait member w-3 --for ready --timeout 1s")
    #expect(late.status == 4, "\(late)")
    #expect(
      masked(late.errors) == """
        rollcall: w-3: missing since <time> (expired in service)
        rollcall: gave up after <age>: w-3 is missing (expired in service <age> ago)

        """)
    let degraded = try await site.ask("wait registries --for synced --timeout 1s")
    #expect(degraded.status == 4, "\(degraded)")
    #expect(
      world.mask(degraded.errors).hasSuffix(
        "rollcall: gave up after <age>: kubernetes is degraded: <server> can't be reached: Connection refused; "
          + "the URL is of context 'x' of ../kubeconfig\n"), "\(degraded)")
    let process = try site.start("wait members --count 5 --timeout 60s")
    try await eventually("it says who is waited for", within: .seconds(60)) {
      process.errorsSoFar.contains(
        "3 of 5 ready (cp-1, cp-2, w-1); waiting for 2: cp-3 left, w-2 notready, w-3 missing\n")
    }
    for name in ["cp-3", "w-3"] { try site.restart(name) }
    let met = try await process.result(within: .seconds(90))
    #expect(met.status == 0 && masked(met.output) == "5 members are ready after <age>\n", "\(met)")
  }
}
