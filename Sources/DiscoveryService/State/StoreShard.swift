/// A part of the store's clusters with the wheel that makes them expire; guarded by one lock, so that no
/// cluster can be dropped while an update works on it.
struct StoreShard {
  var clusters: [OpaqueID: StoredCluster] = [:]
  private(set) var statistics = StoreStatistics()
  private var wheel: ExpiryWheel<(StoredCluster, StoredAffiliate)>
  private var cached: [StoredCluster] = []
  private let tickLength: Int64
  private let account: StateAccount
  /// Which time of day the store's moments are, as the service tells it.
  private(set) var clock: RenewalClock
  /// What lives for longer than so many ticks comes up a few times before its time: room for speed.
  private static let longestSpan: Int64 = 4096

  init(
    limits: StoreLimits, ledger: ResourceLedger, tickLength: Int64, now: Int64,
    clock: RenewalClock
  ) {
    self.tickLength = tickLength
    self.clock = clock
    account = StateAccount(ledger: ledger)
    let span = limits.timeToLive.nanoseconds / tickLength + 2
    wheel = ExpiryWheel(span: Int(min(span, Self.longestSpan)), tick: now / tickLength)
  }

  /// Stores `update`, which has been checked.
  mutating func apply(
    _ update: AffiliateUpdate, limits: StoreLimits, lifetime: Int64, now: Int64
  ) throws(ServiceError) {
    let known = clusters[update.cluster]
    let old = known?.affiliates[update.affiliate]
    if old == nil, let known, known.affiliates.count >= limits.affiliates {
      throw .exhausted("too many affiliates in the cluster", reason: "affiliates")
    }
    let (sum, overflow) = now.addingReportingOverflow(lifetime)
    let expires = overflow ? Int64.max : sum
    let affiliate = old ?? StoredAffiliate(id: update.affiliate, expires: expires)
    // The last checks before the first change: a refused update leaves no trace.
    if affiliate.endpointCount(adding: update.endpoints) > limits.endpoints {
      throw .exhausted("too many endpoints in the affiliate", reason: "endpoints")
    }
    let isFirst = known?.affiliates.isEmpty ?? true
    try charge(update, affiliate, isNew: old == nil, isFirst: isFirst)

    let cluster = known ?? makeCluster(update.cluster)
    if isFirst { cluster.owner = update.client }
    let endpointsBefore = affiliate.endpoints.count
    let changed = affiliate.apply(update, now: now, expires: expires)
    statistics.endpoints += affiliate.endpoints.count - endpointsBefore
    if old == nil {
      if cluster.affiliates.isEmpty { statistics.clusters += 1 }
      cluster.affiliates[update.affiliate] = affiliate
      statistics.affiliates += 1
    }
    schedule(affiliate, of: cluster)
    if changed || old == nil {
      cluster.announce(affiliate, clock)
    } else if affiliate.renewedAt == now {
      cluster.noteRenewal()
    }
  }

  private func charge(
    _ update: AffiliateUpdate, _ affiliate: StoredAffiliate, isNew: Bool, isFirst: Bool
  ) throws(ServiceError) {
    let bytes = affiliate.bytes(with: update)
    if isNew {
      try account.charge(update.client, clusters: isFirst ? 1 : 0, affiliates: 1, bytes: bytes)
      affiliate.owner = update.client
      return
    }
    if update.data?.isEmpty == false { try account.move(affiliate, to: update.client) }
    let more = bytes - affiliate.bytes
    if more != 0 { try account.charge(affiliate.owner, bytes: more) }
  }

  mutating func delete(cluster id: OpaqueID, affiliate: OpaqueID) -> StoredCluster? {
    guard let cluster = clusters[id], let gone = cluster.affiliates.removeValue(forKey: affiliate) else {
      return nil
    }
    forget(gone, of: cluster, .withdrawn)
    return cluster
  }

  mutating func makeCluster(_ id: OpaqueID) -> StoredCluster {
    let cluster = StoredCluster(id: id)
    clusters[id] = cluster
    return cluster
  }

  /// Drops a cluster that holds nothing and that nobody watches.
  mutating func dropIfUnused(_ cluster: StoredCluster) {
    if cluster.isUnused { clusters[cluster.id] = nil }
  }

  mutating func encodedState(of cluster: StoredCluster, now: Int64) -> EncodedMessage {
    if !cluster.hasCachedState { cached.append(cluster) }
    return cluster.encodedState(now, clock)
  }

  /// Takes over that the time of day was set. It isn't read at each turn, so that one renewal is always told at the
  /// same time.
  mutating func setClock(_ clock: RenewalClock) {
    if !clock.isNear(self.clock) { self.clock = clock }
  }

  /// Lets go of encoded states: they pay for a moment in which many ask, not for all time.
  mutating func dropCachedStates() {
    for cluster in cached { cluster.dropCachedState() }
    cached.removeAll(keepingCapacity: cached.count < 64)
  }

  /// Drops what has expired by `now`.
  mutating func expire(_ now: Int64) {
    guard now / tickLength > wheel.tick else { return }
    for (tick, (cluster, affiliate)) in wheel.advance(to: now / tickLength) {
      // An older appointment of one that has been given an earlier one since.
      guard affiliate.scheduled == tick else { continue }
      affiliate.scheduled = nil
      // It may have been deleted since, or deleted and created anew.
      guard cluster.affiliates[affiliate.id] === affiliate else { continue }
      if affiliate.expires <= now {
        cluster.affiliates[affiliate.id] = nil
        statistics.expiredAffiliates += 1
        forget(affiliate, of: cluster, .expired)
        if cluster.affiliates.isEmpty { statistics.expiredClusters += 1 }
        dropIfUnused(cluster)
        continue
      }
      let before = affiliate.bytes
      let count = affiliate.dropExpiredEndpoints(now)
      if count > 0 {
        account.ledger.give(before - affiliate.bytes, .stateBytes, for: affiliate.owner)
        statistics.endpoints -= count
        statistics.expiredEndpoints += count
        cluster.announce(affiliate, clock)
      }
      schedule(affiliate, of: cluster)
    }
  }

  /// When something may expire, where that is by `limit`. To be asked after ``expire(_:)``.
  func nextExpiry(by limit: Int64) -> Int64? { wheel.next(by: limit / tickLength).map { $0 * tickLength } }

  /// Puts back what a snapshot file held.
  mutating func restore(_ affiliate: StoredAffiliate, cluster id: OpaqueID) throws(ServiceError) {
    let known = clusters[id]
    guard known?.affiliates[affiliate.id] == nil else { return }
    let isFirst = known?.affiliates.isEmpty ?? true
    try account.charge(nil, clusters: isFirst ? 1 : 0, affiliates: 1, bytes: affiliate.bytes)
    let cluster = known ?? makeCluster(id)
    if cluster.affiliates.isEmpty { statistics.clusters += 1 }
    cluster.affiliates[affiliate.id] = affiliate
    statistics.affiliates += 1
    statistics.endpoints += affiliate.endpoints.count
    schedule(affiliate, of: cluster)
    cluster.announce(affiliate, clock)
  }

  /// Notes that `affiliate` is no longer in `cluster` and tells so.
  private mutating func forget(
    _ affiliate: StoredAffiliate, of cluster: StoredCluster, _ reason: AffiliateRemoval
  ) {
    statistics.affiliates -= 1
    statistics.endpoints -= affiliate.endpoints.count
    account.release(affiliate)
    if cluster.affiliates.isEmpty {
      statistics.clusters -= 1
      account.release(cluster)
    }
    cluster.announce(affiliate, gone: reason, clock)
    // The wheel holds on to it until its tick.
    affiliate.data = []
    affiliate.endpoints = []
  }

  private mutating func schedule(_ affiliate: StoredAffiliate, of cluster: StoredCluster) {
    // Rounded up: what is due at the tick has expired by then.
    let next = affiliate.nextExpiry
    let due = next / tickLength + (next % tickLength > 0 ? 1 : 0)
    if let scheduled = affiliate.scheduled, scheduled <= due { return }
    affiliate.scheduled = wheel.schedule((cluster, affiliate), at: due)
  }
}
