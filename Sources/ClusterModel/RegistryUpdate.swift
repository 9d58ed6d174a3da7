/// A change of what a registry knows: the one form of it from the plugin's edge into the merge.
public enum RegistryUpdate: Hashable, Sendable {
  /// Everything that the source knows now: its nodes that aren't in it are gone, for the reason given; nil: as
  /// the registry's kind of records has it, expired for leases, deleted for others. Each node is in it once.
  case snapshot([AffiliateRecord], source: RegistrySource, absent: RemovalReason? = nil)
  /// One node is new or changed; its previous record is replaced whole.
  case upsert(AffiliateRecord, source: RegistrySource)
  /// One node is gone, by the id of its record.
  case remove(NodeIdentity, source: RegistrySource, reason: RemovalReason)
  /// The source is no longer asked: its records are dropped.
  case sourceGone(RegistrySource)

  /// Whose update it is.
  public var source: RegistrySource {
    switch self {
    case .snapshot(_, let source, _), .upsert(_, let source), .remove(_, let source, _),
      .sourceGone(let source):
      source
    }
  }
}

/// Why a registry no longer has a node. Whether a node left or was lost can't be found out later.
public enum RemovalReason: String, Hashable, Sendable, CaseIterable {
  /// The node itself said goodbye.
  case withdrawn
  /// Its lease ended, and nobody renewed it.
  case expired
  /// Somebody took it out on purpose.
  case deleted
  /// It was away from what a peer lists after an outage, and didn't come back.
  case unlisted
  /// It is gone, and nobody said why.
  case removed
}
