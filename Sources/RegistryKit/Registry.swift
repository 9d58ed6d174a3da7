/// Somebody who knows a part of who is in the cluster: a discovery service, Kubernetes, a file.
///
/// A registry is one long-running function over a session:
///
/// ```swift
/// struct Rack: Registry {
///   func run(_ session: RegistrySession) async throws {
///     try session.snapshot([Affiliate(nodeID: try NodeIdentity("rack-1"), nodename: "rack-1")])
///     for try await change in watchTheRack() { try session.upsert(change) }
///   }
/// }
/// ```
///
/// The aggregator may run it again after it ended, never twice at once.
public protocol Registry: Sendable {
  /// Gives the session what the registry knows, until the task is cancelled.
  ///
  /// The first update of each source is a snapshot, an empty one where nothing is known: with it the registry
  /// counts as synced. One with several sources names them before, by ``RegistryBatch/expectedSources``.
  /// Trouble that the registry gets over by itself is reported by ``RegistrySession/report(_:_:source:)``; what
  /// it can't get over is thrown, and the aggregator runs it again after a while. To return without having been
  /// cancelled counts as a failure too. After cancellation it returns or throws soon; what it applies then is
  /// refused with ``RegistryError/Code/stopped``.
  ///
  /// A registry that publishes what this node says of itself reads ``RegistrySession/desired``.
  func run(_ session: RegistrySession) async throws
}
