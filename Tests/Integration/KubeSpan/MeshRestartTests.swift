import Foundation
import TestSupport
import Testing

/// What becomes of a mesh where daemons and the service end and begin again.
@Suite("KubeSpan over restarts", .needsMachines)
struct MeshRestartTests {
  @Test("after kill -9 the tunnel goes on, and the next daemon reclaims it without losing a packet")
  func killed() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (killed, other) = (machines[0], machines[1])
    let program = try await killed.processes("wireguard-go")
    let (inside, own) = (try other.pings(try killed.meshAddress()), try other.pings(killed.address))
    let clear = try await lab.packets().clear
    try await lab.until("packets flow", machines) { inside.answers > 3 && own.answers > 3 }
    try await killed.stop(by: SIGKILL)
    let answers = inside.answers
    try await lab.until("the tunnel goes on", machines) { inside.answers > answers + 5 }
    let before = try #require(killed.bytes(of: "kubespan"))
    try await killed.run()
    try await lab.untilAllUp(machines)
    let again = inside.answers
    try await lab.until("packets flow", machines) { inside.answers > again + 10 }
    let gaps = [try await inside.end(), try await own.end()]
    MeshLab.print(
      "kill -9 and restart of a daemon: longest time without an answer",
      String(format: "%.1f s", gaps.max() ?? 0))
    #expect(gaps.allSatisfy { $0 < 1 }, "\(gaps)")
    #expect(try await killed.processes("wireguard-go") == program)
    #expect(try await killed.shell("ip -o link | grep -c kubespan") == "1\n")
    let after = try #require(killed.bytes(of: "kubespan"))
    #expect(after.received > before.received && after.sent > before.sent)
    #expect(try await lab.packets().clear == clear)
  }

  @Test("SIGTERM removes all that was installed, keepOnExit leaves it, and the next start reclaims it")
  func stopped() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2, kubeSpan: ["keepOnExit: true"])
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    let program = try await one.processes("wireguard-go")
    let traces = try await one.traces()
    #expect(traces == ["a process", "a link", "2 rules", "4 routes", "table inet rollcall"])
    try await one.stop()
    #expect(try await one.traces() == traces)
    try lab.configure(one)
    try await one.run()
    try await lab.untilAllUp(machines)
    #expect(try await one.processes("wireguard-go") == program)
    #expect(try await one.traces() == traces)
    #expect(try await one.reaches(try other.meshAddress()))
    try await one.stop()
    #expect(try await one.traces() == [])
  }

  @Test("with keepOnExit of the mesh and of the node an upgrade loses no packet, and nothing goes in clear")
  func upgraded() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    try lab.configure(one, kubeSpan: ["keepOnExit: true"], node: ["keepOnExit: true"])
    try await one.stop()
    try await one.run()
    try await lab.untilAllUp(machines)
    let clear = try await lab.packets().clear
    let (inside, own) = (try other.pings(try one.meshAddress()), try other.pings(one.address))
    try await lab.until("packets flow", machines) { inside.answers > 3 && own.answers > 3 }
    try await one.stop()
    let answers = own.answers
    try await lab.until("the tunnel goes on", machines) { own.answers > answers + 5 }
    try await one.run()
    try await lab.untilAllUp(machines)
    let again = own.answers
    try await lab.until("packets flow", machines) { own.answers > again + 5 }
    let gaps = [try await inside.end(), try await own.end()]
    MeshLab.print(
      "an upgrade with keepOnExit: longest time without an answer", String(format: "%.1f s", gaps.max() ?? 0))
    #expect(gaps.allSatisfy { $0 < 1 }, "\(gaps)")
    #expect(try await lab.packets().clear == clear)
  }

  @Test("a reload that switches kubespan off removes all, and one that switches it on makes it again")
  func reloaded() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    try lab.configure(one, isEnabled: false)
    one.signal(SIGHUP)
    var traces: [String] = []
    try await lab.until("all is removed", within: .seconds(20), machines) {
      traces = try await one.traces()
      return traces.isEmpty || one.log.contains("the mesh is given up")
    }
    traces = try await one.traces()
    #expect(traces == [])
    try await lab.until("the other one has no peer any more", machines) { other.mesh?.peers.isEmpty == true }
    // Nothing is marked any more: the plain way is open.
    #expect(try await other.reaches(one.address))
    try lab.configure(one)
    one.signal(SIGHUP)
    try await lab.untilAllUp(machines)
    #expect(try await other.reaches(try one.meshAddress()))
  }

  @Test("SIGTERM withdraws this node first: the others have no peer any more when the tunnel goes")
  func leaving() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (leaving, other) = (machines[0], machines[1])
    let pings = try other.pings(leaving.address)
    try await lab.until("packets flow", machines) { pings.answers > 3 }
    try await leaving.stop()
    try await lab.until("m2 has no peer any more", [other]) { other.mesh?.peers.isEmpty == true }
    let answers = pings.answers
    try await lab.until("packets flow by the plain way", machines) { pings.answers > answers + 3 }
    let gap = try await pings.end()
    MeshLab.print("a node leaves: without an answer from its own address for", String(format: "%.1f s", gap))
    #expect(gap < 3)
    let lines = leaving.log.split(separator: "\n")
    let withdrawn = try #require(lines.firstIndex { $0.contains("this node is withdrawn") }, "\(leaving.log)")
    let removed = try #require(lines.firstIndex { $0.contains("the mesh is removed") }, "\(leaving.log)")
    #expect(withdrawn < removed)
    #expect(try await other.reaches(leaving.address), "the plain way is open")
  }

  @Test("peers stay up while the service is away, after it comes back empty, and over a restart meanwhile")
  func outage() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(3)
    try await lab.untilAllUp(machines)
    let pings = try machines[0].pings(try machines[1].meshAddress())
    // What a daemon knows is in its state file, a second later.
    let file = "\(machines[2].folder)/state/state"
    let start = Date()
    try await lab.until("the state is kept", machines) {
      let date = try? FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
      return date.map { $0 > start } == true || Date().timeIntervalSince(start) > 3
    }
    try await lab.stopService()
    try await lab.until("the service is missed", machines) {
      machines[0].log.contains("registry") && machines[0].log.contains("service")
    }
    try await machines[2].stop(by: SIGKILL)
    try await machines[2].run()
    try await lab.untilAllUp(machines)
    #expect(try await machines[2].reaches(try machines[0].meshAddress()))
    #expect(try await machines[0].reaches(machines[2].address))
    // One that removed its tunnel at its end makes it again from what it knew.
    try await machines[2].stop()
    #expect(try await machines[2].traces() == [])
    try await machines[2].run()
    try await lab.untilAllUp(machines)
    #expect(try await machines[2].reaches(try machines[0].meshAddress()))
    try await lab.startService()
    try await lab.until("the service has them all again", machines) {
      let text = try await machines[0].rollcall("get affiliates")
      return text.contains("m2") && text.contains("m3")
    }
    try await lab.untilAllUp(machines)
    let gap = try await pings.end()
    MeshLab.print(
      "the service away and back, empty: longest time without an answer", String(format: "%.1f s", gap))
    #expect(gap < 2)
  }
}
