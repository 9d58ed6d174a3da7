import Foundation
import Outputs
import RollcallMetrics
import TestSupport
import Testing

/// Commands of outputs: real programs.
@Suite struct OutputCommandTests {
  @Test("the command is run after a write, with its arguments as they are, and what it prints is logged")
  func runs() async throws {
    let folder = try TemporaryFolder()
    let program = try script(
      #"printf '%s|' "$@"; echo; echo "$ROLLCALL_OUTPUT $ROLLCALL_PATH"; wc -l < "$ROLLCALL_PATH"; cat; echo odd >&2"#,
      in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in
      definition.command = program + ["a b", "$(id)", ""]
    }
    output.show(3)
    try await eventually("it ran: \(output.logs.lines)") {
      output.logs.lines.contains { $0.contains("has ended") }
    }
    let lines = output.logs.lines.filter { $0.hasPrefix("info: ") && $0.hasSuffix("command=nodes") }
    #expect(
      lines == [
        "info: a b|$(id)|| command=nodes", "info: nodes \(output.path) command=nodes",
        "info: 4 command=nodes",
        "info: odd command=nodes",
      ])
  }

  @Test("no command is run where the file was current, or is held")
  func rests() async throws {
    let output = try OutputHarness()
    output.show(10)
    try await output.written(10)
    await output.stop()
    let program = try script(": > \"$(dirname \"$ROLLCALL_PATH\")/ran\"", in: output.folder)
    let again = try OutputHarness(folder: output.folder) { definition, _ in definition.command = program }
    again.show(10)
    try await eventually("it is current") { again.status.currentAt != nil }
    again.show(1)
    try await again.pass(.seconds(2))
    try await again.held("shrink")
    again.show(11)
    try await again.pass(.seconds(2))
    try await eventually("it ran") { again.folder.names.contains("ran") }
  }

  @Test("while a command runs the newest write alone waits for the next run")
  func newestWins() async throws {
    let folder = try TemporaryFolder()
    let program = try script(
      """
      cd "$(dirname "$ROLLCALL_PATH")"
      echo "$(grep -c n- nodes)" >> runs
      while [ ! -e go ]; do sleep 0.02; done
      """, in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    try await eventually("it runs") { text(folder.path("runs")) == "3\n" }
    for count in [4, 5, 6] {
      output.show(count)
      try await output.pass(.seconds(2))
      try await output.written(count)
    }
    try folder.write("", to: "go")
    try await eventually("it ran again: \(text(folder.path("runs")))") {
      text(folder.path("runs")) == "3\n6\n"
    }
    try await eventually("both have ended") { output.logs.lines.count { $0.contains("has ended") } == 2 }
  }

  @Test("a command that fails is run again after pauses that grow, until it succeeds")
  func retries() async throws {
    let folder = try TemporaryFolder()
    let program = try script(
      "cd \"$(dirname \"$ROLLCALL_PATH\")\"; echo >> runs; test -e good || exit 3", in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    for (runs, pause) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300)] {
      try await eventually("run \(runs)") { text(folder.path("runs")).count == runs }
      if runs == 8 { try folder.write("", to: "good") }
      try await output.pass(.seconds(pause))
    }
    try await eventually("it succeeded") { output.logs.lines.contains { $0.contains("has ended") } }
    #expect(output.clock.pending.isEmpty)
    #expect(
      output.logs.lines.contains("warning: a command failed command=nodes error=it ended with status 3"))
  }

  @Test("a new file ends the pause of a command that failed")
  func retryEnds() async throws {
    let folder = try TemporaryFolder()
    let program = try script("cd \"$(dirname \"$ROLLCALL_PATH\")\"; grep -q n-3 nodes", in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    try await eventually("it waits") { output.clock.pending == [.seconds(5)] }
    output.show(4)
    try await output.pass(.seconds(2))
    try await eventually("it succeeded") { output.logs.lines.contains { $0.contains("has ended") } }
  }

  @Test("a command that takes too long is asked to end, then killed, with all that it started")
  func timeout() async throws {
    let folder = try TemporaryFolder()
    let program = try script(
      """
      cd "$(dirname "$ROLLCALL_PATH")"
      trap 'echo asked >> said' TERM
      sh -c 'trap "" TERM; echo $$ > child; while :; do sleep 0.05; done' &
      while :; do sleep 0.05; done
      """, in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    try await eventually("it runs") {
      Int32(text(folder.path("child")).trimmingCharacters(in: .newlines)) != nil
    }
    let child = try #require(Int32(text(folder.path("child")).trimmingCharacters(in: .newlines)))
    output.clock.advance(by: .seconds(30))
    try await eventually("it was asked") { text(folder.path("said")) == "asked\n" }
    #expect(kill(child, 0) == 0)
    output.clock.advance(by: .seconds(5))
    try await eventually("it is told: \(output.logs.lines)") {
      output.logs.lines.contains(
        "warning: a command failed command=nodes error=it took more than 30s and was ended")
    }
    try await eventually("its child is gone") { isGone(child) }
  }

  @Test("when the service ends, a command that runs is ended first")
  func shutdown() async throws {
    let folder = try TemporaryFolder()
    let program = try script(
      "cd \"$(dirname \"$ROLLCALL_PATH\")\"; echo $$ > child; exec sleep 1000", in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    try await eventually("it runs") {
      Int32(text(folder.path("child")).trimmingCharacters(in: .newlines)) != nil
    }
    let child = try #require(Int32(text(folder.path("child")).trimmingCharacters(in: .newlines)))
    await output.stop()
    #expect(isGone(child))
  }

  @Test("a command's endless output is cut in the log, and controls in it are escaped")
  func boundedLog() async throws {
    let folder = try TemporaryFolder()
    let program = try script("printf '\\033[2Jx\\n'; yes | head -n 100000", in: folder)
    let output = try OutputHarness(folder: folder) { definition, _ in definition.command = program }
    output.show(3)
    try await eventually("it ended") { output.logs.lines.contains { $0.contains("has ended") } }
    let lines = output.logs.lines.filter { $0.hasPrefix("info: ") && $0.contains("command=nodes") }
    #expect(lines.count == 21)
    #expect(lines.first == "info: \\u{1b}[2Jx command=nodes")
    #expect(
      lines.last?.hasPrefix("info: more of a command's output isn't logged bytes=183622 command=nodes")
        == true)
  }

  @Test("a program that isn't there is told by its name")
  func missing() async throws {
    let output = try OutputHarness { definition, _ in definition.command = ["/nowhere/reload"] }
    output.show(3)
    try await eventually("it is told: \(output.logs.lines)") {
      output.logs.lines.contains(
        "warning: a command failed command=nodes error='/nowhere/reload': No such file or directory")
    }
  }

  /// Whether no such process runs; one that nobody waited for is gone too.
  private func isGone(_ process: Int32) -> Bool {
    guard kill(process, 0) == 0 else { return true }
    return text("/proc/\(process)/stat").contains(") Z ")
  }
}
