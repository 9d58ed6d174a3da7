import Foundation
import TestSupport
import Testing

@Suite("The guide to a discovery service of one's own", .timeLimit(.minutes(2)))
struct DiscoveryServiceGuideTests {
  private static let guide = "Docs/Discovery-service.md"

  /// What a shell needs to be the reader's.
  private static let environment: [String: String] = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return Command.environment.merging(["PATH": BuiltProducts.folder.path + ":" + path]) { $1 }
  }()

  private static func blocks(_ language: String) throws -> [MarkdownBlock] {
    try MarkdownBlock.all(in: guide).filter { $0.language == language }
  }

  @Test("shows a service and three nodes that find each other, and metrics that exist")
  func minute() async throws {
    let (service, pages) = (try LoopbackPort.free(), try LoopbackPort.free())
    let scripts = try Self.blocks("sh").map {
      $0.text.replacing(":3000", with: ":\(service)").replacing(":3001", with: ":\(pages)")
    }
    try #require(scripts.count == 2)
    let folder = try TemporaryFolder()
    // As at the end of a terminal's session, what was started in the background ends with the shell.
    let shell = try ChildProcess(
      "bash", ["-euc", "trap 'kill $(jobs -p); wait; exit 0' TERM\n\(scripts[0])\nwait"],
      environment: Self.environment, folder: folder.path)
    do {
      try await eventually("each knows all", within: .seconds(60)) {
        let result = try await ChildProcess.run(
          "/bin/sh", ["-euc", scripts[1]], environment: Self.environment, folder: folder.path)
        return (["one", "two", "three"].map { "\($0).example" } + ["service/"])
          .allSatisfy(result.output.contains)
      }
      try await metrics(pages)
    } catch {
      Issue.record("\(error)\n\(shell.errorsSoFar)")
    }
    shell.signal(SIGTERM)
    #expect(try await shell.result().status == 0)
  }

  /// Compares the metrics that the guide names with those that the service tells.
  private func metrics(_ port: Int) async throws {
    let page = try await ChildProcess.run(
      "bash",
      [
        "-c",
        "exec 3<>/dev/tcp/127.0.0.1/\(port); printf 'GET /metrics HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' >&3; cat <&3",
      ])
    let told = Set(page.output.matches(of: /(?m)^# TYPE (\S+)/).map { String($0.1) })
    let guide = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent(Self.guide), encoding: .utf8)
    let named = Set(guide.matches(of: /`((?:discovery|grpc)_[a-z_]+)`/).map { String($0.1) })
    #expect(named.count > 5)
    #expect(named.isSubset(of: told), "\(named.subtracting(told))")
  }

  @Test("shows a tokens file that the service takes")
  func tokens() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(try #require(try Self.blocks("text").first).text, to: "tokens")
    let port = try LoopbackPort.free()
    let service = try Command.start([
      "serve", "--addr", "127.0.0.1:\(port)", "--landing-addr", "", "--metrics-addr", "", "--tokens-file",
      file,
    ])
    try await eventually("it listens or has ended") {
      service.errorsSoFar.contains("the discovery service listens") || !service.isRunning
    }
    #expect(service.isRunning, "\(service.errorsSoFar)")
    service.signal(SIGTERM)
    #expect(try await service.result().status == 0)
  }

  @Test("lists all options and no others")
  func options() async throws {
    let help = try await Command.output("serve --help")
    let existing = Set(help.matches(of: /(?m)^  (--[a-z-]+)/).map { String($0.1) }).subtracting(["--version"])
    let guide = try String(
      contentsOf: BuiltProducts.checkout.appendingPathComponent(Self.guide), encoding: .utf8)
    let table = try #require(guide.range(of: "## Options"))
    let rows = guide[table.upperBound...].split(separator: "\n").filter { $0.hasPrefix("| `--") }
    let listed = rows.flatMap { row in
      (row.split(separator: "|").first ?? "").matches(of: /`(--[a-z-]+)`/).map { String($0.1) }
    }
    #expect(Set(listed) == existing)
    #expect(Set(listed).count == listed.count)
  }
}
