import ClusterModel
import Foundation
import Platform
import RegistryConformance
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ExecRegistry
@testable import RegistryProtocol

/// Programs that run for good, and print a line for each change.
@Suite("Programs that run for good", .timeLimit(.minutes(3))) struct StreamTests {
  /// A program that prints what is appended to the file `lines`.
  private static let follower = "exec tail -n +1 -f lines"

  private func append(_ line: String, to program: ProgramFolder, ending: String = "\n") throws {
    let file = try #require(FileHandle(forWritingAtPath: program.folder.path("lines")))
    try file.seekToEnd()
    try file.write(contentsOf: Data((line + ending).utf8))
    try file.close()
  }

  private func follow(
    _ first: String..., set: (inout ExecOptions) -> Void = { _ in },
    _ body: @Sendable @escaping (ProgramFolder, SessionRecorder) async throws -> Void
  ) async throws {
    let program = try ProgramFolder(Self.follower)
    try program.folder.write(first.map { $0 + "\n" }.joined(), to: "lines")
    let recorder = SessionRecorder()
    let registry = try program.registry(log: recorder.logger) {
      $0.stream = true
      set(&$0)
    }
    try await recorder.run(registry) { try await body(program, recorder) }
  }

  @Test("each line is a change: snapshot, upsert, remove, sources, health, public address")
  func lines() async throws {
    try await follow(#"{"snapshot":[{"id":"a"}]}"#) { program, recorder in
      try await recorder.wait(for: "a node") { names($0) == ["a"] }
      try append(#"{"upsert":[{"id":"b"},{"id":"c"}]}"#, to: program)
      try await recorder.wait(for: "three nodes") { names($0) == ["a", "b", "c"] }
      try append(#"{"remove":"a","reason":"expired"}"#, to: program)
      try await recorder.wait(for: "two nodes") { names($0) == ["b", "c"] }
      let source = try RegistrySource("eu")
      try append(#"{"snapshot":[{"id":"x"}],"source":"eu"}"#, to: program)
      try await recorder.wait(for: "the source") { names($0, source: source) == ["x"] }
      try append(#"{"degraded":"the peer is slow"}"#, to: program)
      try await recorder.wait(for: "the report") { $0.error(.reading)?.message == "the peer is slow" }
      try append(#"{"snapshot":[{"id":"b"}]}"#, to: program)
      try await recorder.wait(for: "the end of it") { $0.isHealthy && names($0) == ["b"] }
      try append(#"{"publicAddress":"192.0.2.1"}"#, to: program)
      try await recorder.wait(for: "the address") { $0.batches.contains { $0.publicAddress != nil } }
      #expect(recorder.now.updates.contains(.remove(try NodeIdentity("a"), source: .only, reason: .expired)))
    }
  }

  @Test("a line that can't be read is told with its number, what was known stays, and later lines count")
  func badLines() async throws {
    try await follow(#"{"snapshot":[{"id":"a"}]}"#, #"{"upsert":"#, #"{"upsert":{"id":"b"}}"#) {
      program, recorder in
      let record = try await recorder.wait(for: "both nodes and the report") {
        names($0) == ["a", "b"] && $0.error(.content) != nil
      }
      #expect(record.error(.content)?.message.hasPrefix("line 2: column ") == true)
      try append(#"{"snapshot":[{"id":"a"},{"id":"b"}]}"#, to: program)
      try await recorder.wait(for: "the end of it") { $0.isHealthy }
    }
  }

  @Test("a snapshot with a node that can't be read takes none away")
  func hidden() async throws {
    try await follow(#"{"snapshot":[{"id":"a"}]}"#, #"{"snapshot":[{"id":"b"},{"id":"/"}]}"#) { _, recorder in
      try await recorder.wait(for: "both") { names($0) == ["a", "b"] && $0.error(.content) != nil }
    }
  }

  @Test("a change before the first snapshot fails the registry, as of any other")
  func noSnapshot() async throws {
    let program = try ProgramFolder(#"echo '{"upsert":{"id":"a"}}'; sleep 1000"#)
    let refusal = RegistryError(
      .invalidArgument, "node 'a' was changed before the first snapshot of its source")
    await #expect(throws: refusal) {
      try await SessionRecorder().run(try program.registry { $0.stream = true }, refusal: refusal) {
        try await Task.sleep(for: .seconds(60))
      }
    }
  }

  @Test(
    "a program that ends is started again, with the cause told meanwhile, and nothing is lost",
    arguments: [
      ("exit 7", "the program ended with exit code 7"),
      ("kill -ABRT $$", "the program was ended by signal 6 (abort)"),
      ("exec >&-; sleep 1000", "the program was ended by signal 15 (terminated)"),
      (#"printf '{"snapshot":[{"id'; exit 0"#, "the program ended with exit code 0"),
      (#"echo '{"snapshot":[],"more":true}'; exit 0"#, "the program ended with exit code 0 within a batch"),
    ])
  func restarts(end: String, cause: String) async throws {
    let program = try ProgramFolder(
      """
      echo run >> runs
      [ $(wc -l < runs) -gt 2 ] || { echo '{"snapshot":[{"id":"a"}]}'; \(end); }
      echo '{"snapshot":[{"id":"b"}]}'; sleep 1000
      """)
    let recorder = SessionRecorder()
    var registry = try program.registry { $0.stream = true }
    registry.backoff = Backoff(initial: .milliseconds(50))
    let run = registry
    try await recorder.run(run) {
      let record = try await recorder.wait(for: "the third run") {
        names($0) == ["b"] && $0.error(.reading) == nil
      }
      #expect(record.errors.contains { $0.message.hasPrefix(cause) }, "\(record.errors)")
      // What was there stayed until the next snapshot.
      #expect(!record.updates.contains { if case .snapshot([], _, _) = $0 { true } else { false } })
    }
  }

  @Test("a source that a program had before it was started again, and names no more, goes with its nodes")
  func forgottenSource() async throws {
    let program = try ProgramFolder(
      """
      echo run >> runs
      [ $(wc -l < runs) -gt 1 ] || {
        echo '{"snapshot":[{"id":"a"}]}'; echo '{"snapshot":[{"id":"ghost"}],"source":"c"}'
        echo '{"snapshot":[{"id":"x"}],"source":"d"}'; exit 1
      }
      echo '{"snapshot":[{"id":"b"}]}'; echo '{"snapshot":[{"id":"x"}],"source":"d"}'; sleep 1000
      """)
    let recorder = SessionRecorder()
    var registry = try program.registry {
      $0.stream = true
      $0.timeout = .milliseconds(500)
    }
    registry.backoff = Backoff(initial: .milliseconds(50))
    let (run, gone, kept) = (registry, try RegistrySource("c"), try RegistrySource("d"))
    try await recorder.run(run) {
      let record = try await recorder.wait(for: "its end") { $0.updates.contains(.sourceGone(gone)) }
      #expect(names(record) == ["b"] && !record.updates.contains(.sourceGone(kept)))
    }
  }

  @Test("one that has no snapshot in time is ended and started again")
  func noStart() async throws {
    let program = try ProgramFolder("exec sleep 1000")
    let recorder = SessionRecorder()
    let registry = try program.registry {
      $0.stream = true
      $0.timeout = .milliseconds(200)
    }
    try await recorder.run(registry) {
      let record = try await recorder.wait(for: "the cause") { $0.error(.reading) != nil }
      #expect(
        record.error(.reading)
          == RegistryError(.deadlineExceeded, "the program had no snapshot within 200ms, and was ended"))
    }
  }

  @Test("a program that asks for it publishes, also after it was started again")
  func publishes() async throws {
    let program = try ProgramFolder(
      #"""
      echo '{"hello":{"publishes":true},"snapshot":[]}'
      while read -r line; do
        echo "$line" >> input
        case $line in
          *'"publish":{"revision":2,'*) [ -e again ] || { touch again; exit 1; }
            echo '{"published":{"revision":2,"error":{"code":"permission-denied","message":"no"}}}';;
          *'"publish":{"revision":1,'*) echo '{"published":{"revision":1}}';;
        esac
      done
      """#)
    let recorder = SessionRecorder()
    var registry = try program.registry { $0.stream = true }
    registry.backoff = Backoff(initial: .milliseconds(50))
    let run = registry
    try await recorder.run(run) {
      let local = Affiliate(
        nodeID: try NodeIdentity("me"), addresses: [try IPAddress("10.0.0.9")], nodename: "w-9")
      try await recorder.published(Publication(local: local))
      await #expect(throws: RegistryError(.permissionDenied, "no")) { try await recorder.published(nil) }
    }
    let input = try String(contentsOfFile: program.folder.path("input"), encoding: .utf8)
    #expect(
      input.contains(
        #"{"publish":{"revision":1,"node":{"nodeId":"me","nodename":"w-9","addresses":["10.0.0.9"]}}}"#))
    #expect(input.contains(#"{"publish":{"revision":2,"node":null}}"#))
  }

  @Test("it ends with the registry: by the end of its input, SIGTERM, or at last SIGKILL")
  func ends() async throws {
    for script in [
      #"trap '' TERM; echo '{"snapshot":[]}'; while read -r x; do :; done; echo bye > end"#,
      #"trap 'echo bye > end; exit' TERM; echo '{"snapshot":[]}'; while :; do sleep 0.05; done"#,
      #"trap '' TERM; echo bye > end; echo '{"snapshot":[]}'; while :; do sleep 1; done"#,
    ] {
      let program = try ProgramFolder("echo $$ > pid\n" + script)
      let recorder = SessionRecorder()
      try await recorder.run(try program.registry { $0.stream = true }) {
        try await recorder.wait(for: "a snapshot") { !$0.updates.isEmpty }
      }
      #expect(FileManager.default.fileExists(atPath: program.folder.path("end")), "\(script)")
      let pid = try String(contentsOfFile: program.folder.path("pid"), encoding: .utf8)
      #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid.split(separator: "\n")[0])"))
    }
  }

  @Test("a flood of errors is cut, and nothing else waits for it")
  func flood() async throws {
    let program = try ProgramFolder(
      "yes oops | head -n 50000 >&2; echo '{\"snapshot\":[{\"id\":\"a\"}]}'; sleep 1000")
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry(log: recorder.logger) { $0.stream = true }) {
      try await recorder.wait(for: "a node") { names($0) == ["a"] }
    }
    #expect(recorder.now.log.count { $0 == "info: oops" } < 2000)
  }

  @Test("it keeps the rules of a registry")
  func conformance() async throws {
    let program = try ProgramFolder(
      #"echo '{"snapshot":[{"id":"a"},{"id":"b"}]}'; while read -r x; do :; done"#)
    let report = await RegistryConformance.check { try program.registry { $0.stream = true } }
    #expect(report.isPassed, "\(report)")
  }
}
