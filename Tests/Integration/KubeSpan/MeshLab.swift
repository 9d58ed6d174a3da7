import Foundation
import Synchronization
import TestSupport
import Testing

/// Machines of one cluster, each in namespaces of its own, joined by a switch in another one, where the discovery service
/// runs. Nothing of it can be seen from outside, and all of it goes with the test.
final class MeshLab: Sendable {
  /// Why there can be no lab here; nil: there can.
  static let obstacle: String? = {
    guard getuid() == 0 else { return "network namespaces need root" }
    for program in ["unshare", "nsenter", "ip", "nft", "ping", "wireguard-go"] where !Program.isThere(program)
    {
      return "there is no '\(program)': '.ci/setup tests' installs it"
    }
    guard access("/dev/net/tun", R_OK | W_OK) == 0 else { return "/dev/net/tun can't be opened" }
    let check = Process()
    check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    check.arguments = ["unshare"] + LabMachine.separation + ["true"]
    check.standardError = FileHandle.nullDevice
    do { try check.run() } catch { return "unshare can't be run: \(error)" }
    check.waitUntilExit()
    return check.terminationStatus == 0 ? nil : "namespaces can't be made here"
  }()

  let folder: TemporaryFolder
  /// `cluster:` with an id and a secret.
  let secrets: String
  /// Where the discovery service is.
  private let endpoint = "http://10.77.0.254:3000"
  private let hub: LabMachine
  private let service = Mutex<ChildProcess?>(nil)

  /// A switch with two networks, 10.77.0.0/16 and 10.78.0.0/16, and a discovery service on the first.
  init() async throws {
    folder = try TemporaryFolder()
    secrets = try await Command.output("gen secrets")
    hub = try await LabMachine("switch", address: "10.77.0.254", folder: folder.path)
    // What the machines send each other: within the tunnel, and otherwise. The service's packets aren't forwarded.
    try await hub.shell(
      """
      for number in 0 1; do
        ip link add br$number type bridge
        ip address add 10.$((77 + number)).0.254/16 dev br$number
        ip link set br$number up
      done
      nft -f - <<.
      table bridge lab {
        counter tunnel {}
        counter clear {}
        chain cut { type filter hook forward priority -10; policy accept; }
        chain count {
          type filter hook forward priority 0; policy accept;
          udp dport 51820 counter name tunnel accept
          meta protocol ip counter name clear
          ip6 saddr fc00::/7 counter name clear
        }
      }
      .
      """)
    try await startService()
  }

  deinit { service.withLock { $0 }.map { LabMachine.signal($0, SIGKILL) } }

  /// Prints what was measured, beside what the existing system's rules give.
  static func print(_ fact: String, _ figure: String, existing: String = "") {
    Swift.print("kubespan: \(fact): \(figure)" + (existing.isEmpty ? "" : " (existing system: \(existing))"))
  }

  // MARK: The service

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
    guard let process = service.withLock({ $0 }) else { return }
    LabMachine.signal(process, SIGKILL)
    _ = try await process.result()
  }

  // MARK: The network

  /// A machine on the switch, without a daemon yet; nil: on none.
  func machine(_ name: String, address: String, isOnSwitch: Bool = true) async throws -> LabMachine {
    let folder = folder.path(name)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let machine = try await LabMachine(name, address: address, folder: folder)
    if isOnSwitch {
      try await connect(machine, "eth0", address: "\(address)/16")
      // What a machine has no way to can't be led into the tunnel either.
      try await machine.shell("ip route add default via 10.77.0.254")
    }
    return machine
  }

  /// So many machines, m1, m2 and so on, at 10.77.0.1 and so on, with daemons.
  func machines(_ count: Int, kubeSpan: [String] = []) async throws -> [LabMachine] {
    var machines: [LabMachine] = []
    for number in 1...count {
      machines.append(try await machine("m\(number)", address: "10.77.0.\(number)"))
    }
    for machine in machines { try await start(machine, kubeSpan: kubeSpan) }
    return machines
  }

  /// Joins a machine's new link `link` to a network of the switch.
  func connect(_ machine: LabMachine, _ link: String, address: String, network: Int = 0) async throws {
    let port = network == 0 ? machine.name : "\(machine.name)-\(network)"
    try await outside(hub, "ip link add \(port) type veth peer name \(link) netns \(machine.first)")
    try await hub.shell("ip link set \(port) master br\(network) up")
    try await machine.shell("ip address add \(address) dev \(link) && ip link set \(link) up")
  }

  /// Joins a machine's new link eth0 to another machine's new link eth1.
  func connect(_ machine: LabMachine, address: String, behind router: LabMachine, _ inner: String)
    async throws
  {
    try await outside(router, "ip link add eth1 type veth peer name eth0 netns \(machine.first)")
    try await router.shell("ip address add \(inner)/24 dev eth1 && ip link set eth1 up")
    try await machine.shell(
      "ip address add \(address)/24 dev eth0 && ip link set eth0 up && ip route add default via \(inner)")
  }

  /// Runs a line where the network is a machine's and other machines can be named by their processes.
  private func outside(_ machine: LabMachine, _ line: String) async throws {
    let result = try await ChildProcess.run(
      "nsenter", ["--net=/proc/\(machine.first)/ns/net", "--"] + line.split(separator: " ").map(String.init))
    try #require(result.status == 0, "\(line): \(result)")
  }

  /// Runs a shell's script where the switch is.
  @discardableResult
  func onSwitch(_ script: String) async throws -> String { try await hub.shell(script) }

  /// Has the switch drop what `rule` describes, in nftables' words.
  func cut(_ rule: String = "udp dport 51820") async throws {
    try await hub.shell("nft add rule bridge lab cut \(rule) drop")
  }

  /// Has the switch forward everything again.
  func mend() async throws { try await hub.shell("nft flush chain bridge lab cut") }

  /// How many packets machines have sent each other: of the tunnel, and others.
  func packets() async throws -> (tunnel: Int, clear: Int) {
    func count(_ counter: String) async throws -> Int {
      let text = try await hub.shell("nft list counter bridge lab \(counter)")
      let words = text.split(whereSeparator: \.isWhitespace)
      let position = try #require(words.firstIndex(of: "packets"))
      return try #require(Int(words[position + 1]))
    }
    return (try await count("tunnel"), try await count("clear"))
  }

  // MARK: Daemons

  /// Writes the machine's configuration.
  ///
  /// - Parameters:
  ///   - kubeSpan: what is set beside `enabled: true`, as lines of YAML.
  ///   - node: what is set of `node:` beside the name, as lines of YAML.
  ///   - registries: others than the service, as lines of YAML.
  ///   - secrets: the machine's own `cluster:`; nil: the lab's.
  func configure(
    _ machine: LabMachine, isEnabled: Bool = true, kubeSpan: [String] = [], node: [String] = [],
    registries: [String] = [], secrets: String? = nil
  ) throws {
    let lines = ["enabled: \(isEnabled)", "device: userspace"] + kubeSpan
    let text = """
      \(secrets ?? self.secrets)
        discovery:
          registries:
            service:
              endpoint: \(endpoint)
            kubernetes: {disabled: true}
      \(registries.map { "      \($0)\n" }.joined())
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

  /// Configures and starts the machine's daemon, and waits until it can be asked.
  func start(
    _ machine: LabMachine, kubeSpan: [String] = [], node: [String] = [], registries: [String] = [],
    secrets: String? = nil
  ) async throws {
    try configure(machine, kubeSpan: kubeSpan, node: node, registries: registries, secrets: secrets)
    try await machine.run()
  }

  /// Waits until `condition` holds, looking a few dozen times a second. Where it doesn't, the error says how the meshes
  /// of `machines` are.
  func until(
    _ what: String, within timeout: Duration = .seconds(60), _ machines: [LabMachine] = [],
    _ condition: () async throws -> Bool
  ) async throws {
    var isFirst = true
    do {
      try await eventually(what, within: timeout) {
        if !isFirst { try await Task.sleep(for: .milliseconds(20)) }
        isFirst = false
        return try await condition()
      }
    } catch let error as NotInTime {
      let states = machines.map { machine in
        let mesh = SocketRequest.get("/v1/kubespan", at: machine.socket).map {
          String(decoding: $0, as: UTF8.self)
        }
        return "\(machine.name): \(mesh ?? "no mesh")\n\(machine.log.suffix(3000))"
      }
      throw NotInTime(description: ([error.description] + states).joined(separator: "\n"))
    }
  }

  /// Waits until each of `machines` has all the others up.
  func untilAllUp(_ machines: [LabMachine], within timeout: Duration = .seconds(60)) async throws {
    for machine in machines {
      let others = Set(machines.map(\.name)).subtracting([machine.name])
      try await until("\(machine.name) has \(others.sorted()) up", within: timeout, machines) {
        machine.peersUp.isSuperset(of: others)
      }
    }
  }
}
