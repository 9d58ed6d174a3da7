public import ClusterModel

/// What took place at once in a registry: readers see all of it or nothing. What is empty changes nothing.
public struct RegistryBatch: Hashable, Sendable {
  /// The sources that will each have a snapshot, for a registry that has several and can't give all at once; nil
  /// leaves it as it was.
  ///
  /// The registry counts as synced when each of them has had its first snapshot or is gone; without it, with the
  /// first batch that has a snapshot. At most ``RegistrySource/maximumCount``.
  public var expectedSources: [RegistrySource]?
  /// Changes of what the registry knows, in order.
  public var updates: [RegistryUpdate]
  /// How the registry is.
  public var reports: [HealthReport]
  /// Under which address whom the registry asks sees this node; nil leaves it as it was.
  public var publicAddress: IPAddress?

  /// A batch of what is given; the rest stays as it was.
  public init(
    expectedSources: [RegistrySource]? = nil, updates: [RegistryUpdate] = [], reports: [HealthReport] = [],
    publicAddress: IPAddress? = nil
  ) {
    self.expectedSources = expectedSources
    self.updates = updates
    self.reports = reports
    self.publicAddress = publicAddress
  }

  /// Whether it changes nothing.
  public var isEmpty: Bool {
    expectedSources == nil && updates.isEmpty && reports.isEmpty && publicAddress == nil
  }
}

/// What of a registry works or doesn't. The registry's state is its worst aspect, and all are shown.
public enum HealthAspect: String, Hashable, Sendable, CaseIterable {
  /// Reaching and reading whom it asks. While it fails, its source is away: see `missingGrace`.
  case reading
  /// What it reads can't all be used.
  case content
  /// What this node publishes isn't taken everywhere.
  case publishing
  /// Credentials that are about to end, or can't be renewed.
  case credentials
}

/// How one aspect of a registry is.
public struct HealthReport: Hashable, Sendable {
  /// Which aspect.
  public var aspect: HealthAspect
  /// Of which source; ``RegistrySource/only`` is the registry itself, or its only source.
  public var source: RegistrySource
  /// Why it doesn't work, while the registry goes on and tries again by itself; nil: it works.
  public var error: RegistryError?

  /// The report that `aspect` works, where `error` is nil, or why it doesn't.
  public init(_ aspect: HealthAspect, _ error: RegistryError?, source: RegistrySource = .only) {
    self.aspect = aspect
    self.source = source
    self.error = error
  }
}
