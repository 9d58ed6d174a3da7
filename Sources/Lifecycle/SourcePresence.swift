public import ClusterModel

/// What a registry has of a node, or had: of several records that of the best source.
public struct SourcePresence: Hashable, Sendable {
  /// Whether a node is in a registry.
  public enum Presence: Hashable, Sendable {
    /// It is listed.
    case fresh
    /// It was listed; the registry says nothing of now.
    case stale(StaleReason)
    /// It isn't listed any more.
    case gone(DepartureReason)
    /// The registry is enabled and wasn't heard since the start, and nothing is known from before.
    case unknown
    /// It is this node, of which the registry accepted what it publishes.
    case published
  }

  /// The registry's name in the configuration.
  public let registry: String
  /// Whether the node is there.
  public let presence: Presence
  /// Since when it is listed, or since when it is gone; nil where neither is known.
  public let since: Moment?
  /// Whether the registry's records are leases.
  public let leases: Bool
  /// How the registry finds the node, for one that checks it; only where that is fresh.
  public let health: NodeHealth?
  /// When whom the registry asks last confirmed the record that is gone; nil where that isn't known.
  public let lastSeen: Timestamp?
}

extension NodeLife {
  /// What each registry has of the node, in the order of the registries; one that never had anything isn't there.
  func sources(_ registries: RegistryTable, isLocal: Bool) -> [SourcePresence] {
    var sources: [SourcePresence] = []
    for position in registries.all.indices {
      if let source = source(position, registries, isLocal: isLocal) { sources.append(source) }
    }
    return sources
  }

  /// What the registry at `position` has of the node; nil where it never had anything.
  func source(_ position: Int, _ registries: RegistryTable, isLocal: Bool) -> SourcePresence? {
    let registry = registries.all[position]
    let name = registry.condition.name
    var best: SourcePresence?
    for record in records {
      let facts = registries[record.source]
      guard facts.position == position else { continue }
      let reason = record.staleness(facts)
      let presence = SourcePresence(
        registry: name, presence: reason.map(SourcePresence.Presence.stale) ?? .fresh, since: record.listedAt,
        leases: registry.leases, health: reason == nil ? record.record.health : nil, lastSeen: nil)
      if best.map(presence.goes) ?? true { best = presence }
    }
    if isLocal, registry.condition.isPublished {
      return SourcePresence(
        registry: name, presence: .published, since: best?.since, leases: registry.leases,
        health: best?.health,
        lastSeen: nil)
    }
    if let best { return best }
    var last: DepartureMark?
    for mark in marks where mark.source.registry == name && last?.precedes(mark) ?? true { last = mark }
    if let last {
      return SourcePresence(
        registry: name, presence: .gone(last.reason), since: last.at, leases: registry.leases, health: nil,
        lastSeen: last.lastSeen)
    }
    if registry.hasBeenHeard { return nil }
    return SourcePresence(
      registry: name, presence: .unknown, since: nil, leases: registry.leases, health: nil, lastSeen: nil)
  }
}

extension SourcePresence {
  /// Whether of two records of one registry this is the better one. Of several that are alike it is the one that says
  /// that the node isn't ready, and of those the one that is listed longest.
  fileprivate func goes(before other: SourcePresence) -> Bool {
    if rank != other.rank { return rank < other.rank }
    switch (presence, other.presence) {
    case (.stale(let reason), .stale(let otherReason)) where reason != otherReason:
      return reason.rawValue < otherReason.rawValue
    default: break
    }
    if healthRank != other.healthRank { return healthRank < other.healthRank }
    if healthText != other.healthText { return healthText < other.healthText }
    guard let since, let otherSince = other.since else { return false }
    return since.elapsed < otherSince.elapsed
  }

  private var rank: Int { presence == .fresh ? 0 : 1 }

  private var healthRank: Int {
    switch health {
    case .notReady: 0
    case .ready: 1
    case nil: 2
    }
  }

  private var healthText: String {
    if case .notReady(let reason) = health { return reason }
    return ""
  }
}
