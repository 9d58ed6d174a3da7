import TestSupport
import Testing

@Suite("KubeSpan between machines", .enabled(if: MeshLab.obstacle == nil, "\(MeshLab.obstacle ?? "")"))
struct ThreeMachinesTests {
  @Test("three machines reach each other in all six directions, by their KubeSpan and by their own addresses")
  func allSixDirections() async throws {
    let lab = try await MeshLab()
    var machines: [MeshLab.Machine] = []
    for number in 1...3 { machines.append(try await lab.machine("m\(number)", address: "10.77.0.\(number)")) }
    for machine in machines { try await lab.start(machine) }
    for machine in machines {
      try await eventually("\(machine.name) has both others up") { machine.peersUp.count == 2 }
    }
    for machine in machines {
      for other in machines where other.name != machine.name {
        #expect(try await machine.reaches(other.address), "\(machine.name) to \(other.name)")
      }
    }
  }
}
