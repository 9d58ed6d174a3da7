public import ClusterModel

/// What happens to a merge.
public enum MergeEvent: Hashable, Sendable {
  /// All that an origin knows now: its nodes that aren't in it are gone. A node that is in it more than
  /// once counts with its last record.
  case snapshot([AffiliateRecord], from: RecordOrigin)
  /// An origin's word on a node is new or changed; its previous record is replaced whole.
  case upsert(AffiliateRecord, from: RecordOrigin)
  /// An origin no longer knows a node.
  case remove(NodeIdentity, from: RecordOrigin)
  /// An origin is no longer asked: its records are dropped.
  case originGone(RecordOrigin)
  /// A registry is no longer asked: the records of all its origins are dropped, and it isn't stale any more.
  case registryGone(String)
  /// Whether a registry's records as a whole have been kept for too long without a word from it. Such
  /// records give way to fresh ones.
  case registryStale(String, Bool)
  /// The same for the records of one origin; it ends when the origin or its registry goes.
  case originStale(RecordOrigin, Bool)
  /// What this node tells of itself; nil for a mere observer.
  case local(Affiliate?)
  /// Another policy holds from now on.
  case policy(MergePolicy)
}
