import ClusterModel
import RegistryKit

/// A registry that has two members, of which a test removes.
final class ScriptedRegistry: Registry {
  private let removals: AsyncStream<String>
  private let continuation: AsyncStream<String>.Continuation

  init() { (removals, continuation) = AsyncStream.makeStream() }

  func remove(_ name: String) { continuation.yield(name) }

  func run(_ session: RegistrySession) async throws {
    let records = try (1...2).map { index in
      AffiliateRecord(
        Affiliate(
          nodeID: try NodeIdentity("w-\(index)-id"), addresses: [try IPAddress("10.0.0.\(index)")],
          hostname: "w-\(index)", nodename: "w-\(index)", machineType: .worker))
    }
    try session.apply(RegistryBatch(updates: [.snapshot(records, source: .only)]))
    for await name in removals {
      try session.apply(
        RegistryBatch(updates: [.remove(try NodeIdentity("\(name)-id"), source: .only, reason: .deleted)]))
    }
  }
}
