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
  private let clock: any Clock<Duration>
  private let list: @Sendable () async throws -> [AffiliateRecord]

  /// A registry that calls `list` each `interval`; see ``RegistryUpdates/poll(every:jitter:source:patience:clock:_:)``.
  public init(
    every interval: Duration, jitter: Double = 0.1, patience: Duration = .seconds(60),
    clock: any Clock<Duration> = ContinuousClock(),
    list: @escaping @Sendable () async throws -> [Affiliate]
  ) {
    self.interval = interval
    self.jitter = jitter
    self.patience = patience
    self.clock = clock
    self.list = { try await list().map { AffiliateRecord($0) } }
  }

  /// A registry that calls `records` each `interval`; see
  /// ``RegistryUpdates/poll(every:jitter:source:patience:clock:_:)``.
  public init(
    every interval: Duration, jitter: Double = 0.1, patience: Duration = .seconds(60),
    clock: any Clock<Duration> = ContinuousClock(),
    records: @escaping @Sendable () async throws -> [AffiliateRecord]
  ) {
    self.interval = interval
    self.jitter = jitter
    self.patience = patience
    self.clock = clock
    list = records
  }

  public func run(updates: RegistryUpdates) async throws {
    try await updates.poll(every: interval, jitter: jitter, patience: patience, clock: clock, list)
  }
}
