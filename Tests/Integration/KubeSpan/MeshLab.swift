import Foundation
import Synchronization
import TestSupport
import Testing

/// Machines of one cluster, each in network and mount namespaces of its own, joined by a switch in another one, where
/// the discovery service runs. Nothing of it can be seen from outside, and all of it goes with the test.
final class MeshLab: Sendable {
  /// A network namespace with its own /run, held by a process.
  final class Machine: Sendable {
    let name: String
    /// The address on the switch, without the length.
    let address: String
    let folder: String
    fileprivate let holder: ChildProcess
    fileprivate let daemon = Mutex<ChildProcess?>(nil)

    fileprivate init(_ name: String, address: String, folder: String) async throws {
      (self.name, self.address, self.folder) = (name, address, folder)
      // /run of its own, as a userspace device's socket lies there, whose path knows no network namespace.
      holder = try ChildProcess(
        "unshare",
        [
          "--net", "--mount", "--propagation", "private", "sh", "-c",
          "mount -t tmpfs tmpfs /run && mkdir -p /run/wireguard && ip link set lo up && echo ready && exec sleep 86400",
        ])
      let holder = holder
      try await eventually("the namespaces of \(name) are there") {
        holder.outputSoFar.contains("ready") || !holder.isRunning
      }
      try #require(holder.isRunning, "\(holder.errorsSoFar)")
    }

    fileprivate var line: [String] {
      ["--net=/proc/\(holder.processID)/ns/net", "--mount=/proc/\(holder.processID)/ns/mnt", "--"]
    }

    /// Starts a program in the machine.
    func start(_ program: String, _ arguments: [String]) throws -> ChildProcess {
      try ChildProcess("nsenter", line + [program] + arguments, environment: Command.environment)
    }

    /// What a shell's `script` prints there; it has to succeed.
    @discardableResult
    func shell(_ script: String) async throws -> String {
      let result = try await start("sh", ["-ec", script]).result()
      try #require(result.status == 0, "\(name): \(script): \(result)")
      return result.output
    }

    /// Whether a packet to `address` is answered within a second.
    func reaches(_ address: String) async throws -> Bool {
      let result = try await start("ping", ["-c", "1", "-W", "1", "-n", address]).result()
      return result.status == 0
    }

    /// The daemon that runs, or ran last.
    var process: ChildProcess? { daemon.withLock { $0 } }

    deinit {
      process?.signal(SIGKILL)
      holder.signal(SIGKILL)
    }
  }

  /// Why there can be no lab here; nil: there can.
  static let obstacle: String? = {
    guard getuid() == 0 else { return "network namespaces need root" }
    for program in ["unshare", "nsenter", "ip", "nft", "ping"] where !Program.isThere(program) {
      return "there is no '\(program)': '.ci/setup tests' installs it"
    }
    guard access("/dev/net/tun", R_OK | W_OK) == 0 else { return "/dev/net/tun can't be opened" }
    let check = Process()
    check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    check.arguments = ["unshare", "--net", "--mount", "true"]
    check.standardError = FileHandle.nullDevice
    do { try check.run() } catch { return "unshare can't be run: \(error)" }
    check.waitUntilExit()
    return check.terminationStatus == 0 ? nil : "namespaces can't be made here"
  }()

  let folder: TemporaryFolder
  /// `cluster:` with an id and a secret.
  let secrets: String
  /// Where the discovery service is.
  let endpoint = "http://10.77.0.254:3000"
  private let hub: Machine
  private let service = Mutex<ChildProcess?>(nil)

  /// A switch, and a discovery service on it.
  init() async throws {
    folder = try TemporaryFolder()
    secrets = try await Command.output("gen secrets")
    hub = try await Machine("switch", address: "10.77.0.254", folder: folder.path)
    try await hub.shell(
      "ip link add br0 type bridge && ip address add 10.77.0.254/16 dev br0 && ip link set br0 up")
    try await startService()
  }

  /// Starts the discovery service. It has nothing then.
  func startService() async throws {
    let process = try hub.start(
      BuiltProducts.rollcall,
      ["serve", "--addr", "10.77.0.254:3000", "--landing-addr", "", "--metrics-addr", ""])
    try await eventually("the service listens") {
      process.errorsSoFar.contains("the discovery service listens") || !process.isRunning
    }
    try #require(process.isRunning, "\(process.errorsSoFar)")
    service.withLock { $0 = process }
  }

  /// Ends the discovery service at once.
  func stopService() async throws {
    let process = service.withLock { $0 }
    process?.signal(SIGKILL)
    _ = try await process?.result()
  }

  /// A machine on the switch, without a daemon yet.
  func machine(_ name: String, address: String) async throws -> Machine {
    let folder = folder.path(name)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let machine = try await Machine(name, address: address, folder: folder)
    try await hub.shell(
      "ip link add \(name) type veth peer name eth0 netns \(machine.holder.processID) && ip link set \(name) master br0 up"
    )
    try await machine.shell("ip address add \(address)/16 dev eth0 && ip link set eth0 up")
    return machine
  }

  /// Runs a shell's script where the switch is.
  @discardableResult
  func onSwitch(_ script: String) async throws -> String { try await hub.shell(script) }

  // MARK: Daemons

  /// Starts the machine's daemon and waits until it can be asked.
  ///
  /// - Parameters:
  ///   - kubeSpan: what is set beside `enabled: true`, as lines of YAML.
  ///   - node: what is set of `node:` beside the name, as lines of YAML.
  func start(
    _ machine: Machine, kubeSpan: [String] = [], node: [String] = [], secrets: String? = nil
  ) async throws {
    try configure(machine, kubeSpan: kubeSpan, node: node, secrets: secrets)
    try await run(machine)
  }

  /// Writes the machine's configuration.
  func configure(
    _ machine: Machine, kubeSpan: [String] = [], node: [String] = [], secrets: String? = nil
  ) throws {
    let lines = ["enabled: true", "device: userspace"] + kubeSpan
    let text = """
      \(secrets ?? self.secrets)
        discovery:
          registries:
            service:
              endpoint: \(endpoint)
            kubernetes: {disabled: true}
      stateDirectory: state
      node:
        nodename: \(machine.name)
        hostname: \(machine.name)
      \(node.map { "  \($0)\n" }.joined())
      kubespan:
      \(lines.map { "  \($0)\n" }.joined())
      """
    try folder.write(text, to: "\(machine.name)/rollcall.yaml")
  }

  /// Starts the machine's daemon as it is configured, and waits until it can be asked.
  func run(_ machine: Machine) async throws {
    let process = try machine.start(
      BuiltProducts.rollcall,
      ["run", "--config", "\(machine.folder)/rollcall.yaml", "--socket", machine.socket])
    machine.daemon.withLock { $0 = process }
    try await eventually("the daemon of \(machine.name) can be asked") {
      SocketRequest.get("/healthz", at: machine.socket) != nil || !process.isRunning
    }
    try #require(process.isRunning, "\(process.errorsSoFar)")
  }

  /// Ends the machine's daemon by `signal` and waits for its end.
  @discardableResult
  func stop(_ machine: Machine, by signal: Int32 = SIGTERM) async throws -> ChildProcess.Result {
    let process = try #require(machine.process)
    process.signal(signal)
    return try await process.result()
  }
}

extension MeshLab.Machine {
  /// Where its daemon is asked.
  var socket: String { "\(folder)/rollcall.sock" }

  /// What its daemon says of the mesh.
  var mesh: MeshStatus? {
    SocketRequest.get("/v1/kubespan", at: socket).flatMap {
      try? JSONDecoder().decode(MeshStatus.self, from: $0)
    }
  }

  /// The peers that are up, by their names.
  var peersUp: Set<String> {
    Set((mesh?.peers ?? []).filter { $0.state == "up" }.map(\.label))
  }
}

/// What of a daemon's `/v1/kubespan` the tests look at.
struct MeshStatus: Decodable, Sendable {
  struct Peer: Decodable, Sendable {
    /// Its nodename.
    let label: String
    let state: String
    let endpoint: String
    let why: [String]
  }

  let peers: [Peer]
}
