import AffiliateMerge
import ClusterModel
import Lifecycle

/// What leads from one snapshot to another, for a reader for whom the changes between the two aren't kept any more.
/// Ages alone make no change, as in a commit.
enum ClusterDifference {
  /// The events, in the order in which a commit has them. What came and went again in between isn't in it.
  static func events(from old: ClusterSnapshot, to new: ClusterSnapshot) -> [ClusterEvent] {
    var changes: [ClusterChange] = differences(old.rawAffiliates, new.rawAffiliates) {
      $0.unconfirmed == $1.unconfirmed
    }
    .compactMap { change in
      (change.new == nil ? old : new).merge.node(of: change.key).map { .raw(change, of: $0) }
    }
    for (id, record) in new.rawAffiliates where record.value.isLocalID {
      if let from = old.merge.node(of: id), old.merge.raw(id)?.value.isLocalID == true,
        let to = new.merge.node(of: id), from != to
      {
        changes.append(.moved(RecordMove(id: id, record: record.value, from: from, to: to)))
      }
    }
    changes += differences(
      old.affiliates.map { ($0.value.nodeID, $0) }, new.affiliates.map { ($0.value.nodeID, $0) }, same: ==
    )
    .map { .affiliate($0) }
    changes += differences(
      old.members.map { ($0.value.id, $0) }, new.members.map { ($0.value.id, $0) }, same: ==
    )
    .map { .member($0) }
    changes += differences(
      old.conflicts.map { ($0.value.key, $0) }, new.conflicts.map { ($0.value.key, $0) }
    ) { $0.hasContent(of: $1) }
    .map { .conflict($0) }
    var events: [ClusterEvent] = changes.isEmpty ? [] : [.changes(changes)]
    let lives = new.life.changes(since: old.life)
    if !lives.isEmpty { events.append(.life(lives)) }
    for status in new.registries where !isSame(old.registry(status.name), status) {
      events.append(.registry(status))
    }
    for status in old.registries where new.registry(status.name) == nil {
      events.append(.registryRemoved(status.name))
    }
    return events
  }

  /// - Parameter same: whether two values have the same content.
  private static func differences<Key, Value>(
    _ old: [(Key, Versioned<Value>)], _ new: [(Key, Versioned<Value>)], same: (Value, Value) -> Bool
  ) -> [Change<Key, Value>] {
    var before = Dictionary(old.map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first })
    var changes: [Change<Key, Value>] = []
    for (key, value) in new {
      let previous = before.removeValue(forKey: key)
      if let previous, previous.hasHistory(of: value), same(previous.value, value.value) { continue }
      changes.append(Change(key: key, old: previous, new: value))
    }
    // In their order of then.
    for (key, value) in old where before.removeValue(forKey: key) != nil {
      changes.append(Change(key: key, old: value, new: nil))
    }
    return changes
  }

  /// Counts and times of updates alone make no event.
  private static func isSame(_ old: RegistryStatus?, _ new: RegistryStatus) -> Bool {
    old.map { $0.withCounts(of: new) == new } ?? false
  }
}

extension Versioned {
  fileprivate func hasHistory(of other: Versioned) -> Bool {
    version == other.version && created == other.created && updated == other.updated
  }
}

extension AffiliateRecord {
  /// The record without the time of its confirmation, which is no content.
  fileprivate var unconfirmed: AffiliateRecord {
    var record = self
    record.confirmedAt = nil
    return record
  }
}
