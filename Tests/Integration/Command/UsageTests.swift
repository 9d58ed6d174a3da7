import Foundation
import TestSupport
import Testing

@Suite struct UsageTests {
  @Test(
    "a mistake on the command line is told in one line and ends with 2",
    arguments: [
      (
        "get membres", "rollcall: there is no resource type 'membres': did you mean 'members'? (the types are"
      ),
      ("get pods", "rollcall: there is no resource type 'pods' (the types are"),
      ("get members --namespace cluster-raw", "rollcall: there are no members in namespace 'cluster-raw'"),
      ("get members -o jsno", "rollcall: there is no output format 'jsno': did you mean 'json'?"),
      ("get members -o jsonpath={.a[}", "rollcall: jsonpath column 5: "),
      ("get members --timeout soon", "rollcall: The value 'soon' is invalid for '--timeout <duration>'"),
      ("get", "rollcall: the type is missing: write one of identities, affiliates, members, "),
      ("get members --wacht", "rollcall: Unknown option '--wacht'"),
      ("frobnicate", "rollcall: "),
      ("explain worker-1 -o table2", "rollcall: 'table2' isn't a format of explain"),
      ("run --log-level loud", "rollcall: The value 'loud' is invalid for '--log-level <level>'."),
    ])
  func usage(line: String, expected: String) async throws {
    let result = try await Command.run(line, in: fiveNodes)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix(expected), "\(result)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(
    "a failure is told in one line and ends with 1",
    arguments: [
      ("get member nobody", "rollcall: there is no member 'nobody'"),
      (
        "get member worker-9", "rollcall: there is no member 'worker-9': did you mean "
      ),
      ("get members -c nothing.yaml", "rollcall: nothing.yaml: the configuration can't be read"),
      ("explain nobody", "rollcall: no node has the nodename, identity, hostname or address 'nobody'"),
      ("plugins show nothing", "rollcall: no plugin is called 'nothing'"),
    ])
  func failures(line: String, expected: String) async throws {
    let result = try await Command.run(line, in: fiveNodes)
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix(expected), "\(result)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test(
    "help, the version and completion scripts go to the standard output and end with 0",
    arguments: [
      ("--help", "OVERVIEW: Who is in this cluster"), ("get --help", "OVERVIEW: Show identities"),
      ("help run", "OVERVIEW: Take part"), ("--version", "rollcall "),
      ("--generate-completion-script bash", "#!/bin/bash"),
      ("--generate-completion-script zsh", "#compdef rollcall"),
      ("--generate-completion-script fish", "function __rollcall"),
      ("", "OVERVIEW: Who is in this cluster"), ("plugins", "OVERVIEW: List plugins"),
    ])
  func help(line: String, expected: String) async throws {
    let output = try await Command.output(line)
    #expect(output.hasPrefix(expected))
  }

  @Test("there is colour on a terminal alone, and none where NO_COLOR is set")
  func colour() async throws {
    func onTerminal(_ environment: [String: String]) async throws -> String {
      try await PseudoTerminal.output(
        of: BuiltProducts.rollcall, ["explain", "worker-2"],
        environment: ["TERM": "xterm", "PATH": "/usr/bin:/bin"].merging(environment) { $1 }, folder: fiveNodes
      )
    }
    #expect(try await onTerminal([:]).contains("\u{1b}[33m(conflict)\u{1b}[0m"))
    #expect(try await !onTerminal(["NO_COLOR": "1"]).contains("\u{1b}"))
    #expect(try await !Command.output("explain worker-2", in: fiveNodes).contains("\u{1b}"))
  }

  @Test("the configuration is the one of the option, else of the environment, else of the folder")
  func lookup() async throws {
    let folder = try TemporaryFolder()
    for name in ["option", "environment", "rollcall"] {
      try folder.write("node: {publish: false, hostname: from-\(name)}\n", to: "\(name).yaml")
    }
    func hostname(_ line: String, _ environment: [String: String] = [:]) async throws -> String {
      let result = try await Command.run(
        "config show --state . \(line)", in: folder.path, environment: environment)
      let lines = result.output.split(separator: "\n")
      return lines.first { $0.hasPrefix("    hostname: ") }.map { String($0.dropFirst(14)) } ?? "\(result)"
    }
    let environment = ["ROLLCALL_CONFIG": "environment.yaml"]
    #expect(try await hostname("-c option.yaml", environment) == "from-option")
    #expect(try await hostname("", environment) == "from-environment")
    #expect(try await hostname("") == "from-rollcall")
  }

  @Test("a command with one registry opens each file that it needs once")
  func opensEachFileOnce() async throws {
    let folder = try TemporaryFolder()
    let library = "librollcall-static-file.so"
    try FileManager.default.copyItem(
      atPath: BuiltProducts.folder.appendingPathComponent(library).path,
      toPath: folder.path(library))
    try folder.write(nodes([("n1", "one", "10.0.0.1")]), to: "nodes.yaml")
    try folder.write(
      """
      plugins: {path: [.]}
      cluster: {discovery: {registries: {racks: {plugin: static-file, path: nodes.yaml}}}}
      node: {publish: false}
      """, to: "rollcall.yaml")
    let counters = try ["rollcall.yaml", "nodes.yaml", library].map { try OpenCounter(folder.path($0)) }
    let table = try await Command.output("get members", in: folder.path)
    #expect(table.contains("one"))
    #expect(counters.map(\.count) == [1, 1, 1])
  }
}
