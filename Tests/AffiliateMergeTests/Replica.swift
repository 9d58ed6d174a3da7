import AffiliateMerge
import ClusterModel
import Testing

/// What a reader has who knows nothing but directives.
struct Replica {
  private(set) var raws: [RawID: Versioned<AffiliateRecord>] = [:]
  private(set) var affiliates: [NodeIdentity: Versioned<Affiliate>] = [:]
  private(set) var members: [String: Versioned<Member>] = [:]
  private(set) var conflicts: [ConflictKey: Versioned<Conflict>] = [:]

  /// Takes in what an event at `now` led to, and checks that each directive fits what was there.
  mutating func apply(_ directives: [MergeDirective], at now: Timestamp) {
    var told: Set<AnyHashable> = []
    for directive in directives {
      switch directive {
      case .raw(let change):
        #expect(told.insert(change.key).inserted)
        Self.apply(change, to: &raws, now) { $0.isStale == $1.isStale && $0.affiliate == $1.affiliate }
      case .affiliate(let change):
        #expect(told.insert(change.key).inserted)
        Self.apply(change, to: &affiliates, now) { $0 == $1 }
      case .member(let change):
        #expect(told.insert(change.key).inserted)
        Self.apply(change, to: &members, now) { $0 == $1 }
      case .conflict(let change):
        #expect(told.insert(change.key).inserted)
        Self.apply(change, to: &conflicts, now) { NaiveMerge.NaiveConflict($0) == .init($1) }
      }
    }
  }

  /// - Parameter same: whether two values are the same but for the ages that no directive tells.
  private static func apply<Key, Value>(
    _ change: Change<Key, Value>, to things: inout [Key: Versioned<Value>], _ now: Timestamp,
    same: (Value, Value) -> Bool
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
      if let held { #expect(!same(held.value, new.value), "a directive without a change") }
    } else {
      #expect(held != nil, "a directive without a change")
    }
    things[change.key] = change.new
  }

  /// Whether it is what `merge` lists, the ages aside that no directive tells.
  func expectSame(as merge: ClusterMerge) {
    #expect(affiliates.values.sorted { $0.value.nodeID < $1.value.nodeID } == merge.affiliates())
    #expect(members.values.sorted { $0.value.id < $1.value.id } == merge.members())
    let listed = merge.rawAffiliates()
    #expect(listed.count == raws.count)
    for (id, record) in listed {
      let held = raws[id]
      #expect(held?.value.affiliate == record.value.affiliate && held?.value.isStale == record.value.isStale)
      #expect(held?.version == record.version && held?.created == record.created)
    }
    let told = merge.conflicts()
    #expect(told.map(\.value.key) == conflicts.keys.sorted())
    for conflict in told {
      let held = conflicts[conflict.value.key]
      #expect(held.map { .init($0.value) } == NaiveMerge.NaiveConflict(conflict.value))
      #expect(held?.version == conflict.version && held?.created == conflict.created)
    }
  }
}
