import BenchmarkTable
import FoundationEssentials
import Glibc

/// From exec to the last printed member, for a file of 1,000 nodes: `rollcall get members` as a person runs it.
func commandBenchmark() throws -> [BenchmarkRow] {
  let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-benchmark-\(getpid())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let nodes = (0..<1000).map { number in
    """
      - nodeId: node-\(number)
        hostname: host-\(number).example.org
        nodename: worker-\(number)
        machineType: worker
        operatingSystem: Talos (v1.3.0)
        addresses: [10.5.\(number / 250).\(number % 250 + 1), "fd00::\(String(number, radix: 16))"]

    """
  }
  try write("nodes:\n" + nodes.joined(), to: folder.appending(path: "nodes.yaml"))
  try write(
    """
    cluster:
      discovery:
        registries:
          racks: { plugin: static-file, path: nodes.yaml }
    node: { publish: false }
    """, to: folder.appending(path: "rollcall.yaml"))
  let command = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "rollcall").path
  let configuration = folder.appending(path: "rollcall.yaml").path
  let times = try (0..<20).map { _ in
    try time { try run([command, "get", "members", "--config", configuration], lines: 1001) }
  }
  return [
    BenchmarkRow(
      name: "exec to 1,000 printed members", measured: times.median.inMilliseconds, target: "50 ms"),
    BenchmarkRow(
      name: "the same, fastest and slowest of \(times.count)",
      measured: "\((times.min() ?? .zero).inMilliseconds), \((times.max() ?? .zero).inMilliseconds)"),
  ]
}

private struct CommandFailed: Error { let message: String }

private func write(_ text: String, to file: URL) throws { try Data(text.utf8).write(to: file) }

/// Runs `arguments` to the end, and sees that it prints `lines` lines.
private func run(_ arguments: [String], lines: Int) throws {
  var ends: [Int32] = [0, 0]
  guard pipe(&ends) == 0 else { throw CommandFailed(message: "no pipe") }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
  posix_spawn_file_actions_addclose(&actions, ends[0])
  var process = pid_t()
  var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  let result = posix_spawn(&process, arguments[0], &actions, nil, &words, environ)
  close(ends[1])
  defer { close(ends[0]) }
  guard result == 0 else { throw CommandFailed(message: "can't start \(arguments[0])") }
  var printed = 0
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = read(ends[0], &buffer, buffer.count), count > 0 {
    printed += buffer[..<count].count { $0 == UInt8(ascii: "\n") }
  }
  var status: Int32 = 0
  waitpid(process, &status, 0)
  guard status == 0, printed == lines else {
    throw CommandFailed(message: "status \(status), \(printed) lines instead of \(lines)")
  }
}
