/// How much anybody may store of one cluster; how much in all is in ``SharedLimits``. The defaults are what the existing service allows and its clients expect.
public struct StoreLimits: Hashable, Sendable {
  /// Bytes of a cluster id, at least 1.
  public var clusterID = 256
  /// Bytes of an affiliate id, at least 1.
  public var affiliateID = 256
  /// Bytes of an affiliate's sealed data.
  public var data = 2048
  /// Bytes of one sealed endpoint.
  public var endpoint = 32
  /// Endpoints of one affiliate.
  public var endpoints = 64
  /// Affiliates of one cluster.
  public var affiliates = 1024
  /// The longest time to live.
  public var timeToLive = Duration.seconds(30 * 60)
  /// The time to live of an update that names none.
  public var absentTimeToLive = Duration.seconds(60)

  public init() {}

  func check(cluster: OpaqueID) throws(ServiceError) {
    if cluster.bytes.isEmpty { throw .invalid("cluster ID can't be empty", reason: "cluster_id") }
    if cluster.bytes.count > clusterID { throw .invalid("cluster ID is too long", reason: "cluster_id") }
  }

  func check(affiliate: OpaqueID) throws(ServiceError) {
    if affiliate.bytes.isEmpty { throw .invalid("affiliate ID can't be empty", reason: "affiliate_id") }
    if affiliate.bytes.count > affiliateID {
      throw .invalid("affiliate ID is too long", reason: "affiliate_id")
    }
  }

  /// All that can be said of an update without looking at the state.
  func check(_ update: AffiliateUpdate) throws(ServiceError) {
    try check(cluster: update.cluster)
    try check(affiliate: update.affiliate)
    if let bytes = update.data, bytes.count > data {
      throw .invalid("affiliate data is too big", reason: "data")
    }
    for bytes in update.endpoints {
      if bytes.count > endpoint { throw .invalid("affiliate endpoint is too big", reason: "endpoint") }
      // Existing clients crash on opening an empty endpoint: one node must not stop the others.
      if bytes.isEmpty { throw .invalid("affiliate endpoint can't be empty", reason: "endpoint") }
    }
  }

  /// Nanoseconds that an update with the given time to live is good for.
  func lifetime(_ ttl: Duration?) throws(ServiceError) -> Int64 {
    guard let ttl, ttl != .zero else { return absentTimeToLive.nanoseconds }
    if ttl < .zero { throw .invalid("ttl can't be negative", reason: "ttl") }
    if ttl > timeToLive { throw .invalid("ttl is too large", reason: "ttl") }
    return ttl.nanoseconds
  }
}

extension Duration {
  /// The duration in nanoseconds, or the largest number where it has more.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? (seconds < 0 ? .min : .max) : whole &+ attoseconds / 1_000_000_000
  }
}
