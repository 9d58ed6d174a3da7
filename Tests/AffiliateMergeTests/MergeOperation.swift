import AffiliateMerge
import ClusterModel

/// Anything that can be done to a merge, as a value.
enum MergeOperation {
  case snapshot([AffiliateRecord], from: RecordOrigin, absent: RemovalReason? = nil)
  case upsert(AffiliateRecord, from: RecordOrigin)
  case remove(NodeIdentity, from: RecordOrigin, reason: RemovalReason = .deleted)
  case originGone(RecordOrigin)
  case registryGone(String)
  case registryStale(String, Bool)
  case originStale(RecordOrigin, Bool)
  case local(AffiliateRecord?)
  case policy(MergePolicy)
}

extension MergeOperation {
  /// Why records that it removes are gone.
  var reason: RemovalReason? {
    switch self {
    case .snapshot(_, _, let absent): absent
    case .remove(_, _, let reason): reason
    default: nil
    }
  }
}

extension ClusterMerge {
  mutating func apply(_ operation: MergeOperation, at now: Timestamp) throws -> [ClusterChange] {
    func update(_ origin: RecordOrigin, _ make: (RegistrySource) -> RegistryUpdate) throws -> [ClusterChange]
    {
      let source = origin.source.isEmpty ? .only : try RegistrySource(origin.source)
      return apply(make(source), of: RegistryID(name: origin.registry, prefix: origin.prefix), at: now)
    }
    switch operation {
    case .snapshot(let records, let origin, let absent):
      return try update(origin) { .snapshot(records, source: $0, absent: absent) }
    case .upsert(let record, let origin): return try update(origin) { .upsert(record, source: $0) }
    case .remove(let id, let origin, let reason):
      return try update(origin) { .remove(id, source: $0, reason: reason) }
    case .originGone(let origin): return try update(origin) { .sourceGone($0) }
    case .registryGone(let registry): return removeRegistry(registry, at: now)
    case .registryStale(let registry, let isStale): return setStale(isStale, registry: registry, at: now)
    case .originStale(let origin, let isStale): return setStale(isStale, origin: origin, at: now)
    case .local(let record): return setLocal(record, at: now)
    case .policy(let policy): return setPolicy(policy, at: now)
    }
  }
}
