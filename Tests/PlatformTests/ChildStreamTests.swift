import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

/// Real children that run until they are told to end.
@Suite(.timeLimit(.minutes(2))) struct ChildStreamTests {
  /// What a child printed, and how it ended.
  private final class Run: Sendable {
    let stream: ChildStream
    private let printed = Mutex("")
    private let ended = Mutex<Result<ChildProgram.End, ChildProgram.Failure>?>(nil)

    init(_ program: ChildProgram, grace: Duration = .seconds(20), maximumPending: Int = 1 << 20) throws {
      stream = try ChildStream(program, grace: grace, maximumPending: maximumPending)
      detach()
    }

    private func detach() {
      // It blocks: not one of the threads that tasks share.
      Thread.detachNewThread {
        do throws(ChildProgram.Failure) {
          let end = try self.stream.run(
            { bytes in self.printed.withLock { $0 += String(decoding: bytes, as: UTF8.self) } },
            errors: { bytes in self.printed.withLock { $0 += "!" + String(decoding: bytes, as: UTF8.self) } })
          self.ended.withLock { $0 = .success(end) }
        } catch {
          self.ended.withLock { $0 = .failure(error) }
        }
      }
    }

    var text: String { printed.withLock { $0 } }
    var end: Result<ChildProgram.End, ChildProgram.Failure>? { ended.withLock { $0 } }

    func prints(_ text: String) async throws {
      try await eventually("it prints \(text)") { self.text.contains(text) }
    }

    func status() async throws -> Int32 {
      try await eventually("its end") { self.end != nil }
      return try #require(try self.end?.get()).status
    }
  }

  /// Whether a process runs: one that has ended and that nobody waited for doesn't.
  private func isAlive(_ process: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return false
    }
    return status.split(separator: ")").last?.hasPrefix(" Z") == false
  }

  private func sh(_ script: String) -> ChildProgram { ChildProgram("sh", ["-c", script]) }

  @Test("lines are exchanged with a program while it runs")
  func exchange() async throws {
    let run = try Run(sh("while read line; do echo got $line; done; echo end; exit 3"))
    run.stream.send(Array("a\n".utf8))
    try await run.prints("got a\n")
    run.stream.send(Array("b\n".utf8))
    try await run.prints("got b\n")
    run.stream.endInput()
    #expect(try await run.status() == 3)
    #expect(run.text.hasSuffix("end\n"))
  }

  @Test("one that is stopped has SIGTERM, and its whole group with it")
  func stop() async throws {
    let run = try Run(sh("trap 'echo bye; exit 0' TERM; sleep 1000 & echo child $!; wait"))
    try await run.prints("child ")
    run.stream.stop()
    #expect(try await run.status() == 0)
    #expect(run.text.hasSuffix("bye\n"))
    let child = try #require(Int32(run.text.split(whereSeparator: \.isWhitespace)[1]))
    try await eventually("the child's end") { !isAlive(child) }
  }

  @Test("one that doesn't heed SIGTERM is killed after its grace")
  func kill() async throws {
    let run = try Run(sh("trap '' TERM; echo on; while :; do sleep 1; done"), grace: .milliseconds(50))
    try await run.prints("on")
    run.stream.stop()
    #expect(try await run.status() == -9)
  }

  @Test("what it leaves running when it ends is killed, also where that holds its output open")
  func leftovers() async throws {
    let run = try Run(sh("sleep 1000 & echo $!; exit 4"))
    #expect(try await run.status() == 4)
    let child = try #require(Int32(run.text.trimmed))
    try await eventually("the child's end") { !isAlive(child) }
  }

  @Test("it has what it is to have of the environment, runs in its folder, and inherits no open file")
  func surroundings() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "#!/bin/sh\npwd; env | grep -v '^PWD\\|^SHLVL\\|^_=' | sort; ls /proc/self/fd | wc -l\n", to: "here")
    _ = try await Tool.run("chmod", ["+x", folder.path("here")])
    let file = open("/dev/null", O_RDONLY)
    defer { close(file) }
    var program = ChildProgram("./here")
    program.folder = folder.path
    program.inherited = ["PATH"]
    program.environment = ["A": "b c"]
    let run = try Run(program)
    #expect(try await run.status() == 0)
    let lines = run.text.split(separator: "\n")
    #expect(lines.first == folder.path[...])
    #expect(lines.dropFirst().dropLast().map { $0.prefix { $0 != "=" } } == ["A", "PATH"], "\(run.text)")
    // Three, and the folder that is being listed.
    #expect(lines.last?.trimmingPrefix(while: \.isWhitespace) == "4")
  }

  @Test("who doesn't read is told nothing more beyond a bound; one that can't be started says why")
  func bounds() async throws {
    let run = try Run(sh("echo on; exec sleep 1000"), grace: .zero, maximumPending: 100_000)
    try await run.prints("on")
    let line = [UInt8](repeating: 0x61, count: 50_000)
    var sent = 0
    while sent < 100, run.stream.send(line) { sent += 1 }
    #expect(sent < 10)
    run.stream.stop()
    #expect(try await run.status() == -9)
    let missing = try Run(ChildProgram("/does/not/exist"))
    try await eventually("its failure") { missing.end != nil }
    #expect(throws: ChildProgram.Failure.self) { try missing.end?.get() }
  }
}
