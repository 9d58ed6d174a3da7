import ClusterModel
public import NIOCore
import Platform
import Synchronization

/// The service's state in memory: nothing is asked, everything is answered on the spot.
///
/// Clusters are spread over shards, each with a lock and a timing wheel of its own; an operation holds its
/// shard's lock from the first look to the last change. Nothing is created by reading.
public final class MemoryStore: ClusterStore {
  private static let parts = 32

  private let shards: [Shard]
  private let collections = Atomic<Int>(0)
  private let limits: StoreLimits
  private let now: @Sendable () -> Int64
  private let civilTime: @Sendable () -> Int64

  /// A lock of its own on the heap: an array can't hold what can't be copied.
  private final class Shard: Sendable {
    let state: Mutex<StoreShard>
    init(_ state: sending StoreShard) { self.state = Mutex(state) }
  }

  /// An empty store.
  ///
  /// - Parameters:
  ///   - ledger: The account of what clients have, which bounds what all of them store.
  ///   - tick: How finely time is told apart: what expires may be dropped this much late.
  ///   - now: Nanoseconds of a clock that runs steadily and need not be right. The default one stands
  ///     still while the machine sleeps, so that waking up doesn't drop every node at once.
  ///   - civilTime: The time of day in nanoseconds since 1970, for what clients are told; by default the machine's.
  public init(
    limits: StoreLimits = StoreLimits(), ledger: ResourceLedger = ResourceLedger(),
    tick: Duration = .milliseconds(100),
    now: @escaping @Sendable () -> Int64 = { Int64(NIODeadline.now().uptimeNanoseconds) },
    civilTime: (@Sendable () -> Int64)? = nil
  ) {
    self.limits = limits
    self.now = now
    self.civilTime = civilTime ?? { Timestamp.nanosecondsNow() }
    let tickLength = max(tick.nanoseconds, 1_000_000)
    let start = now()
    let clock = RenewalClock(now: start, civilTime: self.civilTime())
    shards = (0..<Self.parts).map { _ in
      Shard(
        StoreShard(
          limits: limits, ledger: ledger, tickLength: tickLength, now: start, clock: clock))
    }
  }

  /// Applies `update` at once.
  ///
  /// - Returns: an error where a limit of the store or a share of the client is exceeded; nothing has changed then.
  public func update(_ update: AffiliateUpdate) -> StoreAnswer<Void> {
    .ready(
      Result { () throws(ServiceError) in
        try limits.check(update)
        let lifetime = try limits.lifetime(update.timeToLive)
        try withShard(of: update.cluster) { (shard, now) throws(ServiceError) in
          try shard.apply(update, limits: limits, lifetime: lifetime, now: now)
        }
      })
  }

  /// Deletes `affiliate` at once; one that isn't there is no error.
  public func delete(cluster: OpaqueID, affiliate: OpaqueID) -> StoreAnswer<Void> {
    .ready(
      Result { () throws(ServiceError) in
        try limits.check(cluster: cluster)
        try limits.check(affiliate: affiliate)
        withShard(of: cluster) { shard, _ in
          guard let cluster = shard.delete(cluster: cluster, affiliate: affiliate) else { return }
          shard.dropIfUnused(cluster)
        }
      })
  }

  /// The `ListResponse` of all affiliates of `cluster`, encoded once for all who ask.
  public func list(cluster: OpaqueID) -> StoreAnswer<EncodedMessage> {
    .ready(
      Result { () throws(ServiceError) in
        try limits.check(cluster: cluster)
        return withShard(of: cluster) { shard, now in
          guard let cluster = shard.clusters[cluster] else { return WatchMessage.empty }
          return shard.encodedState(of: cluster, now: now)
        }
      })
  }

  /// Opens a watch: `watcher` is given the cluster's state at once, and each change from then on, in order.
  public func watch(cluster id: OpaqueID, watcher: any ClusterWatcher, opening: UInt64) {
    do throws(ServiceError) {
      try limits.check(cluster: id)
      withShard(of: id) { shard, now in
        let cluster = shard.clusters[id] ?? shard.makeCluster(id)
        cluster.add(watcher)
        watcher.opened(opening, shard.encodedState(of: cluster, now: now))
      }
    } catch {
      watcher.failed(opening, error)
    }
  }

  /// Ends a watch; what is under way to `watcher` may still come.
  public func unwatch(cluster id: OpaqueID, watcher: any ClusterWatcher) {
    withShard(of: id) { shard, _ in
      guard let cluster = shard.clusters[id] else { return }
      cluster.remove(watcher)
      shard.dropIfUnused(cluster)
    }
  }

  /// What all parts hold now; each part is read by itself.
  public func statistics() -> StoreStatistics {
    var sum = StoreStatistics()
    for shard in shards {
      let part = shard.state.withLock { $0.statistics }
      sum.clusters += part.clusters
      sum.affiliates += part.affiliates
      sum.endpoints += part.endpoints
      sum.expiredClusters += part.expiredClusters
      sum.expiredAffiliates += part.expiredAffiliates
      sum.expiredEndpoints += part.expiredEndpoints
    }
    sum.collections = collections.load(ordering: .relaxed)
    return sum
  }

  /// Looks over all that is kept: drops what has expired, and lets go of what is kept only for speed.
  public func collect() {
    collections.wrappingAdd(1, ordering: .relaxed)
    let clock = RenewalClock(now: now(), civilTime: civilTime())
    for shard in shards {
      shard.state.withLock {
        $0.setClock(clock)
        $0.dropCachedStates()
      }
    }
    dropExpired()
  }

  /// Drops what has expired and tells its watchers. To be called when ``timeToNextExpiry(atMost:)`` is over; every
  /// operation does the same for its own shard before it looks.
  public func dropExpired() {
    for shard in shards {
      let now = now()
      shard.state.withLock { $0.expire(now) }
    }
  }

  /// How long nothing expires, or `limit` where that is shorter. What is stored meanwhile may expire before.
  public func timeToNextExpiry(atMost limit: Duration) -> Duration {
    let now = now()
    let (last, overflow) = now.addingReportingOverflow(limit.nanoseconds)
    let next = shards.compactMap { shard in
      shard.state.withLock { $0.nextExpiry(by: overflow ? .max : last) }
    }.min()
    return next.map { .nanoseconds(max(0, $0 - now)) } ?? limit
  }

  /// How many parts the state has.
  var shardCount: Int { shards.count }

  /// Calls `body` with one part's clusters, under its lock: short, and without calling the store.
  func withClusters(
    ofShard index: Int, _ body: ([OpaqueID: StoredCluster], _ now: Int64, RenewalClock) -> Void
  ) {
    let now = now()
    shards[index].state.withLock { state in
      state.expire(now)
      body(state.clusters, now, state.clock)
    }
  }

  /// Puts one affiliate of a snapshot back; nothing is lost of what came since.
  ///
  /// - Throws: Where there is no room for it.
  func restore(cluster: OpaqueID, _ saved: AffiliateSnapshot) throws(ServiceError) {
    try withShard(of: cluster) { (shard, now) throws(ServiceError) in
      let affiliate = saved.stored(now: now, shard.clock, limits: limits)
      try shard.restore(affiliate, cluster: cluster)
    }
  }

  private func withShard<Value: Sendable, Failure: Error>(
    of cluster: OpaqueID, _ body: (inout StoreShard, Int64) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let shard = shards[Int(UInt(bitPattern: cluster.hashValue) % UInt(Self.parts))]
    return try shard.state.withLock { (state) throws(Failure) in
      let now = now()
      state.expire(now)
      return try body(&state, now)
    }
  }
}

extension MemoryStore {
  /// Clusters that take room, also those that are only watched.
  var clusterEntries: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.clusters.count } } }
}
