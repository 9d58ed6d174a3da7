import Foundation
import Synchronization
import TestSupport
import Testing

/// A machine of a ``MeshLab``: namespaces of its own for network, mounts and processes, held by a first process. With
/// that process ends all that was started in it, also what is to outlive a daemon, and also where a test fails.
final class LabMachine: Sendable {
  let name: String
  /// Its first address, without the length.
  let address: String
  let folder: String
  /// Where its daemon is asked.
  let socket: String
  /// The first process of its namespaces, as it is called outside.
  let first: Int32
  private let holder: ChildProcess
  private let daemon = Mutex<ChildProcess?>(nil)

  init(_ name: String, address: String, folder: String) async throws {
    (self.name, self.address, self.folder) = (name, address, folder)
    socket = "\(folder)/rollcall.sock"
    // /run of its own, as a userspace device's socket lies there, whose path knows no network namespace. It ends when
    // nobody reads what it says, as where the tests were killed.
    let holder = try ChildProcess(
      "unshare",
      Self.separation + [
        "sh", "-c",
        "mount -t tmpfs tmpfs /run && mkdir -p /run/wireguard && ip link set lo up && while echo ready; do sleep 1; done",
      ])
    self.holder = holder
    try await eventually("the namespaces of \(name) are there") {
      holder.outputSoFar.contains("ready") || !holder.isRunning
    }
    try #require(holder.isRunning, "\(holder.errorsSoFar)")
    first = try #require(Self.child(of: holder.processID))
  }

  deinit { holder.signal(SIGKILL) }

  /// What makes the namespaces.
  static let separation = [
    "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
  ]

  private static func child(of process: Int32) -> Int32? {
    let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
    return text?.split(separator: " ").first.flatMap { Int32($0) }
  }

  // MARK: Programs

  /// Starts a program in the machine.
  func start(_ program: String, _ arguments: [String]) throws -> ChildProcess {
    let spaces = ["net", "mnt", "pid"].map { "--\($0 == "mnt" ? "mount" : $0)=/proc/\(first)/ns/\($0)" }
    return try ChildProcess(
      "nsenter", spaces + ["--", program] + arguments, environment: Command.environment)
  }

  /// Sends a signal to what ``start(_:_:)`` started: what it returned is the way in, not the program.
  static func signal(_ process: ChildProcess, _ number: Int32) {
    guard process.isRunning, let program = child(of: process.processID) else { return }
    kill(program, number)
  }

  /// What a shell's `script` prints there; it has to succeed.
  @discardableResult
  func shell(_ script: String) async throws -> String {
    let result = try await start("sh", ["-ec", script]).result()
    try #require(result.status == 0, "\(name): \(script): \(result)")
    return result.output
  }

  /// The processes there that run the program of that name, as they are called there.
  func processes(_ program: String) async throws -> [Int32] {
    try await shell(
      """
      for folder in /proc/[0-9]*; do
        if [ "$(cat $folder/comm 2>/dev/null)" = \(program) ]; then echo ${folder#/proc/}; fi
      done
      """
    ).split(separator: "\n").compactMap { Int32($0) }.sorted()
  }

  /// Whether a packet to `address` is answered within a second, one of `count`.
  func reaches(_ address: String, count: Int = 1, options: [String] = []) async throws -> Bool {
    let result = try await start(
      "ping", ["-c", "\(count)", "-i", "0.2", "-W", "1", "-n"] + options + [address]
    ).result()
    return result.status == 0
  }

  /// Pings `address` ten times a second until ``Pings/end()``.
  func pings(_ address: String) throws -> Pings {
    Pings(try start("ping", ["-D", "-i", "0.1", "-n", address]))
  }

  /// A ping that goes on.
  struct Pings: Sendable {
    private let process: ChildProcess
    private let start = Date().timeIntervalSince1970

    fileprivate init(_ process: ChildProcess) { self.process = process }

    /// How many were answered so far.
    var answers: Int { times.count }

    private var times: [Double] {
      process.outputSoFar.split(separator: "\n").compactMap { line in
        guard line.hasPrefix("["), line.contains("bytes from"), let end = line.firstIndex(of: "]") else {
          return nil
        }
        return Double(line[line.index(after: line.startIndex)..<end])
      }
    }

    /// Ends it.
    ///
    /// - Returns: the longest time without an answer, in seconds.
    func end() async throws -> Double {
      LabMachine.signal(process, SIGINT)
      let end = Date().timeIntervalSince1970
      _ = try await process.result()
      let moments = [start] + times + [end]
      return zip(moments, moments.dropFirst()).map { $1 - $0 }.max() ?? 0
    }
  }

  // MARK: Its network

  /// Bytes that a link has received and sent; nil where there is none of that name.
  func bytes(of link: String) -> (received: Int, sent: Int)? {
    let text = (try? String(contentsOfFile: "/proc/\(first)/net/dev", encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":")
      guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == link else { continue }
      let numbers = parts[1].split(separator: " ").compactMap { Int($0) }
      return numbers.count > 8 ? (numbers[0], numbers[8]) : nil
    }
    return nil
  }

  /// What there is of a mesh, each thing in a line; empty where there is nothing.
  func traces() async throws -> [String] {
    let program = try await processes("wireguard-go").map { _ in "a process" }
    return program
      + (try await shell(
        """
        ip -o link show kubespan 2>/dev/null | sed 's/.*/a link/'
        { ip rule; ip -6 rule; } | grep -c 'lookup 180' | sed '/^0$/d; s/.*/& rules/'
        { ip route show table 180; ip -6 route show table 180; } 2>/dev/null | grep -c . | sed '/^0$/d; s/.*/& routes/'
        nft list tables | grep rollcall || true
        """
      ).split(separator: "\n").map(String.init))
  }

  // MARK: Its daemon

  /// The daemon that runs, or ran last.
  var process: ChildProcess? { daemon.withLock { $0 } }

  /// What the daemon has logged.
  var log: String { process?.errorsSoFar ?? "" }

  /// Starts the daemon as it is configured, and waits until it can be asked.
  ///
  /// - Parameter path: where it looks for programs; nil: as the tests do.
  func run(path: String? = nil) async throws {
    let line = [BuiltProducts.rollcall, "run", "--config", "\(folder)/rollcall.yaml", "--socket", socket]
    let process = try start("env", (path.map { ["PATH=\($0)"] } ?? []) + line)
    daemon.withLock { $0 = process }
    try await eventually("the daemon of \(name) can be asked") {
      SocketRequest.get("/healthz", at: socket) != nil || !process.isRunning
    }
    try #require(process.isRunning, "\(process.errorsSoFar)")
  }

  /// Sends the daemon a signal.
  func signal(_ number: Int32) { if let process { Self.signal(process, number) } }

  /// Ends the daemon by `signal` and waits for its end.
  func stop(by signal: Int32 = SIGTERM) async throws {
    self.signal(signal)
    _ = try await process?.result()
  }

  /// What its daemon says of the mesh.
  var mesh: MeshStatus? {
    SocketRequest.get("/v1/kubespan", at: socket).flatMap {
      try? JSONDecoder().decode(MeshStatus.self, from: $0)
    }
  }

  /// The peers that are up, by their names.
  var peersUp: Set<String> { Set((mesh?.peers ?? []).filter { $0.state == "up" }.map(\.label)) }

  /// The peer of that name.
  func peer(_ name: String) -> MeshStatus.Peer? { mesh?.peers.first { $0.label == name } }

  /// Its address within KubeSpan.
  func meshAddress() throws -> String {
    let address = try #require(mesh?.identity?.address)
    return String(address.prefix { $0 != "/" })
  }

  /// Runs the command against its daemon: what it prints. It has to succeed.
  func rollcall(_ line: String) async throws -> String {
    let result = try await Command.run("\(line) --socket \(socket)")
    try #require(result.status == 0, "\(name): \(line): \(result)")
    return result.output
  }
}

/// What of a daemon's `/v1/kubespan` the tests look at.
struct MeshStatus: Decodable, Sendable {
  struct Identity: Decodable, Sendable {
    let address: String
    let publicKey: String
  }

  struct Endpoint: Decodable, Sendable {
    let endpoint: String
  }

  struct Peer: Decodable, Sendable {
    let nodeId: String
    /// Its nodename.
    let label: String
    let publicKey: String
    let address: String
    let allowedIPs: [String]
    let endpoints: [Endpoint]
    let state: String
    let endpoint: String
    let trouble: String?
    let overdue: Bool
    let why: [String]
  }

  struct Problem: Decodable, Sendable {
    let message: String
  }

  struct Dispute: Decodable, Sendable {
    let kind: String
    let nodes: [String]
    let message: String
  }

  struct Omission: Decodable, Sendable {
    let nodeId: String
    let message: String
  }

  let identity: Identity?
  let problem: Problem?
  let passes: Int
  let peers: [Peer]
  let disputes: [Dispute]
  let omitted: [Omission]
}
