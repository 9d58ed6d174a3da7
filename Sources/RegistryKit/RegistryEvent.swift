public import ClusterModel

/// A change of what a registry knows.
public enum RegistryUpdate: Hashable, Sendable {
  /// Everything that the source knows now: its nodes that aren't in it are gone.
  case snapshot([AffiliateRecord], source: RegistrySource)
  /// One node is new or changed; its previous record is replaced whole.
  case upsert(AffiliateRecord, source: RegistrySource)
  /// One node is gone.
  case remove(NodeIdentity, source: RegistrySource)
  /// The source is no longer asked: its records are dropped.
  case sourceGone(RegistrySource)
}

/// Anything that a registry tells while it runs.
public enum RegistryEvent: Hashable, Sendable {
  /// The sources that will each tell a snapshot soon: the registry counts as synced only when each of them has
  /// told it or is gone. See ``RegistryUpdates/sources(_:)``.
  case sources([RegistrySource])
  case update(RegistryUpdate)
  /// All is well again.
  case healthy
  /// Something doesn't work; the registry goes on and tries again by itself.
  case degraded(RegistryError)
  /// Whom the registry asks sees this node under this address.
  case publicAddress(IPAddress)
}
