import Foundation
import TestSupport
import Testing

/// The mesh's resources, as a daemon shows them.
@Suite("KubeSpan's resources", .needsMachines)
struct MeshResourceTests {
  @Test(
    "the four resources and the members show the mesh as it is, and the private key only to who asks for it")
  func resources() async throws {
    let lab = try await MeshLab()
    let machines = try await lab.machines(2)
    try await lab.untilAllUp(machines)
    let (one, other) = (machines[0], machines[1])
    let (own, key) = (try one.meshAddress(), try #require(one.mesh?.identity?.publicKey))
    let peer = try #require(one.peer("m2"))

    let identities = try await one.rollcall("get kubespanidentities")
    #expect(
      identities.contains("local") && identities.contains(own) && identities.contains(key), "\(identities)")
    let hidden = try await one.rollcall("get kubespanidentities -o yaml")
    let file = try contents("\(one.folder)/state/kubespan-identity.yaml")
    let line = try #require(file.split(separator: "\n").first { $0.hasPrefix("privateKey: ") })
    let privateKey = String(line.dropFirst("privateKey: ".count))
    #expect(privateKey.count == 44)
    #expect(!hidden.contains(privateKey))
    let shown = try await one.rollcall(
      "get kubespanidentities -o yaml --show-secrets --state \(one.folder)/state")
    #expect(shown.contains(privateKey))

    let specs = try await one.rollcall("get kubespanpeerspecs")
    #expect(
      specs.contains(peer.publicKey) && specs.contains("m2") && specs.contains("10.77.0.2:51820"), "\(specs)")
    let statuses = try await one.rollcall("get kubespanpeerstatuses")
    let row = try #require(statuses.split(separator: "\n").first { $0.contains(peer.publicKey) })
    #expect(row.contains(" m2 ") && row.contains(" 10.77.0.2:51820 ") && row.contains(" up "), "\(statuses)")
    let endpoints = try await one.rollcall("get kubespanendpoints")
    #expect(!endpoints.contains(peer.publicKey), "harvesting is off: \(endpoints)")

    let table = try await one.rollcall("kubespan")
    #expect(table.contains(own) && table.contains(key) && table.contains("m2"), "\(table)")
    // As in the existing system, the KubeSpan address is one of a node's addresses.
    let members = try await one.rollcall("get members")
    let member = try #require(members.split(separator: "\n").first { $0.contains("m2") })
    #expect(member.contains(#"["10.77.0.2","\#(try other.meshAddress())"]"#), "\(members)")
    let affiliates = try await one.rollcall("get affiliates -o yaml")
    #expect(affiliates.contains("excludeAdvertisedNetworks: []"))
  }
}
