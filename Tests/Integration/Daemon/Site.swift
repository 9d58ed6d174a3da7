import Foundation
import Synchronization
import TestSupport
import Testing

/// Machines of one cluster, each a daemon in a folder of its own, with a real discovery service and an API server.
final class Site: Sendable {
  /// A machine: its name, identity and address.
  struct Machine: Sendable {
    let name: String
    let identity: String
    let address: String
    var machineType: String { name.hasPrefix("cp-") ? "controlplane" : "worker" }
    var rack: String { ["w-3", "w-4"].contains(name) ? "r2" : "r1" }
  }

  /// The documented machines.
  static let machines = [
    Machine(
      name: "cp-1", identity: "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd", address: "10.20.0.11"),
    Machine(
      name: "cp-2", identity: "2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF", address: "10.20.0.12"),
    Machine(
      name: "cp-3", identity: "b3DebkPaCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C", address: "10.20.0.13"),
    Machine(
      name: "w-1", identity: "AoK81mJeCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C", address: "10.20.0.21"),
    Machine(
      name: "w-2", identity: "6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA", address: "10.20.0.22"),
    Machine(
      name: "w-3", identity: "NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB", address: "10.20.0.23"),
    Machine(
      name: "w-4", identity: "Fq0yRk2sGCsBoAiYyHQzqqkKCPnZ6tRoJwJXzEPLoFKd", address: "10.20.0.24"),
  ]

  static func machine(_ name: String) throws -> Machine { try #require(machines.first { $0.name == name }) }

  static let operatingSystem = "Talos (v1.13.2)"

  let folder: TemporaryFolder
  let server: NodeAPIServer
  private let port: Int
  private let service = Mutex<ChildProcess?>(nil)
  private let processes = Mutex<[String: ChildProcess]>([:])

  /// Starts the service.
  init() async throws {
    folder = try TemporaryFolder()
    server = try NodeAPIServer()
    port = try LoopbackPort.free()
    try folder.write(server.config, to: "kubeconfig")
    try await startService()
  }

  deinit { server.stop() }

  // MARK: Registries

  /// Starts the discovery service, always on the same port, and waits until it listens. It has nothing then.
  func startService() async throws {
    let process = try Command.start(
      [
        "serve", "--addr", "127.0.0.1:\(port)", "--landing-addr", "", "--metrics-addr", "", "--rate-limit",
        "0",
      ], in: folder.path)
    try await eventually("the service listens or has ended", within: .seconds(60)) {
      process.errorsSoFar.contains("the discovery service listens") || !process.isRunning
    }
    try #require(process.isRunning, "\(process.errorsSoFar)")
    service.withLock { $0 = process }
  }

  func killService() async throws {
    let process = try #require(service.withLock { $0 })
    process.signal(SIGKILL)
    _ = try await process.result()
  }

  /// Makes the machine's Node, as its kubelet does, or changes it.
  func put(_ machine: Machine, notReady: String? = nil) {
    server.put(
      NodeAPIServer.Node(
        name: machine.name, isControlPlane: machine.machineType == "controlplane",
        labels: ["rack": machine.rack], operatingSystem: Self.operatingSystem, notReady: notReady))
  }

  // MARK: Machines

  /// Starts a machine's daemon, in a folder that is called as it.
  ///
  /// - Parameters:
  ///   - registries: further registries, each a line; `inventory` is the weakest of all.
  ///   - node: further keys of `node`, each a line.
  ///   - more: further sections of the configuration.
  func start(
    _ machine: Machine, ttl: String = "30m", in name: String? = nil, registries: [String] = [],
    node: [String] = [], more: String = ""
  ) throws {
    let name = name ?? machine.name
    try folder.write("nodeId: \(machine.identity)\n", to: "\(name)/state/node-identity.yaml")
    try folder.write(
      """
      cluster:
        id: 7dQi+k9JuwCPIeKAeS3H/3pAbNnVostDFXkNGrL/fDo=
        secret: IzPlAZesD1BSFZLYXKJXa+OJVo3rhZfsn0A1DTgjLek=
        discovery:
          registries:
            service: {endpoint: "http://127.0.0.1:\(port)", ttl: \(ttl)}
            kubernetes: {disabled: false, kubeconfig: ../kubeconfig}
      \(registries.map { "      \($0)" }.joined(separator: "\n"))
      \(registries.isEmpty ? "" : "merge: {precedence: [service, kubernetes, inventory]}")
      node:
        nodename: \(machine.name)
        hostname: \(machine.name)
        machineType: \(machine.machineType)
        operatingSystem: \(Self.operatingSystem)
        addresses: [\(machine.address)]
      \(node.map { "  \($0)" }.joined(separator: "\n"))
      \(more)
      """, to: "\(name)/rollcall.yaml")
    try restart(name)
  }

  /// Starts a machine's daemon as it was configured.
  func restart(_ name: String) throws {
    let process = try Command.start(
      ["run", "--state", "state"], in: folder.path(name), environment: environment(name))
    processes.withLock { $0[name] = process }
  }

  /// Stops a machine's daemon in peace.
  func stop(_ name: String) async throws {
    let process = try #require(processes.withLock { $0[name] })
    process.signal(SIGTERM)
    let end = try await process.result()
    #expect(end.status == 0, "\(name): \(end)")
  }

  /// Takes a machine's power away.
  func kill(_ name: String) async throws {
    let process = try #require(processes.withLock { $0[name] })
    process.signal(SIGKILL)
    _ = try await process.result()
  }

  func signal(_ number: Int32, _ name: String) { processes.withLock { $0[name] }?.signal(number) }

  /// What a machine's daemon logged.
  func log(_ name: String) -> String { processes.withLock { $0[name] }?.errorsSoFar ?? "" }

  // MARK: Asking

  /// The socket of a machine's daemon.
  func socket(_ name: String) -> String { folder.path("\(name)/run/rollcall.sock") }

  private func environment(_ name: String) -> [String: String] {
    ["ROLLCALL_SOCKET": "", "RUNTIME_DIRECTORY": folder.path("\(name)/run")]
  }

  /// Starts the command on a machine, which asks its daemon.
  func start(_ line: String, on name: String = "cp-1") throws -> ChildProcess {
    try Command.start(
      line.split(separator: " ").map(String.init), in: folder.path(name), environment: environment(name))
  }

  func ask(_ line: String, on name: String = "cp-1") async throws -> ChildProcess.Result {
    try await start(line, on: name).result(within: .seconds(90))
  }

  /// What is printed where all is well.
  func output(_ line: String, on name: String = "cp-1") async throws -> String {
    let result = try await ask(line, on: name)
    try #require(result.status == 0, "\(line): \(result)\n\(log(name))")
    return result.output
  }

  /// Waits until what `line` prints is as it should be, and gives that.
  @discardableResult
  func reach(
    _ what: String, _ line: String, on name: String = "cp-1", _ condition: (String) -> Bool
  ) async throws -> String {
    var last: ChildProcess.Result?
    do {
      try await eventually(what, within: .seconds(60)) {
        let result = try await ask(line, on: name)
        last = result
        return result.status == 0 && condition(result.output)
      }
    } catch let error as NotInTime {
      let shown = last.map { "\($0)" } ?? ""
      throw NotInTime(description: "\(error.description)\n\(line): \(shown)\n\(log(name))")
    }
    return last?.output ?? ""
  }

  /// Waits until the members are these, each with a fresh record in all of `registries`.
  func meet(_ names: [String], registries: String, on name: String = "cp-1") async throws {
    try await reach("all are in all registries", "get members -o wide --no-headers", on: name) { text in
      let lines = text.split(separator: "\n")
      return lines.count == names.count
        && lines.allSatisfy {
          // No registry gives a machine its own record back.
          $0.hasPrefix("\(name) ") || $0.contains(registries)
        }
    }
  }
}
