import Foundation
import TestSupport
import Testing

@Suite("The demo", .serialized, .timeLimit(.minutes(3)))
struct DemoTests {
  /// Starts it with a folder for temporary files of its own.
  private func start(_ arguments: [String], _ folder: TemporaryFolder) throws -> ChildProcess {
    try Command.start(["demo"] + arguments, in: folder.path, environment: ["TMPDIR": folder.path])
  }

  /// The page's address, which it prints first.
  private func page(_ process: ChildProcess) async throws -> String {
    var address = ""
    try await eventually("it prints the page's address", within: .seconds(60)) {
      address =
        process.outputSoFar.firstMatch(of: #/page +(http://127\.0\.0\.1:[0-9]+/)/#).map { String($0.1) } ?? ""
      return !address.isEmpty || !process.isRunning
    }
    return address
  }

  @Test(
    "it shows every kind of event and what the roll call made of it, answers, ends by itself, and leaves nothing"
  )
  func story() async throws {
    let folder = try TemporaryFolder()
    let process = try start(["--for", "20s"], folder)
    let address = try await page(process)
    let answer = try await Tool.run("curl", ["-sS", "-f", "\(address)v1/members"])
    #expect(answer.status == 0 && answer.output.contains("MemberList"), "\(answer)")
    let command = try #require(process.outputSoFar.firstMatch(of: #/command +rollcall (status --socket .+)/#))
    let status = try await Command.run(String(command.1))
    #expect(status.status == 0 && status.output.contains("inventory"), "\(status)")

    let result = try await process.result(within: .seconds(90))
    #expect(result.status == 0 && result.errors == "", "\(result)")
    for (event, consequence) in [
      ("five machines start", "roll call: 6 members, 6 ready"),
      ("w-3 comes", #"w-3   ready           10\.20\.0\.23             leased in service"#),
      ("w-1 moves", #"w-1   ready           10\.20\.1\.21"#), ("cp-3 goes", "cp-3  left .*withdrawn"),
      ("w-2 loses power", "w-2   missing .*expired"),
      ("the inventory disagrees", #"w-1   ready,conflict  .*10\.20\.0\.11 is also cp-1's"#),
    ] {
      let isTold = try Regex("[0-9]+s  \(event)[^\n]*\n(       [^\n]*\n)*       \(consequence)")
      #expect(result.output.contains(isTold), "\(event)\n\(result)")
    }
    #expect(result.output.hasSuffix("The demo is over, and nothing of it is left.\n"))
    #expect(folder.names == [])
  }

  @Test("Ctrl-C ends it at any time, and leaves nothing", arguments: [SIGINT, SIGTERM, SIGHUP])
  func interrupted(signal: Int32) async throws {
    let folder = try TemporaryFolder()
    let process = try start([], folder)
    let address = try await page(process)
    #expect(folder.names.count == 1)
    process.signal(signal)
    let result = try await process.result()
    #expect(result.status == 0, "\(result)")
    #expect(folder.names == [])
    #expect(try await Tool.run("curl", ["-sS", address]).status != 0)
  }

  @Test("interrupted before it has begun it ends too")
  func interruptedEarly() async throws {
    let folder = try TemporaryFolder()
    let process = try start([], folder)
    // The folder is the first thing that it makes, once it listens for signals.
    try await eventually("it has begun") { !folder.names.isEmpty || !process.isRunning }
    process.signal(SIGINT)
    let result = try await process.result()
    #expect(result.status == 0, "\(result)")
    #expect(folder.names == [])
  }

  @Test("where nobody reads it any more it ends, and leaves nothing")
  func unread() async throws {
    let folder = try TemporaryFolder()
    let result = try await Tool.run(
      "bash",
      ["-c", "TMPDIR=\(folder.path) '\(BuiltProducts.rollcall)' demo | head -n 1; echo ${PIPESTATUS[0]}"])
    #expect(result.output.hasSuffix("\n141\n"), "\(result)")
    #expect(folder.names == [])
  }
}
