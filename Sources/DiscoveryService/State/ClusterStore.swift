public import NIOCore

/// Where the service keeps its clusters.
///
/// The store in memory answers on the spot; one that is shared by several services answers later. Both
/// fit: an answer is either ready or work to be awaited, so that the fast case costs no task. A store may
/// be called from any thread, must not block, and applies an update wholly or not at all.
public protocol ClusterStore: AnyObject, Sendable {
  /// Stores what `update` says and tells the cluster's watchers if that changed anything.
  func update(_ update: AffiliateUpdate) -> StoreAnswer<Void>

  /// Forgets an affiliate; one that isn't known is no error.
  func delete(cluster: OpaqueID, affiliate: OpaqueID) -> StoreAnswer<Void>

  /// All affiliates of a cluster, as an encoded `ListResponse`. A cluster that isn't known is empty, and
  /// asking for it creates nothing.
  func list(cluster: OpaqueID) -> StoreAnswer<EncodedMessage>

  /// Gives `watcher` the cluster's state under the number `opening`, and from then on every change.
  ///
  /// Snapshot and registration are one step: no change falls between them or comes twice. A watcher that
  /// is registered already gets another snapshot in its place in the order of changes.
  func watch(cluster: OpaqueID, watcher: any ClusterWatcher, opening: UInt64)

  /// Ends what `watch` began. The watcher may still be called for a moment after.
  func unwatch(cluster: OpaqueID, watcher: any ClusterWatcher)

  /// What the store holds now, for metrics and pages.
  func statistics() -> StoreStatistics
}

/// Who is told of a cluster's changes, in the order in which they happened.
///
/// Called from any thread, often under the store's lock: a watcher takes note and returns, and never calls
/// the store.
public protocol ClusterWatcher: AnyObject, Sendable {
  /// The state that the changes to come build on, for the `opening` that asked for it.
  func opened(_ opening: UInt64, _ snapshot: EncodedMessage)
  /// One affiliate has a new state or is gone.
  func changed(_ change: EncodedChange)
  /// The `opening` can't be served.
  func failed(_ opening: UInt64, _ error: ServiceError)
}

/// A store's answer: there already, or to be awaited.
public enum StoreAnswer<Value: Sendable>: Sendable {
  case ready(Result<Value, ServiceError>)
  case later(@Sendable () async -> Result<Value, ServiceError>)
}

/// A protobuf message with gRPC's five bytes in front (a zero flag and the length): made once, sent to many.
public typealias EncodedMessage = ByteBuffer

/// One affiliate's change as every watcher is sent it.
public struct EncodedChange: Sendable {
  /// Whose state it is; a newer change of the same affiliate makes this one superfluous.
  public let affiliate: OpaqueID
  /// The encoded `WatchResponse`.
  public let message: EncodedMessage

  /// A change of `affiliate`, encoded as `message`.
  public init(affiliate: OpaqueID, message: EncodedMessage) {
    self.affiliate = affiliate
    self.message = message
  }
}

/// What a store holds.
public struct StoreStatistics: Hashable, Sendable {
  /// Clusters with an affiliate in them.
  public var clusters = 0
  /// Affiliates that haven't expired.
  public var affiliates = 0
  /// Their endpoints.
  public var endpoints = 0
  /// Clusters that were dropped since the start, as all in them had expired.
  public var expiredClusters = 0
  /// Affiliates that were dropped as expired since the start.
  public var expiredAffiliates = 0
  /// Endpoints that were dropped as expired since the start.
  public var expiredEndpoints = 0
  /// How often the store looked for what has expired.
  public var collections = 0

  /// Nothing.
  public init() {}
}
