import Foundation
import TestSupport
import Testing

/// What goes into the tunnel, in which size, and what becomes of it where there is none.
@Suite("KubeSpan's routing", .needsMachines)
struct MeshRoutingTests {
  @Test("packets up to the MTU pass whole, larger ones don't, and a smaller MTU fits a smaller network")
  func sizes() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    let address = try other.meshAddress()
    func passes(_ payload: Int) async throws -> Bool {
      try await one.reaches(address, options: ["-M", "do", "-s", "\(payload)"])
    }
    #expect(try await passes(1372))
    #expect(try await !passes(1373))
    func fragments() throws -> Int {
      let lines = try contents("/proc/\(one.first)/net/snmp").split(separator: "\n")
        .filter { $0.hasPrefix("Ip: ") }.map { $0.split(separator: " ") }
      let column = try #require(lines.first?.firstIndex(of: "FragCreates"))
      return try #require(Int(lines[1][column]))
    }
    // The network below becomes smaller: slow, not broken.
    for machine in machines {
      try await machine.shell("ip link set eth0 mtu 1400")
      try await lab.onSwitch("ip link set \(machine.name) mtu 1400")
    }
    let before = try fragments()
    #expect(try await passes(1372))
    #expect(try fragments() > before)
    for machine in machines {
      try lab.configure(machine, kubeSpan: ["mtu: 1320"])
      machine.signal(SIGHUP)
    }
    for machine in machines {
      try await lab.until("the link of \(machine.name) has the new MTU", machines) {
        try await machine.shell("ip -o link show kubespan").contains("mtu 1320")
      }
    }
    try await lab.untilAllUp(machines)
    let start = try fragments()
    #expect(try await passes(1272))
    #expect(try await !passes(1273))
    #expect(try fragments() == start)
  }

  @Test("without its link or its program nothing that is to go into the tunnel goes in clear")
  func failsClosed() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    #expect(try await one.reaches(other.address))
    let clear = try await lab.packets().clear
    // Nobody who would mend it at once.
    try await one.stop(by: SIGKILL)
    try await one.shell("ip link set kubespan down")
    #expect(try await !one.reaches(other.address))
    try await one.shell("ip link delete kubespan")
    #expect(try await !one.reaches(other.address))
    #expect(try await lab.packets().clear == clear)
    try await one.run()
    try await lab.untilAllUp(machines)
    try await lab.until("packets flow again", machines) { try await one.reaches(other.address) }
    #expect(try await lab.packets().clear == clear)
    // And with a daemon, which mends it.
    try await one.shell("ip link set kubespan down")
    try await lab.until("the link is up again", within: .seconds(20), machines) {
      try await one.reaches(other.address)
    }
    #expect(try await lab.packets().clear == clear)
  }

  @Test("where nothing answers nothing goes in clear, but with allowDownPeerBypass, both ways")
  func bypass() async throws {
    let lab = try await MeshLab()
    try await lab.cut()
    let machines = try await lab.machines(2)
    let (one, other) = (machines[0], machines[1])
    for machine in machines {
      try await lab.until("\(machine.name) has a peer", machines) { machine.mesh?.peers.count == 1 }
    }
    let clear = try await lab.packets().clear
    #expect(try await !one.reaches(other.address))
    #expect(try await lab.packets().clear == clear)
    for machine in machines {
      try lab.configure(machine, kubeSpan: ["allowDownPeerBypass: true"])
      machine.signal(SIGHUP)
    }
    for (from, to) in [(one, other), (other, one)] {
      try await lab.until("\(from.name) reaches \(to.name) in clear", machines) {
        try await from.reaches(to.address)
      }
    }
    #expect(try await lab.packets().clear > clear)
    try await lab.mend()
    try await lab.untilAllUp(machines)
    let inClear = try await lab.packets().clear
    #expect(try await one.reaches(other.address))
    #expect(try await other.reaches(one.address))
    #expect(try await lab.packets().clear == inClear)
  }
}
