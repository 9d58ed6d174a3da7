public import ClusterModel

/// What one `AffiliateUpdate` call asks for.
public struct AffiliateUpdate: Hashable, Sendable {
  /// Of which cluster.
  public var cluster: OpaqueID
  /// Whom it updates.
  public var affiliate: OpaqueID
  /// The affiliate's sealed data, or nil to leave it alone. Present but empty counts as absent.
  public var data: [UInt8]?
  /// Sealed endpoints to add to those that the affiliate has; a byte-equal one is the same endpoint.
  public var endpoints: [[UInt8]]
  /// How long what is sent stays good. Nil and zero mean the store's ``StoreLimits/absentTimeToLive``.
  public var timeToLive: Duration?

  /// Who sends it, for what a client's share is of what is kept; nil counts for nobody.
  public var client: IPAddress?

  /// What one call asks for; ``client`` is set by who knows it.
  public init(
    cluster: OpaqueID, affiliate: OpaqueID, data: [UInt8]? = nil, endpoints: [[UInt8]] = [],
    timeToLive: Duration? = nil
  ) {
    self.cluster = cluster
    self.affiliate = affiliate
    self.data = data
    self.endpoints = endpoints
    self.timeToLive = timeToLive
  }
}
