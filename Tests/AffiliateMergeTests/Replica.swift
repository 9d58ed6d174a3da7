import AffiliateMerge
import ClusterModel
import Testing

/// What a reader has who knows nothing but changes.
struct Replica {
  private(set) var raws: [RawID: Versioned<AffiliateRecord>] = [:]
  /// The nodes that raw records are of.
  private(set) var nodes: [RawID: NodeIdentity] = [:]
  private(set) var affiliates: [NodeIdentity: Versioned<Affiliate>] = [:]
  private(set) var members: [String: Versioned<Member>] = [:]
  private(set) var conflicts: [ConflictKey: Versioned<Conflict>] = [:]
  /// Labels of nodes and of members, as they were at the last change of these.
  private var labels: [NodeIdentity: NodeLabels] = [:]
  private var memberLabels: [String: NodeLabels] = [:]

  /// Takes in what an event at `now` led to, and checks that each change fits what was there.
  ///
  /// - Parameter labels: gives a node's labels after the event.
  mutating func apply(
    _ changes: [ClusterChange], of operation: MergeOperation, at now: Timestamp,
    labels: (NodeIdentity) -> NodeLabels
  ) {
    var seen: Set<AnyHashable> = []
    var removed: Set<RawID> = []
    for change in changes {
      switch change {
      case .moved(let move):
        #expect(nodes[move.id] == move.from && move.from != move.to)
        nodes[move.id] = move.to
      case .raw(let change, let node, let reason):
        // A record that has a local id now, or none any more, is another one under the same raw id.
        let isAnother = change.kind == .created && removed.remove(change.key) != nil
        #expect(seen.insert(change.key).inserted || isAnother)
        if change.kind == .removed { removed.insert(change.key) }
        #expect(change.kind == .created || nodes[change.key] == node)
        nodes[change.key] = change.kind == .removed ? nil : node
        #expect(reason == (change.kind == .removed ? operation.reason : nil))
        Self.apply(change, to: &raws, now) { $0.unconfirmed == $1.unconfirmed }
      case .affiliate(let change):
        #expect(seen.insert(change.key).inserted)
        // Whether a node without an identity is a member is no part of its affiliate.
        let hasOthers = self.labels.updateValue(labels(change.key), forKey: change.key) != labels(change.key)
        Self.apply(change, to: &affiliates, now, mayRepeat: change.key.isLocal || hasOthers) { $0 == $1 }
      case .member(let change):
        #expect(seen.insert(change.key).inserted)
        let new = change.new.map { labels($0.value.nodeID) } ?? NodeLabels()
        let hasOthers = memberLabels.updateValue(new, forKey: change.key) != new
        Self.apply(change, to: &members, now, mayRepeat: hasOthers) { $0 == $1 }
      case .conflict(let change):
        #expect(seen.insert(change.key).inserted)
        Self.apply(change, to: &conflicts, now) { $0.isAlike($1) }
      }
    }
  }

  /// - Parameter same: whether two values are the same but for the ages that no change has.
  private static func apply<Key, Value>(
    _ change: Change<Key, Value>, to things: inout [Key: Versioned<Value>], _ now: Timestamp,
    mayRepeat: Bool = false, same: (Value, Value) -> Bool
  ) {
    let held = things[change.key]
    #expect((held == nil) == (change.old == nil))
    if let held, let old = change.old {
      #expect(same(held.value, old.value))
      #expect(held.version == old.version && held.created == old.created && held.updated == old.updated)
    }
    if let new = change.new {
      #expect(new.version == (held?.version ?? 0) + 1)
      #expect(new.created == held?.created ?? now)
      #expect(new.updated == now)
      if let held { #expect(mayRepeat || !same(held.value, new.value), "a change without a change") }
    } else {
      #expect(held != nil, "a change without a change")
    }
    things[change.key] = change.new
  }

  /// Whether it is what `merge` lists, the ages aside that no change has.
  func expectSame(as merge: ClusterMerge) {
    #expect(affiliates.values.sorted { $0.value.nodeID < $1.value.nodeID } == merge.affiliates())
    #expect(members.values.sorted { $0.value.id < $1.value.id } == merge.members())
    for member in members.values {
      #expect(memberLabels[member.value.id] == merge.labels(of: member.value.nodeID))
    }
    for affiliate in merge.affiliates() {
      #expect(labels[affiliate.value.nodeID] == merge.labels(of: affiliate.value.nodeID))
      let raws = merge.rawAffiliates(of: affiliate.value.nodeID).map(\.id)
      #expect(raws.allSatisfy { nodes[$0] == affiliate.value.nodeID })
    }
    let listed = merge.rawAffiliates()
    #expect(listed.count == raws.count)
    for (id, record) in listed {
      let held = raws[id]
      #expect(held?.value.unconfirmed == record.value.unconfirmed)
      #expect(held?.version == record.version && held?.created == record.created)
    }
    let shown = merge.conflicts()
    #expect(shown.map(\.value.key) == conflicts.keys.sorted())
    for conflict in shown {
      let held = conflicts[conflict.value.key]
      #expect(held?.value.isAlike(conflict.value) == true)
      #expect(held?.version == conflict.version && held?.created == conflict.created)
    }
  }
}

extension Conflict {
  /// Whether both say the same, but for what is no change: ages, and of a match the very values.
  fileprivate func isAlike(_ other: Conflict) -> Bool {
    var (left, right) = (NaiveMerge.NaiveConflict(self), NaiveMerge.NaiveConflict(other))
    func keys(_ notes: Set<MatchNote>) -> Set<MatchNote> {
      Set(notes.map { MatchNote($0.reason, $0.field, nil, candidates: $0.candidates, against: $0.against) })
    }
    left.notes = keys(left.notes)
    right.notes = keys(right.notes)
    return left == right
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
