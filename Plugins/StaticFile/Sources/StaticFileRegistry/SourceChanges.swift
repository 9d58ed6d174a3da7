import ClusterModel
import RegistryKit

/// What leads from what was told to what is to be told.
enum SourceChanges {
  /// The updates, in an order in which a node that moves from one source to another is told of throughout.
  static func from(_ old: SourceContents, to new: SourceContents) -> [RegistryUpdate] {
    var gained: [RegistryUpdate] = []
    var lost: [RegistryUpdate] = []
    for (source, records) in new.sorted(by: { $0.key < $1.key }) {
      guard let previous = old[source] else {
        gained.append(.snapshot(sorted(records), source: source))
        continue
      }
      guard previous != records else { continue }
      let changed = records.filter { previous[$0.key] != $0.value }
      let removed = previous.keys.filter { records[$0] == nil }
      if changed.count + removed.count > max(64, records.count / 2) {
        gained.append(.snapshot(sorted(records), source: source))
      } else {
        gained += sorted(changed).map { .upsert($0, source: source) }
        lost += removed.sorted().map { .remove($0, source: source) }
      }
    }
    let gone = old.keys.filter { new[$0] == nil }.sorted().map { RegistryUpdate.sourceGone($0) }
    // Where both don't fit side by side the old ones have to go first.
    let isTight =
      gone.count + new.count > RegistrySource.maximumCount || count(old) + count(new) > Limits.nodes
    return isTight ? gone + lost + gained : gained + lost + gone
  }

  private static func count(_ contents: SourceContents) -> Int {
    contents.values.reduce(0) { $0 + $1.count }
  }

  private static func sorted(_ records: [NodeIdentity: AffiliateRecord]) -> [AffiliateRecord] {
    records.values.sorted { $0.affiliate.nodeID < $1.affiliate.nodeID }
  }
}
