/// One registry's word on one node: the raw material of the merge.
public struct AffiliateRecord: Hashable, Sendable {
  /// What the registry says.
  public var affiliate: Affiliate
  /// When whom the registry asks last confirmed it; nil where only the time of hearing it is known.
  public var confirmedAt: Timestamp?
  /// Whether the registry keeps it only in case, not having heard it confirmed lately. A stale record
  /// gives way to the word of any registry that is fresh.
  public var isStale: Bool

  public init(_ affiliate: Affiliate, confirmedAt: Timestamp? = nil, isStale: Bool = false) {
    self.affiliate = affiliate
    self.confirmedAt = confirmedAt
    self.isStale = isStale
  }
}
