import Foundation
import TestSupport
import Testing

/// The command `rollcall`, run as a person runs it.
enum Command {
  /// What no test takes from the person who runs the tests. A daemon is asked, and can be, only where a test says so.
  static let environment = [
    "ROLLCALL_CONFIG": "", "ROLLCALL_SOCKET": "none", "RUNTIME_DIRECTORY": "", "XDG_RUNTIME_DIR": "",
    "ROLLCALL_NODENAME": "", "ROLLCALL_PLUGIN_PATH": "", "XDG_STATE_HOME": "",
    "NO_COLOR": "",
    "TERM": "dumb",
  ]

  /// Starts it with `arguments` in `folder`.
  static func start(
    _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try ChildProcess(
      BuiltProducts.rollcall, arguments,
      environment: Self.environment.merging(environment) { $1 }, folder: folder)
  }

  /// Runs it to its end. `line` is split at its spaces. That no daemon runs, as in most tests, isn't in the errors.
  static func run(
    _ line: String, in folder: String? = nil, environment: [String: String] = [:]
  ) async throws -> ChildProcess.Result {
    try await run(line.split(separator: " ").map(String.init), in: folder, environment: environment)
  }

  static func run(
    _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:]
  ) async throws -> ChildProcess.Result {
    let result = try await start(arguments, in: folder, environment: environment).result()
    return ChildProcess.Result(
      status: result.status, output: result.output, errors: result.errors.withoutFallBack)
  }

  /// What it prints where it succeeds without a word on the standard error.
  static func output(_ line: String, in folder: String? = nil) async throws -> String {
    let result = try await run(line, in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(result.errors == "")
    return result.output
  }
}

extension String {
  /// The lines without the one that says that no daemon runs, as none does in most tests.
  var withoutFallBack: String {
    split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("rollcall: no daemon answers at ") }.joined(separator: "\n")
  }
}

/// The folder with a fixture of that name.
func fixture(_ name: String) -> String {
  BuiltProducts.checkout.appendingPathComponent("Tests/Integration/Fixtures/\(name)").path
}

/// The five nodes that ship with the project.
let fiveNodes = BuiltProducts.checkout.appendingPathComponent("Docs/Examples/five-nodes").path

func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

/// A table in which every version is 1: how often something changed depends on who spoke first.
func versionsLeftOut(_ table: String) -> String {
  let lines = table.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  guard let header = lines.first, let column = header.firstRange(of: "VERSION")?.lowerBound else {
    return table
  }
  let start = column.utf16Offset(in: header)
  return lines.enumerated().map { index, line in
    guard index > 0, line.count > start + 7 else { return line }
    let characters = Array(line)
    return String(characters[..<start]) + "1      " + String(characters[(start + 7)...])
  }.joined(separator: "\n")
}

/// A folder with the configuration of two files that each list a part of a cluster.
func twoFiles(_ folder: TemporaryFolder) throws {
  try folder.write(
    """
    cluster:
      discovery:
        registries:
          a: {plugin: static-file, path: a.yaml, debounce: 10ms}
          b: {plugin: static-file, path: b.yaml, debounce: 10ms}
    node: {publish: false, hostname: watcher}
    """, to: "rollcall.yaml")
  try folder.write(nodes([("n1", "one", "10.0.0.1"), ("n2", "two", "10.0.0.2")]), to: "a.yaml")
  try folder.write(nodes([("n2", "two", "10.0.0.22")]), to: "b.yaml")
}

/// A file of nodes, each with its identity, nodename and address.
func nodes(_ nodes: [(id: String, name: String, address: String)]) -> String {
  "nodes:\n"
    + nodes.map { "  - {nodeId: \($0.id), nodename: \($0.name), addresses: [\($0.address)]}\n" }.joined()
}

/// Waits until `process` has logged a line with all of `parts`.
func logged(_ process: ChildProcess, _ parts: String...) async throws {
  do {
    try await eventually("a line with \(parts)") {
      process.errorsSoFar.split(separator: "\n").contains { line in parts.allSatisfy { line.contains($0) } }
    }
  } catch {
    throw NotInTime(description: "\(error)\n\(process.errorsSoFar)")
  }
}
