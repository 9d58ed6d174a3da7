import Foundation
import TestSupport
import Testing

/// The documented cluster of six nodes, from real processes; it is asked on cp-1.
struct SixNodes {
  /// w-1 after it was installed anew.
  private static let reinstalled = Site.Machine(
    name: "w-1", identity: "9tKQz1VnGCsBoAiYyHQzqqkKCPnZ6tRoJwJXzEPLoFKd", address: "10.20.0.21")
  private static let names = Site.machines.map(\.name)

  let site: Site

  /// Starts all seven nodes, and waits until each is known by each registry.
  init() async throws {
    site = try await Site()
    for machine in Site.machines { site.put(machine) }
    try write(inventory: Site.machines)
    for machine in Site.machines {
      // Only the machine that is to lose its power has a short lease.
      try site.start(
        machine, ttl: machine.name == "w-3" ? "4s" : "30m",
        registries: machine.name == "cp-1"
          ? [
            "inventory: {plugin: static-file, path: ../inventory.yaml, debounce: 10ms}",
            "netbox: {plugin: static-file, path: netbox.yaml, disabled: true}",
          ] : [])
    }
    _ = try await site.output("wait members --count 7 --timeout 60s")
    _ = try await site.output("wait registries --timeout 60s")
    try await site.meet(Self.names, registries: "service,kubernetes,inventory")
  }

  /// Everything that the documented outputs tell of, in its order.
  ///
  /// - Returns: the moment before the last two things.
  func live() async throws -> String {
    // The daemon that is asked is started anew: what it knew is kept.
    try await site.stop("cp-1")
    try site.restart("cp-1")
    _ = try await site.output("wait registries --timeout 60s")
    try await site.meet(Self.names, registries: "service,kubernetes,inventory")

    // w-4 is taken out on purpose.
    try await site.stop("w-4")
    _ = try await site.output("wait member w-4 --for left --timeout 60s")
    site.server.delete("w-4")
    try write(inventory: Site.machines.dropLast())
    try await site.reach("w-4 is a tombstone", "get members -o name") { !$0.contains("member/w-4") }

    // w-2's kubelet is broken.
    site.put(try Site.machine("w-2"), notReady: "KubeletNotReady")
    _ = try await site.output("wait member w-2 --for notready --timeout 60s")

    // w-1 is installed anew, and there is a typo in what the inventory says of it then.
    try await site.kill("w-1")
    try site.start(Self.reinstalled, in: "w-1-new")
    try await site.reach("the new w-1 is a member", "get members -o jsonpath={.spec.nodeId}") {
      $0.contains(Self.reinstalled.identity)
    }
    try write(
      inventory: Site.machines.dropLast().map { $0.name == "w-1" ? Self.reinstalled : $0 },
      addresses: ["w-1": ["10.20.0.21", "10.20.0.22"]])
    try await site.reach("w-1 and w-2 are in conflict", "get members w-1 w-2 -o wide --no-headers") {
      $0.contains(" ready,conflict") && $0.contains("notready,conflict") && !$0.contains("AoK81mJe")
        && $0.contains(#/w-1 .*service,kubernetes,inventory/#)
    }

    // w-3 loses its power, cp-3 says goodbye.
    try await site.kill("w-3")
    _ = try await site.output("wait member w-3 --for missing --timeout 60s")
    let moment = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    try await site.stop("cp-3")
    _ = try await site.output("wait member cp-3 --for left --timeout 60s")
    site.server.stop()
    try await site.reach("kubernetes is degraded", "get registry kubernetes -o jsonpath={.status.state}") {
      $0.contains("degraded")
    }
    return moment
  }

  private func write(
    inventory machines: some Sequence<Site.Machine>, addresses: [String: [String]] = [:]
  ) throws {
    var text = "nodes:\n"
    for machine in machines {
      let list = (addresses[machine.name] ?? [machine.address]).joined(separator: ", ")
      let isOld = machine.identity == Self.reinstalled.identity
      text +=
        "  - {nodeId: \(machine.identity), nodename: \(machine.name), machineType: \(machine.machineType), "
        + "hostname: \(machine.name == "w-2" ? "w-2.rack.example" : machine.name), addresses: [\(list)], "
        + "operatingSystem: \(isOld ? "Talos (v1.12.0)" : Site.operatingSystem)}\n"
    }
    try site.folder.replace("inventory.yaml", with: text)
  }

  /// `text` with what is of this moment masked.
  func mask(_ text: String) -> String {
    // Two registries learn of the new w-1 at once; either may be the quicker one.
    masked(versionsLeftOut(text), servers: [site.server.url])
      .replacing("w-1  ready  leased in service", with: "w-1  ready  listed in kubernetes")
  }
}
