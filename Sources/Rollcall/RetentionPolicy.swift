/// What becomes of a registry's records when it fails, and when a peer no longer lists them after an outage.
public struct RetentionPolicy: Hashable, Sendable {
  /// What happens to the records of a registry that has failed.
  public enum FailureAction: String, Hashable, Sendable, CaseIterable {
    /// The records of a failing registry stay, and are stale after ``RetentionPolicy/staleAfter``.
    case keep
    /// The records of a failing registry are dropped after ``RetentionPolicy/staleAfter``.
    case drop
  }

  /// What happens to the records when the registry has failed.
  public var onFailure: FailureAction
  /// How long after a failure the records count as good.
  public var staleAfter: Duration
  /// For a registry whose records are leases: how long nodes that a peer no longer lists after an outage are
  /// kept as stale, and after how long without the peer its records are stale.
  public var missingGrace: Duration

  /// After how long a node that it lists and that no lease and no health is seen of is called missing; nil: never.
  public var expect: Duration?

  /// - Parameters:
  ///   - expect: nil: what it lists isn't expected to be seen.
  ///   - staleAfter: nil: 5 minutes for `keep`, at once for `drop`.
  ///   - missingGrace: nil: 5 minutes.
  public init(
    onFailure: FailureAction = .keep, staleAfter: Duration? = nil, missingGrace: Duration? = nil,
    expect: Duration? = nil
  ) {
    self.expect = expect
    self.onFailure = onFailure
    self.staleAfter = staleAfter ?? (onFailure == .keep ? .seconds(300) : .zero)
    self.missingGrace = missingGrace ?? .seconds(300)
  }
}
