import ClusterModel
import Foundation
import PluginHost
import RegistryConformance
import RegistryKit
import RegistryTestSupport
import TestSupport
import Testing

@testable import ExecRegistry

/// Programs that are run each interval, and print all that they know.
@Suite("Programs that are run each interval", .timeLimit(.minutes(3))) struct PolledProgramTests {
  @Test("what a program prints is what there is, in each form that is known")
  func forms() async throws {
    for document in [
      #"{"snapshot":[{"nodename":"w-1"}]}"#, #"[{"nodename":"w-1"}]"#,
      "{\n \"nodes\": [\n {\"nodename\":\"w-1\"}]}\n",
      "{\"snapshot\":[],\"more\":true}\r\n{\"snapshot\":[{\"hostname\":\"w-1\"}]}",
      "{\"snapshot\":[{\"id\":\"x\"}]}\n{\"remove\":\"x\"}\n{\"upsert\":{\"id\":\"w-1\"}}\n",
    ] {
      let program = try ProgramFolder("cat <<'END'\n\(document)\nEND\n")
      let recorder = SessionRecorder()
      try await recorder.run(try program.registry()) {
        let record = try await recorder.wait(for: "the node") { !$0.updates.isEmpty }
        #expect(names(record) == ["w-1"], "\(document)")
        #expect(record.isHealthy, "\(record.reports)")
      }
    }
  }

  @Test(
    "what programs print in other forms is read, told by its content or as `format` says",
    arguments: [
      ("nodes:\n- {nodeId: n1, nodename: w-1, addresses: [10.0.0.1]}", "auto"),
      (#"[{"targets":["10.0.0.1:9100"],"labels":{"rack":"a"}}]"#, "auto"),
      ("10.0.0.1 w-1", "auto"), ("nodename,addresses\nw-1,10.0.0.1", "auto"),
      (#"[{"nodename":"w-1","addresses":["10.0.0.1"]}]"#, "nodes"),
    ])
  func otherForms(document: String, format: String) async throws {
    let program = try ProgramFolder("cat <<'END'\n\(document)\nEND\n")
    let recorder = SessionRecorder()
    let registry = try program.registry { $0.format = .init(rawValue: format) ?? .auto }
    try await recorder.run(registry) {
      let record = try await recorder.wait(for: "the node, or what is wrong") { !$0.batches.isEmpty }
      #expect(record.isHealthy, "\(record.reports)")
      let records = record.contents[.only].map { Array($0.values) } ?? []
      #expect(records.map { $0.affiliate.addresses.map(\.description) } == [["10.0.0.1"]], "\(document)")
    }
  }

  @Test("what changes is applied, what doesn't isn't, and what a program no longer prints goes")
  func changes() async throws {
    let program = try ProgramFolder("echo run >> runs; cat list")
    try program.folder.write(#"{"snapshot":[{"id":"a"},{"id":"b"}]}"#, to: "list")
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry()) {
      try await recorder.wait(for: "two nodes") { names($0) == ["a", "b"] }
      try await eventually("three runs") { try contents(program, "runs").count > 3 }
      #expect(recorder.now.updates.count == 1)
      try program.folder.replace("list", with: #"{"snapshot":[{"id":"b"}]}"#)
      try await recorder.wait(for: "one node") { names($0) == ["b"] }
      try program.folder.replace("list", with: #"{"snapshot":[]}"#)
      try await recorder.wait(for: "no node") { names($0) == [] }
    }
  }

  private func contents(_ program: ProgramFolder, _ file: String) throws -> [Substring] {
    try String(contentsOfFile: program.folder.path(file), encoding: .utf8).split(separator: "\n")
  }

  @Test(
    "whatever fails, what was known stays, and is degraded with the cause until the program works again",
    arguments: [
      ("echo no >&2; exit 3", "the program ended with exit code 3; its last words: no"),
      (#"printf 'yes\r\nno\r\n' >&2; exit 3"#, "the program ended with exit code 3; its last words: no"),
      (#"printf '{"snapshot":[{"id":"c"'"#, "the program: line 1: column "),
      (#"printf '[{"id":"c"'"#, "the program: output:1:"),
      ("exit 0", "the program: it printed nothing; to say that there are no nodes, print"),
      ("kill -SEGV $$", "the program was ended by signal 11 (segmentation fault)"),
      ("sleep 100", "the program took longer than 300ms, and was ended"),
      (
        "yes 0123456789012345678901234567890 | head -c 100000",
        "the program printed 100000 bytes, more than the 2048"
      ),
      (#"echo '{"snapshot":[{"id":"c"}],"more":true}'"#, "the program: it ends within a batch"),
      (#"echo '{"failed":"no access"}'"#, "the program: line 1: no access"),
      (#"printf '{"snapshot":[{"id":"\377"}]}'"#, "the program: line 1: it isn't UTF-8"),
    ])
  func failures(script: String, cause: String) async throws {
    let program = try ProgramFolder(#"[ -e bad ] && { . ./bad; exit; }; echo '{"snapshot":[{"id":"a"}]}'"#)
    let recorder = SessionRecorder()
    let registry = try program.registry {
      $0.timeout = .milliseconds(300)
      $0.maxOutput = 2048
    }
    try await recorder.run(registry) {
      try await recorder.wait(for: "a node") { names($0) == ["a"] }
      try program.folder.replace("bad", with: script)
      let record = try await recorder.wait(for: "the cause") { $0.error(.reading) != nil }
      #expect(record.error(.reading)?.message.hasPrefix(cause) == true, "\(record.reports)")
      #expect(names(record) == ["a"] && record.updates.count == 1)
      try FileManager.default.removeItem(atPath: program.folder.path("bad"))
      try await recorder.wait(for: "its end") { $0.isHealthy }
      #expect(names(recorder.now) == ["a"])
    }
  }

  @Test("a program that isn't there is told, with the system's words")
  func missing() async throws {
    let program = try ProgramFolder()
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry()) {
      let record = try await recorder.wait(for: "the cause") { $0.error(.reading) != nil }
      #expect(record.error(.reading)?.message == "the program can't be started: No such file or directory")
    }
  }

  @Test("one that fails for longer than a minute fails the registry")
  func patience() async throws {
    let program = try ProgramFolder("exit 1")
    var registry = try program.registry()
    registry.patience = .milliseconds(300)
    let failing = registry
    await #expect(throws: RegistryError.self) {
      try await failing.run(SessionRecorder().session())
    }
  }

  @Test("a record that can't be read is degraded content, and hides no node that was known")
  func hidden() async throws {
    let program = try ProgramFolder("cat list")
    try program.folder.write(#"{"snapshot":[{"id":"a"},{"id":"b"}]}"#, to: "list")
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry()) {
      try await recorder.wait(for: "two nodes") { names($0) == ["a", "b"] }
      try program.folder.replace("list", with: #"{"snapshot":[{"id":"a b"},{"id":"c","addresses":["x"]}]}"#)
      let record = try await recorder.wait(for: "the new node") { names($0).contains("c") }
      #expect(names(record) == ["a", "b", "c"])
      #expect(
        record.error(.content)?.message
          == "the program: line 1: snapshot[0]: node identity 'a b' may only have printable ASCII without spaces and "
          + "'/'; line 1: snapshot[1]: addresses[0]: 'x' isn't an IP address such as 10.5.0.2 or fd00::2")
      #expect(record.error(.reading) == nil)
    }
  }

  @Test(
    "the program has its options on its input and in a variable, no secret in its environment, and nothing else"
  )
  func surroundings() async throws {
    let program = try ProgramFolder(#"cat > input; env > environment; pwd > folder; echo '{"snapshot":[]}'"#)
    setenv("ROLLCALL_TEST_LEAK", "1", 1)
    let recorder = SessionRecorder()
    let registry = try program.registry(clusterSecret: "c2VjcmV0") {
      $0.command += ["an argument", "$HOME"]
      $0.programOptions = #"{"url":"http://h/","password":"hunter2","nested":{"apiToken":"t","n":1}}"#
      $0.environment = ["COLOR": "blue"]
    }
    try await recorder.run(registry) {
      try await recorder.wait(for: "a snapshot") { !$0.updates.isEmpty }
    }
    let input = try contents(program, "input").joined()
    #expect(input.contains(#""options":{"url":"http://h/","password":"hunter2""#))
    #expect(input.hasPrefix(#"{"settings":{"protocol":1,"name":"rack","#))
    let environment = try contents(program, "environment")
    #expect(environment.contains(#"ROLLCALL_OPTIONS={"url":"http://h/","nested":{"n":1}}"#), "\(environment)")
    #expect(environment.contains("COLOR=blue"))
    #expect(!environment.contains { $0.hasPrefix("ROLLCALL_TEST_LEAK") })
    #expect(try contents(program, "folder") == [program.folder.path[...]])
    for text in [input, environment.joined()] { #expect(!text.contains("c2VjcmV0")) }
  }

  @Test("what it prints as errors is logged at its level")
  func errors() async throws {
    let program = try ProgramFolder(
      #"echo 'look out' >&2; echo '{"snapshot":[],"log":{"level":"notice","message":"hi"}}'"#)
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry(log: recorder.logger) { $0.stderr = .warning }) {
      try await recorder.wait(for: "its log") {
        $0.log.contains("warning: look out") && $0.log.contains("notice: hi")
      }
    }
  }

  @Test("the program and all that it started end with the registry")
  func ends() async throws {
    let program = try ProgramFolder("sleep 1000 & echo $! > child; wait")
    let recorder = SessionRecorder()
    try await recorder.run(try program.registry()) {
      try await eventually("the child") { (try? contents(program, "child"))?.count == 1 }
    }
    let child = try #require(Int32(try contents(program, "child")[0]))
    let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
    #expect(state == nil || state?.split(separator: ")").last?.hasPrefix(" Z") == true)
  }

  @Test("it keeps the rules of a registry")
  func conformance() async throws {
    let program = try ProgramFolder(#"[ -e bad ] && exit 1; echo '{"snapshot":[{"id":"a"},{"id":"b"}]}'"#)
    let folder = program.folder
    let report = await RegistryConformance.check(
      sabotage: .init(
        break: { try folder.write("", to: "bad") },
        mend: { try FileManager.default.removeItem(atPath: folder.path("bad")) })
    ) { try program.registry() }
    #expect(report.isPassed, "\(report)")
  }

  @Test("options that can't work are told")
  func options() throws {
    for (json, message) in [
      (#"{"command":[]}"#, "option 'command'"), (#"{}"#, "option 'command'"),
      (#"{"command":["a"],"interval":"1ms"}"#, "option 'interval'"),
      (#"{"command":["a"],"environment":{"A=B":"c"}}"#, "'A=B' isn't the name of a variable"),
      (#"{"command":["a\u0000"]}"#, "a zero byte"),
    ] {
      let error = #expect(throws: RegistryError.self) {
        let options = try ExecOptions(json: json)
        _ = try ExecRegistry(options: options, context: RegistryContext(name: "x", logger: .init(label: "x")))
      }
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
  }
}
