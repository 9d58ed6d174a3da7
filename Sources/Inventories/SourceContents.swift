package import ClusterModel

/// Which source has which records.
package typealias SourceContents = [RegistrySource: [NodeIdentity: AffiliateRecord]]

extension SourceContents {
  /// What leads from these to `new`, as one batch.
  package func updates(to new: SourceContents) -> [RegistryUpdate] {
    var updates: [RegistryUpdate] = []
    // What goes first makes room: at no point are there more sources or nodes than a registry may have.
    for source in keys.filter({ new[$0] == nil }).sorted() {
      updates += [.snapshot([], source: source, absent: .deleted), .sourceGone(source)]
    }
    func growth(_ source: RegistrySource) -> Int { (new[source]?.count ?? 0) - (self[source]?.count ?? 0) }
    for source in new.keys.sorted(by: { (growth($0), $0) < (growth($1), $1) }) {
      updates += Self.changes(of: source, from: self[source], to: new[source] ?? [:])
    }
    return updates
  }

  private static func changes(
    of source: RegistrySource, from old: [NodeIdentity: AffiliateRecord]?,
    to new: [NodeIdentity: AffiliateRecord]
  ) -> [RegistryUpdate] {
    let all = RegistryUpdate.snapshot(sorted(new), source: source, absent: .deleted)
    guard let old else { return [all] }
    guard old != new else { return [] }
    let changed = new.filter { old[$0.key] != $0.value }
    let removed = old.keys.filter { new[$0] == nil }.sorted()
    guard changed.count + removed.count <= Swift.max(64, new.count / 2) else { return [all] }
    return removed.map { .remove($0, source: source, reason: .deleted) }
      + sorted(changed).map { .upsert($0, source: source) }
  }

  private static func sorted(_ records: [NodeIdentity: AffiliateRecord]) -> [AffiliateRecord] {
    records.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
  }
}
