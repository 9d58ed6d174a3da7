import Foundation
import TestSupport

extension MarkdownBlock {
  /// Whether the block is a whole configuration file: it starts with one of its sections.
  var isConfiguration: Bool {
    let sections: Set = ["cluster:", "plugins:", "merge:", "node:"]
    let first = text.split(separator: "\n").first { !$0.hasPrefix("#") }
    return first.map { sections.contains(String($0)) } ?? false
  }

  /// The commands of a console block, each with what it is said to print.
  var steps: [ConsoleStep] {
    var steps: [ConsoleStep] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("$ ") {
        steps.append(ConsoleStep(command: String(line.dropFirst(2))))
      } else if !steps.isEmpty {
        steps[steps.count - 1].expected.append(String(line))
      }
    }
    return steps
  }
}

/// A command of a console block, which runs in the folder of the five-node example.
struct ConsoleStep {
  let command: String
  /// The lines that it prints; a line of `…` alone stands for any number of lines.
  var expected: [String] = []

  func run() async throws -> ChildProcess.Result {
    let state = try TemporaryFolder()
    let path = BuiltProducts.folder.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let environment = [
      "PATH": path, "XDG_STATE_HOME": state.path, "ROLLCALL_SOCKET": "none", "NO_COLOR": "1",
    ]
    let result = try await ChildProcess.run(
      "/bin/sh", ["-c", command], environment: environment,
      folder: BuiltProducts.checkout.appendingPathComponent("Docs/Examples/five-nodes").path)
    return ChildProcess.Result(
      status: result.status, output: result.output, errors: result.errors.withoutFallBack)
  }

  func accepts(_ printed: String) -> Bool {
    func trimmed(_ lines: some Collection<String>) -> [String] {
      var lines = lines.map { $0.replacing(/\s+$/, with: "") }
      while lines.last == "" { lines.removeLast() }
      return lines
    }
    return Self.matches(
      trimmed(expected)[...],
      trimmed(printed.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))[...])
  }

  /// Whether `lines` are the `pattern`; within a line, `…` stands for any text (an age, a folder).
  private static func matches(_ pattern: ArraySlice<String>, _ lines: ArraySlice<String>) -> Bool {
    guard let first = pattern.first else { return lines.isEmpty }
    if first == "…" {
      return (lines.startIndex...lines.endIndex).contains { matches(pattern.dropFirst(), lines[$0...]) }
    }
    guard let line = lines.first, line == first || lineMatches(first, line) else { return false }
    return matches(pattern.dropFirst(), lines.dropFirst())
  }

  private static func lineMatches(_ pattern: String, _ line: String) -> Bool {
    let parts = pattern.components(separatedBy: "…")
    guard parts.count > 1, line.hasPrefix(parts[0]) else { return false }
    var rest = line.dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() {
      guard let found = rest.range(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
  }
}
