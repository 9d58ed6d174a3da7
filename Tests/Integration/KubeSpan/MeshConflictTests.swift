import Foundation
import TestSupport
import Testing

/// Peers that contradict each other.
@Suite("KubeSpan's conflicts", .needsMachines)
struct MeshConflictTests {
  /// How often m1 has logged a conflict of that text.
  private func count(_ text: String, _ machine: LabMachine) -> Int {
    machine.log.split(separator: "\n").count {
      $0.contains("peers contradict each other") && $0.contains(text)
    }
  }

  @Test(
    "an overlapping pod network is held by the lower node id, and that is seen everywhere and logged once")
  func overlap() async throws {
    let lab = try await MeshLab()
    var machines: [LabMachine] = []
    for number in 1...3 { machines.append(try await lab.machine("m\(number)", address: "10.77.0.\(number)")) }
    let one = machines[0]
    try await lab.start(one)
    try await lab.start(machines[1], node: ["additionalAddresses: [10.244.0.0/24, 10.244.8.0/24]"])
    try await lab.start(machines[2], node: ["additionalAddresses: [10.244.0.0/24, 10.244.9.0/24]"])
    try await lab.untilAllUp(machines)
    let peers = try #require(one.mesh?.peers).sorted { $0.nodeId < $1.nodeId }
    #expect(peers[0].allowedIPs.contains("10.244.0.0/24"))
    #expect(!peers[1].allowedIPs.contains { $0.hasPrefix("10.244.0.") })
    #expect(peers.flatMap(\.allowedIPs).count { $0.hasPrefix("10.244.") } == 3)
    let dispute = try #require(one.mesh?.disputes.first)
    #expect(one.mesh?.disputes.count == 1)
    #expect(dispute.kind == "overlap")
    #expect(
      dispute.message
        == "\(peers[1].label) and \(peers[0].label) both have 10.244.0.0/24, which \(peers[0].label) keeps")
    #expect(try await one.rollcall("get conflicts").contains("10.244.0.0/24"))
    #expect(try await one.rollcall("explain \(peers[1].label)").contains("10.244.0.0/24"))
    #expect(
      try await one.rollcall("kubespan \(peers[1].label)").contains("10.244.0.0/24 goes to \(peers[0].label)")
    )
    let passes = try #require(one.mesh?.passes)
    one.signal(SIGHUP)
    try await one.shell("ip address add 10.99.0.1/32 dev eth0 && ip address del 10.99.0.1/32 dev eth0")
    try await lab.until("more passes", machines) { (one.mesh?.passes ?? 0) > passes + 1 }
    #expect(count("10.244.0.0/24", one) == 1, "\(one.log)")
    // Over once it is over.
    try lab.configure(machines[2])
    machines[2].signal(SIGHUP)
    try await lab.until("the conflict is over", machines) { one.mesh?.disputes.isEmpty == true }
  }

  @Test("of two nodes with one key one is the peer, and both are named; so are two with one KubeSpan address")
  func copies() async throws {
    let lab = try await MeshLab()
    let one = try await lab.machine("m1", address: "10.77.0.1")
    let (original, copy) = (
      try await lab.machine("m2", address: "10.77.0.2"), try await lab.machine("m3", address: "10.77.0.3")
    )
    try await lab.start(one)
    let address = ["hardwareAddress: 02:00:00:00:00:07"]
    try await lab.start(original, kubeSpan: address)
    try await lab.until("m2 has its key", [original]) { original.mesh?.identity != nil }
    let key = try #require(original.mesh?.identity?.publicKey)
    try await copy.shell(
      "mkdir -m 700 \(copy.folder)/state && cp -p \(original.folder)/state/kubespan-identity.yaml \(copy.folder)/state/"
    )
    try await lab.start(copy)
    try await lab.until("m1 sees one key twice", [one, copy]) {
      one.mesh?.disputes.contains { $0.kind == "publicKey" && $0.message.contains(key) } == true
    }
    #expect(one.mesh?.peers.count == 1)
    #expect(one.mesh?.omitted.count == 1)
    try await lab.until("the peer is up", [one, original, copy]) { one.peersUp.count == 1 }
    let conflicts = try await one.rollcall("get conflicts -o yaml")
    #expect(conflicts.contains(key), "\(conflicts)")
    #expect(count(key, one) == 1)
    // The copy gets a key of its own, and the original's hardware address.
    try await copy.stop()
    try await copy.shell("rm \(copy.folder)/state/kubespan-identity.yaml")
    try await lab.start(copy, kubeSpan: address)
    try await lab.until("m1 sees one address twice", [one, copy]) {
      one.mesh?.disputes.contains { $0.kind == "kubespanAddress" } == true
        && one.mesh?.disputes.contains { $0.kind == "publicKey" } == false
    }
    let shared = try original.meshAddress()
    let peers = try #require(one.mesh?.peers).sorted { $0.nodeId < $1.nodeId }
    #expect(peers.map(\.address) == [shared, shared])
    #expect(peers.map { $0.allowedIPs.contains { $0.hasPrefix(shared) } } == [true, false])
    try await lab.until("both are up all the same", [one, original, copy]) { one.peersUp.count == 2 }
    #expect(try await one.rollcall("get conflicts").contains(shared))
    // Before a keep-alive of the original, after 25 s, shows where it is.
    for address in ["10.77.0.2", "10.77.0.3"] {
      try await lab.until("m1 reaches \(address)", within: .seconds(15), [one, original, copy]) {
        try await one.reaches(address)
      }
    }
  }
}
