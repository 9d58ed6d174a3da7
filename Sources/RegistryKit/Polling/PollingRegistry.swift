public import ClusterModel

/// A registry made of a function that lists.
///
/// ```swift
/// PollingRegistry(every: .seconds(30)) { try await inventory.nodes() }
/// ```
public struct PollingRegistry: Registry {
  private let interval: Duration
  private let jitter: Double
  private let patience: Duration
  private let list: @Sendable () async throws -> [AffiliateRecord]

  /// A registry that calls `list` each `interval`; see ``RegistrySession/poll(every:jitter:source:patience:_:)``.
  public init(
    every interval: Duration, jitter: Double = 0.1, patience: Duration = .seconds(60),
    list: @escaping @Sendable () async throws -> [Affiliate]
  ) {
    self.init(every: interval, jitter: jitter, patience: patience) {
      try await list().map { AffiliateRecord($0) }
    }
  }

  /// A registry that calls `records` each `interval`; see
  /// ``RegistrySession/poll(every:jitter:source:patience:_:)``.
  public init(
    every interval: Duration, jitter: Double = 0.1, patience: Duration = .seconds(60),
    records: @escaping @Sendable () async throws -> [AffiliateRecord]
  ) {
    self.interval = interval
    self.jitter = jitter
    self.patience = patience
    list = records
  }

  public func run(_ session: RegistrySession) async throws {
    try await session.poll(every: interval, jitter: jitter, patience: patience, list)
  }
}
