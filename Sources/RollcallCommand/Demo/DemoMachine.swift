import ClusterModel
import Logging
import RegistryKit
import Rollcall

/// A machine of the demo: its name, identity and address.
struct DemoMachine: Sendable {
  let name: String
  let identity: NodeIdentity
  let address: String

  var machineType: MachineType { name.hasPrefix("cp-") ? .controlplane : .worker }

  /// The machines of the demo's cluster.
  static func all() -> [DemoMachine] {
    [
      ("cp-1", "10.20.0.11"), ("cp-2", "10.20.0.12"), ("cp-3", "10.20.0.13"), ("w-1", "10.20.0.21"),
      ("w-2", "10.20.0.22"), ("w-3", "10.20.0.23"),
    ].map { DemoMachine(name: $0.0, identity: .random(), address: $0.1) }
  }
}

/// What all machines of the demo share: the service, and the cluster's secrets.
struct DemoService: Sendable {
  let endpoint: String
  let clusterID: String
  let clusterSecret: String
  /// How long what a machine publishes stays, if it isn't renewed: short, so that one that loses power is missed soon.
  static let lease = "3s"

  var plugin: PluginReference {
    PluginReference(
      name: "service", options: #"{"endpoint": "\#(endpoint)", "ttl": "\#(Self.lease)"}"#,
      clusterID: clusterID, clusterSecret: Secret(clusterSecret))
  }
}

/// A machine that is switched on: it publishes itself through the real service, by the real plugin.
final class DemoNode: Sendable {
  /// How it ends.
  enum End: Sendable {
    /// It says goodbye.
    case shutdown
    /// It is gone, and nobody is told.
    case powerLoss
  }

  private let machine: DemoMachine
  private let service: DemoService
  private let aggregator: Aggregator
  private let (ends, end) = AsyncStream.makeStream(of: End.self, bufferingPolicy: .bufferingNewest(1))

  init(_ machine: DemoMachine, _ service: DemoService) async throws {
    self.machine = machine
    self.service = service
    let node = LocalNodeProvider(
      nodeID: machine.identity, facts: { _ in NodeFacts() }, pulses: { AsyncStream { _ in } })
    do throws(AggregatorError) {
      aggregator = try await Aggregator(
        Self.definition(machine, service, address: machine.address), localNode: node, logger: .silent)
    } catch {
      throw CommandError(error.message)
    }
  }

  private static func definition(
    _ machine: DemoMachine, _ service: DemoService, address: String
  ) -> AggregatorDefinition {
    var node = NodeSettings(
      hostname: machine.name, nodename: machine.name, machineType: machine.machineType,
      addresses: [address].compactMap { try? IPAddress($0) }, operatingSystem: "Talos (v1.13.2)")
    if machine.machineType == .controlplane { node.controlPlanePort = 6443 }
    return AggregatorDefinition(
      registries: [
        RegistryDefinition(
          name: "service", plugin: service.plugin, from: InstalledPlugins(logger: .silent))
      ], node: node)
  }

  /// Runs until ``switchOff(_:)`` is called or the task is cancelled.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.aggregator.run() }
      let end = await ends.first { _ in true }
      // Nobody waits for goodbyes when the demo is over.
      if end != .shutdown { aggregator.keepPublishedAtEnd() }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  func switchOff(_ how: End) { end.yield(how) }

  /// Gives it another address.
  func move(to address: String) async throws {
    try await aggregator.reload(Self.definition(machine, service, address: address))
  }
}
