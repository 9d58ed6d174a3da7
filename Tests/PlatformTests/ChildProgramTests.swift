import Platform
import TestSupport
import Testing

/// Real children.
@Suite struct ChildProgramTests {
  private func run(
    _ script: String, _ arguments: [String] = [], input: [UInt8]? = nil,
    within limit: Duration = .seconds(30),
    keeping: Int = 1 << 20, grace: Duration = .seconds(20), isCancelled: () -> Bool = { false }
  ) throws -> ChildProgram.End {
    var program = ChildProgram("sh", ["-c", script, "sh"] + arguments)
    program.input = input
    program.mergesErrors = true
    return try program.run(
      within: limit, keeping: keeping, terminating: .init(grace: grace), time: TimeSource(),
      isCancelled: isCancelled)
  }

  private func text(_ end: ChildProgram.End) -> String { String(decoding: end.output, as: UTF8.self) }

  @Test("a program's outputs are one, in their order, and its status is known")
  func ends() throws {
    let end = try run("echo a; echo b >&2; echo c; exit 3")
    #expect(text(end) == "a\nb\nc\n")
    #expect(end.status == 3 && end.interruption == nil && end.leftOut == 0)
    #expect(try run("kill -9 $$").status == -9)
  }

  @Test("arguments aren't read by a shell")
  func arguments() throws {
    #expect(text(try run(#"printf '%s|' "$@""#, ["a b", "$(id)", "*", ""])) == "a b|$(id)|*||")
  }

  @Test("without an input there is an empty one; a large one is read whole")
  func inputs() throws {
    #expect(text(try run("wc -c")).trimmed == "0")
    let large = [UInt8](repeating: 0x61, count: 3_000_000)
    #expect(text(try run("wc -c < /dev/stdin", input: large)).trimmed == "3000000")
    #expect(text(try run("cat", input: Array("ü\n".utf8))) == "ü\n")
  }

  @Test("a program that doesn't read its input ends all the same, and this process too isn't ended by it")
  func unreadInput() throws {
    let end = try run("exec <&-; echo done", input: [UInt8](repeating: 0x61, count: 3_000_000))
    #expect(text(end) == "done\n" && end.status == 0)
  }

  @Test("of much output the beginning is kept, and the rest counted")
  func boundedOutput() throws {
    let end = try run("head -c 3000000 /dev/zero", keeping: 1000)
    #expect(end.output.count == 1000 && end.leftOut == 2_999_000 && end.status == 0)
  }

  /// The end of a script that makes a file `ready`, for which time then goes on.
  private func late(_ script: String, grace: Duration) throws -> ChildProgram.End {
    let folder = try TemporaryFolder()
    let clock = ManualClock()
    var program = ChildProgram("sh", ["-c", script, "sh", folder.path("ready")])
    program.mergesErrors = true
    return try program.run(
      within: .seconds(30), keeping: 1000, terminating: .init(grace: grace), time: TimeSource(clock)
    ) {
      if folder.names.contains("ready") { clock.advance(by: .seconds(31)) }
      return false
    }
  }

  @Test("a program that takes too long is asked to end, with what it started")
  func deadline() throws {
    let end = try late(
      "trap 'echo asked; exit 7' TERM; : > $1; sleep 1000 & wait", grace: .seconds(1_000_000))
    #expect(end.interruption == .deadline && end.status == 7)
    #expect(String(decoding: end.output, as: UTF8.self) == "asked\n")
  }

  @Test("a program that doesn't end when it is asked to is killed")
  func killed() throws {
    let end = try late("trap '' TERM; : > $1; while :; do sleep 0.1; done", grace: .seconds(5))
    #expect(end.interruption == .deadline && end.status == -9)
  }

  @Test("a program that is no longer wanted is asked to end")
  func cancelled() throws {
    let folder = try TemporaryFolder()
    let end = try run("trap 'exit 0' TERM; : > $1; sleep 1000 & wait", [folder.path("ready")]) {
      folder.names.contains("ready")
    }
    #expect(end.interruption == .cancelled)
  }

  @Test("what a program leaves running isn't waited for and goes on")
  func background() async throws {
    let folder = try TemporaryFolder()
    let end = try run(
      "(while [ ! -e \"$1/go\" ]; do sleep 0.05; done; : > \"$1/ran\") & echo started", [folder.path])
    #expect(text(end) == "started\n" && end.status == 0)
    try folder.write("", to: "go")
    try await eventually("it went on") { folder.names.contains("ran") }
  }

  @Test("a program that isn't there can't be started")
  func missing() {
    #expect(throws: ChildProgram.Failure.self) {
      try ChildProgram("/nowhere/program").run(within: .seconds(1), maximumOutput: 1)
    }
  }

  @Test("a program that must say little is killed where it says more, or takes too long")
  func strict() throws {
    #expect(throws: ChildProgram.Failure.tooMuchOutput) {
      try ChildProgram("cat", ["/dev/zero"]).run(within: .seconds(20), maximumOutput: 1000)
    }
    #expect(throws: ChildProgram.Failure.deadline) {
      try ChildProgram("sleep", ["1000"]).run(within: .milliseconds(100), maximumOutput: 1000)
    }
    #expect(try ChildProgram("echo", ["a"]).run(within: .seconds(20), maximumOutput: 2).output.count == 2)
  }
}
