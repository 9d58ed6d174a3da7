import Foundation
import TestSupport
import Testing

/// What shells suggest, by the scripts that the command makes for them.
@Suite("Completions", .timeLimit(.minutes(3)))
struct CompletionTests {
  private func script(_ shell: String, _ folder: TemporaryFolder) async throws -> String {
    try folder.write(
      try await Command.output("--generate-completion-script \(shell)"), to: "rollcall.\(shell)")
  }

  /// What bash suggests for the last of `words`, in `folder`.
  private func suggestions(
    _ words: [String], in folder: String, environment: [String: String] = [:]
  ) async throws -> [String] {
    let scripts = try TemporaryFolder()
    let script = try await script("bash", scripts)
    try FileManager.default.createSymbolicLink(
      atPath: scripts.path("rollcall"), withDestinationPath: BuiltProducts.rollcall)
    let line = """
      . '\(script)'
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      _rollcall rollcall "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try await ChildProcess.run(
      "bash", ["-c", line, "bash"] + words,
      environment: Command.environment.merging(environment) { $1 }
        .merging(["PATH": "\(scripts.path):/usr/bin:/bin"]) { $1 }, folder: folder)
    #expect(result.status == 0 && result.errors == "", "\(result)")
    return result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.sorted()
  }

  private static let members = ["controlplane-1", "controlplane-2", "worker-1", "worker-2", "worker-3"]

  @Test(
    "without a daemon the configuration that is named is asked: types, members, registries, plugins",
    arguments: [
      ("get m", ["members"]), ("get members w", ["worker-1", "worker-2", "worker-3"]),
      ("get -o wide members controlplane-1 ", members), ("explain ", members),
      ("forget wor", Array(members[2...])),
      ("get registries r", ["racks"]), ("diff racks inv", ["inventory"]),
      ("wait ", ["member", "members", "registries"]), ("wait member c", Array(members[..<2])),
      ("plugins show ", ["exec", "http", "kubernetes", "service", "static-file"]),
      ("plugins check st", ["static-file"]), ("history --node worker-1", ["worker-1"]),
      ("explain --config /no/such/file ", []),
    ])
  func configured(line: String, expected: [String]) async throws {
    let words = ["rollcall"] + line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let named = ["ROLLCALL_CONFIG": "\(fiveNodes)/rollcall.yaml"]
    #expect(try await suggestions(words, in: fiveNodes, environment: named) == expected)
  }

  @Test("a configuration that merely lies in the folder runs nothing: its registries are named, no more")
  func found() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      plugins: {path: [.]}
      cluster:
        discovery:
          registries:
            trap: {plugin: exec, command: [/bin/sh, -c, "touch ran; echo '{}'"]}
      """, to: "rollcall.yaml")
    for line in ["explain ", "get members ", "forget ", "wait member ", "history --node "] {
      let words = ["rollcall"] + line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      #expect(try await suggestions(words, in: folder.path) == [], "\(line)")
    }
    #expect(try await suggestions(["rollcall", "get", "registries", "t"], in: folder.path) == ["trap"])
    #expect(try await suggestions(["rollcall", "plugins", "show", "st"], in: folder.path) == ["static-file"])
    #expect(folder.names == ["rollcall.yaml"])
  }

  @Test("a path is completed to plugins' files and folders")
  func files() async throws {
    let folder = try TemporaryFolder()
    for name in ["librollcall-a.so", "other.txt", "deeper/x"] { try folder.write("", to: name) }
    let found = try await suggestions(["rollcall", "plugins", "check", "./"], in: folder.path)
    #expect(found == ["./deeper/", "./librollcall-a.so"])
  }

  @Test("a running daemon is asked first")
  func daemon() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "cluster: {discovery: {registries: {seen: {plugin: static-file, path: members.yaml}}}}\nnode: {publish: false}\n",
      to: "rollcall.yaml")
    try folder.write(
      "nodes: [{nodeId: n1, nodename: by-daemon, addresses: [10.0.0.1]}, {nodeId: n2, nodename: '$(reboot)'}]\n",
      to: "members.yaml")
    let socket = folder.path("rollcall.sock")
    let process = try Command.start(["run", "--state", "state", "--socket", socket], in: folder.path)
    defer { process.signal(SIGTERM) }
    try await eventually("it answers") {
      try await Command.run("get members -o name --socket \(socket)").output.contains("by-daemon")
    }
    let environment = ["ROLLCALL_SOCKET": socket]
    #expect(
      try await suggestions(["rollcall", "explain", ""], in: fiveNodes, environment: environment)
        == ["by-daemon"])
    #expect(
      try await suggestions(["rollcall", "get", "registry", "s"], in: fiveNodes, environment: environment)
        .contains("seen"))
  }

  @Test("a daemon that doesn't answer isn't waited for")
  func silentDaemon() async throws {
    let folder = try TemporaryFolder()
    let listener = try await ChildProcess.run("true", [])
    #expect(listener.status == 0)
    let script = """
      import socket, time
      listener = socket.socket(socket.AF_UNIX)
      listener.bind("silent.sock")
      listener.listen(8)
      print("listens", flush=True)
      time.sleep(60)
      """
    let silent = try ChildProcess("python3", ["-c", script], folder: folder.path)
    defer { silent.signal(SIGKILL) }
    try await eventually("it listens") { silent.outputSoFar.contains("listens") }
    let start = ContinuousClock.now
    let found = try await suggestions(
      ["rollcall", "explain", ""], in: fiveNodes, environment: ["ROLLCALL_SOCKET": folder.path("silent.sock")]
    )
    #expect(found == [])
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test(
    "zsh and fish read their scripts, and both ask the command as bash does",
    .enabled(if: Program.isThere("fish") && Program.isThere("zsh"), "\(Program.hint)"))
  func others() async throws {
    let folder = try TemporaryFolder()
    for shell in ["zsh", "fish"] {
      let script = try await script(shell, folder)
      let read = try await Tool.run(shell, ["-n", script])
      #expect(read.status == 0 && read.output == "", "\(read)")
      #expect(try contents(script).contains("---completion get -- positional@0"))
    }
    // As fish's script does it: the place of the word, and all words.
    let found = try await Command.run(
      "---completion get -- positional@0 3 4 rollcall get members work", in: fiveNodes,
      environment: ["SAP_SHELL": "fish", "ROLLCALL_CONFIG": "\(fiveNodes)/rollcall.yaml"])
    #expect(found.output.split(separator: "\n").filter { $0.hasPrefix("work") }.count == 3, "\(found)")
  }
}
