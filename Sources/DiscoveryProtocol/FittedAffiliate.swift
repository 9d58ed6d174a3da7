/// A message as far as a service has room for it, if it has room for what all programs read of it.
public struct FittedAffiliate: Hashable, Sendable {
  /// What has room.
  public var message: PlainAffiliate
  /// The keys of the labels that have none.
  public var omittedLabels: [String]
}
