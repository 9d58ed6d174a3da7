import AffiliateMerge
import ClusterModel
import Lifecycle
import Testing

@testable import Rollcall

/// What a reader has who knows nothing but events.
struct TableReplica {
  private var raws: [RawID: Versioned<AffiliateRecord>] = [:]
  private var affiliates: [NodeIdentity: Versioned<Affiliate>] = [:]
  private var members: [String: Versioned<Member>] = [:]
  private var conflicts: [ConflictKey: UInt64] = [:]
  private var registries: [String: RegistryStatus] = [:]
  /// How nodes are shown, in words.
  private var statuses: [NodeIdentity: String] = [:]
  private var tombstones: Set<Tombstone> = []

  init() {}

  /// A reader that begins with `snapshot`.
  init(_ snapshot: ClusterSnapshot) {
    raws = Dictionary(uniqueKeysWithValues: snapshot.rawAffiliates.map { ($0.id, $0.record) })
    affiliates = Dictionary(uniqueKeysWithValues: snapshot.affiliates.map { ($0.value.nodeID, $0) })
    members = Dictionary(uniqueKeysWithValues: snapshot.members.map { ($0.value.id, $0) })
    conflicts = Dictionary(uniqueKeysWithValues: snapshot.conflicts.map { ($0.value.key, $0.version) })
    registries = Dictionary(uniqueKeysWithValues: snapshot.registries.map { ($0.name, $0.asNotified) })
    statuses = Dictionary(
      uniqueKeysWithValues: snapshot.life.statuses(unlisted: true).map { ($0.node, Self.words($0)) })
    tombstones = Set(snapshot.life.tombstones)
  }

  private static func words(_ status: NodeStatus) -> String {
    "\(status.name) \(status.state) \(status.reason) \(status.since) \(status.flags) \(status.heldBy?.text ?? "")"
  }

  mutating func apply(_ event: ClusterEvent) {
    switch event {
    case .snapshot(let snapshot): self = TableReplica(snapshot)
    case .changes(let changes): for change in changes { apply(change) }
    case .registry(let status): registries[status.name] = status.asNotified
    case .life(let changes):
      for change in changes.statuses { statuses[change.node] = change.new.map(Self.words) }
      for change in changes.tombstones {
        if change.hasEnded {
          tombstones.remove(change.tombstone)
        } else {
          tombstones.insert(change.tombstone)
        }
      }
    case .history: break
    case .registryRemoved(let name): registries[name] = nil
    }
  }

  private mutating func apply(_ change: ClusterChange) {
    switch change {
    case .raw(let change, _, _): Self.apply(change, to: &raws)
    case .moved: break
    case .affiliate(let change): Self.apply(change, to: &affiliates)
    case .member(let change): Self.apply(change, to: &members)
    case .conflict(let change):
      #expect(conflicts[change.key] == change.old?.version)
      conflicts[change.key] = change.new?.version
    }
  }

  private static func apply<Key, Value>(
    _ change: Change<Key, Value>, to things: inout [Key: Versioned<Value>]
  ) {
    #expect(things[change.key] == change.old, "an event that doesn't go on from the one before")
    things[change.key] = change.new
  }

  /// Whether it is what `snapshot` lists. Of conflicts the versions are compared: the age of a claim makes no event.
  func expectSame(as snapshot: ClusterSnapshot) {
    let other = TableReplica(snapshot)
    #expect(raws == other.raws)
    #expect(affiliates == other.affiliates)
    #expect(members == other.members)
    #expect(conflicts == other.conflicts)
    #expect(registries == other.registries)
    #expect(statuses == other.statuses)
    #expect(tombstones == other.tombstones)
  }
}

extension ClusterEvent {
  /// Whether it is about records and registries, and not about how nodes are.
  var isOfRecords: Bool {
    switch self {
    case .snapshot, .changes, .registry, .registryRemoved: true
    case .life, .history: false
    }
  }
}

extension ClusterEvents.Iterator {
  /// The next event that is about records or registries.
  mutating func nextOfRecords() async -> ClusterEvent? {
    while let event = await next() { if event.isOfRecords { return event } }
    return nil
  }
}

extension RegistryStatus {
  /// Without what makes no event of its own.
  fileprivate var asNotified: RegistryStatus {
    withCounts(
      of: RegistryStatus(name: name, prefix: prefix, state: state, since: since))
  }
}
