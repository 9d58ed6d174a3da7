import Foundation
import TestSupport
import Testing

/// The lab itself.
@Suite("A lab of machines")
struct MeshLabTests {
  @Test(
    "can be made where it has to be",
    .enabled(
      if: ProcessInfo.processInfo.environment["ROLLCALL_REQUIRES_MACHINES"] != nil,
      "it has to only where ROLLCALL_REQUIRES_MACHINES is set, as '.ci/run' does"))
  func required() {
    #expect(MeshLab.obstacle == nil)
  }

  @Test("leaves no process behind, not even a tunnel's that outlives its daemon", .needsMachines)
  func leavesNothing() async throws {
    var lab: MeshLab? = try await MeshLab()
    var machines: [LabMachine] = []
    var spaces: Set<String> = []
    do {
      machines = try await #require(lab).machines(2)
      try await lab?.untilAllUp(machines)
      for machine in machines { spaces.insert(try space(of: "\(machine.first)")) }
      try await machines[0].stop(by: SIGKILL)
      #expect(try await machines[0].processes("wireguard-go").count == 1)
    }
    // A daemon, two tunnels, and who holds the namespaces.
    #expect(processes(in: spaces).count >= 5)
    (machines, lab) = ([], nil)
    try await eventually("all have ended") { processes(in: spaces).isEmpty }
  }

  /// The namespace of processes that a process is in.
  private func space(of process: String) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/pid")
  }

  private func processes(in spaces: Set<String>) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { name in
      name.first?.isNumber == true && (try? space(of: name)).map(spaces.contains) == true
    }
  }
}
