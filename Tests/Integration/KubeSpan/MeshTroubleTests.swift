import Foundation
import TestSupport
import Testing

/// What stands in a mesh's way, and what is said of it.
///
/// A clock that is set back can't be had here: time namespaces don't cover the wall clock, and the tests' machine keeps
/// its own. That a clock which is set changes nothing, and what is said of one that is behind, is proved of `PeerTracker`
/// with clocks that the tests hold: see `MeshReconcilerTests`.
@Suite("KubeSpan in trouble", .needsMachines)
struct MeshTroubleTests {
  private func readiness(_ machine: LabMachine) async throws -> String {
    // 503 has a body too.
    let result = try await ChildProcess.run(
      "curl", ["-s", "--unix-socket", machine.socket, "http://rollcall/readyz?verbose"])
    return result.output
  }

  @Test(
    "a peer with another cluster's secret never gets up, it is said what that may be, and others don't mind")
  func foreignSecret() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    // The same cluster id, and so the same network; another secret.
    let others = try await Command.output("gen secrets")
    let id = try #require(lab.secrets.split(separator: "\n").first { $0.contains("id:") })
    let mixed = others.split(separator: "\n").map { $0.contains("id:") ? id : $0 }.joined(separator: "\n")
    let foreign = try await lab.machine("m9", address: "10.77.0.9")
    let registry = ["list: {plugin: static-file, path: list.yaml, debounce: 10ms}"]
    try lab.folder.write("nodes: []\n", to: "m9/list.yaml")
    try await lab.start(foreign, registries: registry, secrets: mixed + "\n")
    try await lab.until("m9 has its key", [foreign]) { foreign.mesh?.identity != nil }
    func entry(_ machine: LabMachine) throws -> String {
      let identity = try #require(machine.mesh?.identity)
      return """
        nodes:
          - nodeId: \(machine.name)-listed
            nodename: \(machine.name)
            addresses: [\(machine.address)]
            kubespan:
              publicKey: \(identity.publicKey)
              address: \(try machine.meshAddress())
              endpoints: ["\(machine.address):51820"]

        """
    }
    let one = machines[0]
    try lab.folder.write(try entry(foreign), to: "m1/list.yaml")
    try lab.configure(one, registries: registry)
    one.signal(SIGHUP)
    try lab.folder.replace("m9/list.yaml", with: try entry(one))
    try await lab.until("m1 has found nobody there", [one, foreign]) {
      one.peer("m9")?.state == "down" && foreign.peer("m1")?.state == "down"
    }
    let peer = try #require(one.peer("m9"))
    #expect(peer.trouble == "no-answer")
    #expect(peer.why.contains { $0.hasPrefix("no answer from 10.77.0.9:51820 since ") }, "\(peer.why)")
    let text = try await one.rollcall("kubespan m9")
    #expect(text.contains("no answer from 10.77.0.9:51820"))
    #expect(text.contains("shared key"), "\(text)")
    #expect(try await !one.reaches(foreign.address))
    try await lab.untilAllUp(machines)
    #expect(try await one.reaches(machines[1].address))
  }

  @Test(
    "a link of that name that is somebody else's is left alone and named, and used by nobody until it is gone"
  )
  func foreignLink() async throws {
    let lab = try await MeshLab()
    let machine = try await lab.machine("m1", address: "10.77.0.1")
    try await machine.shell(
      "ip link add kubespan type veth peer name theirs && ip address add 10.9.9.9/24 dev kubespan")
    let before = try await machine.shell("ip address show kubespan")
    try await lab.start(machine)
    try await lab.until("the link is found", [machine]) { machine.mesh?.problem != nil }
    let message = try #require(machine.mesh?.problem?.message)
    #expect(message.contains("'kubespan' that isn't ours"), "\(message)")
    #expect(try await readiness(machine).contains("kubespan degraded: there is an interface"))
    #expect(try await machine.traces() == ["a link"])
    #expect(try await machine.shell("ip address show kubespan") == before)
    try await machine.stop()
    #expect(try await machine.shell("ip address show kubespan") == before)
    try await machine.run()
    try await lab.until("the link is found", [machine]) { machine.mesh?.problem != nil }
    try await machine.shell("ip link delete kubespan")
    try await lab.until("the mesh stands", [machine]) {
      machine.mesh?.problem == nil && machine.mesh?.identity != nil
    }
    try await lab.until("it is ready", [machine]) { try await readiness(machine).hasSuffix("\nready\n") }
  }

  @Test("a port that somebody else has is named, and used once it is free")
  func takenPort() async throws {
    let lab = try await MeshLab()
    let machine = try await lab.machine("m1", address: "10.77.0.1")
    let holder = try machine.start(
      "python3",
      [
        "-c",
        "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 51820)); print('bound', flush=True); time.sleep(600)",
      ])
    try await lab.until("the port is taken") { holder.outputSoFar.contains("bound") }
    try await lab.start(machine)
    try await lab.until("the port is missed", [machine]) { machine.mesh?.problem != nil }
    let message = try #require(machine.mesh?.problem?.message)
    #expect(message.contains("51820"), "\(message)")
    #expect(try await readiness(machine).contains("51820"))
    LabMachine.signal(holder, SIGKILL)
    try await lab.until("the mesh stands", [machine]) { machine.mesh?.problem == nil }
  }

  @Test("where there is no nft it is named, with the package that has it")
  func missingProgram() async throws {
    let lab = try await MeshLab()
    let machine = try await lab.machine("m1", address: "10.77.0.1")
    try await machine.shell(
      "mkdir \(machine.folder)/bin && ln -s $(command -v wireguard-go) $(command -v env) \(machine.folder)/bin/"
    )
    try lab.configure(machine)
    try await machine.run(path: "\(machine.folder)/bin")
    try await lab.until("nft is missed", [machine]) { machine.mesh?.problem != nil }
    let message = try #require(machine.mesh?.problem?.message)
    #expect(message.contains("there is no 'nft' in PATH; install the package nftables"), "\(message)")
    #expect(try await readiness(machine).contains("install the package nftables"))
  }

  @Test("a peer that is down for longer than degradedAfter makes the node unready, by name, until it is up")
  func degraded() async throws {
    let lab = try await MeshLab()
    try await lab.cut()
    let machines = try await lab.machines(2, kubeSpan: ["degradedAfter: 2s"])
    let one = machines[0]
    try await lab.until("m1 is degraded", machines) {
      try await readiness(one).contains("kubespan degraded: down for too long: m2")
    }
    #expect(one.peer("m2")?.overdue == true)
    #expect(try await readiness(one).hasSuffix("\nnot ready\n"))
    try await lab.mend()
    try await lab.untilAllUp(machines)
    try await lab.until("m1 is ready", machines) { try await readiness(one).hasSuffix("\nready\n") }
  }
}
