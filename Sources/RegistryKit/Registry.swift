public import ClusterModel

/// Somebody who knows a part of who is in the cluster: a discovery service, Kubernetes, a file.
///
/// A registry is one long-running method that tells what it knows:
///
/// ```swift
/// struct Rack: Registry {
///   func run(updates: RegistryUpdates) async throws {
///     try updates.snapshot([Affiliate(nodeID: try NodeIdentity("rack-1"), nodename: "rack-1")])
///     for try await change in watchTheRack() { try updates.upsert(change) }
///   }
/// }
/// ```
///
/// The aggregator may call ``run(updates:)`` again after it ended, never twice at once.
public protocol Registry: Sendable {
  /// Tells what the registry knows until the task is cancelled.
  ///
  /// The first update of each source is a snapshot, an empty one where nothing is known yet: with it
  /// the registry counts as synced. One with several sources names them before, by
  /// ``RegistryUpdates/sources(_:)``, and counts as synced when each has told its own. Trouble that the registry gets over by itself is told by
  /// ``RegistryUpdates/degraded(_:)``; what it can't get over is thrown, and the aggregator runs it again
  /// after a while. To return without having been cancelled counts as a failure too. After
  /// cancellation it returns or throws soon; what it says then is no longer heard.
  func run(updates: RegistryUpdates) async throws
}

/// A registry that also carries what this node tells of itself to the others.
public protocol PublishingRegistry: Registry {
  /// Replaces what this node publishes, and returns when it has been accepted.
  ///
  /// Called only while ``Registry/run(updates:)`` runs, again at each change, and never twice at once: a
  /// newer publication cancels an older one that is still under way. The registry keeps it published
  /// (refreshes it) until the next call or its end. A publication without a local affiliate withdraws what
  /// was published, as the node leaves. What is thrown marks the registry degraded, and the call is tried
  /// again after a while.
  func publish(_ publication: Publication) async throws
}

/// What this node tells of itself and of others, whole each time.
public struct Publication: Hashable, Sendable {
  /// This node; nil withdraws what was published, as the node leaves.
  public var local: Affiliate?
  /// Where this node has seen the WireGuard of others.
  public var seenEndpoints: [NodeIdentity: [IPEndpoint]]

  public init(local: Affiliate?, seenEndpoints: [NodeIdentity: [IPEndpoint]] = [:]) {
    self.local = local
    self.seenEndpoints = seenEndpoints
  }
}
