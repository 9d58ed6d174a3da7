import AffiliateMerge
import ClusterModel
import RegistryKit
import Rollcall
import RollcallConfiguration

/// What Docs/Embedding.md says in words: a test compares the two, so that what it names is there and is so.
enum AsDocumented {
  /// A registry is any Swift value that conforms to `Registry`.
  struct Rack: Registry {
    func run(_ session: RegistrySession) async throws {
      let node = Affiliate(nodeID: try NodeIdentity("rack-1"), nodename: "rack-1")
      try session.snapshot([node])
      try session.upsert(node)
      try session.remove(node.nodeID)
      try session.apply(RegistryBatch(updates: [.upsert(AffiliateRecord(node), source: .only)]))
      try session.report(.reading, nil)
      for await desired in session.desired { session.published(desired.revision) }
    }
  }

  static func aggregators(file: String = "rollcall.yaml") async throws -> [Aggregator] {
    [
      try Aggregator(registries: [RegistryDefinition(name: "rack", registry: Rack())]),
      try await Aggregator(
        configurationFile: file, registries: [RegistryDefinition(name: "rack", registry: Rack())]),
    ]
  }

  static func watch(_ aggregator: Aggregator) async throws {
    do { try await aggregator.waitUntilSynced(timeout: .seconds(10)) } catch let error as SyncError {
      print(error.late)
    }
    let snapshot = aggregator.snapshot()
    print(
      snapshot.members, snapshot.affiliates, snapshot.rawAffiliates, snapshot.conflicts, snapshot.registries)
    for member in snapshot.members {
      let versioned: Versioned<Member> = member
      let fields: [FieldProvenance] = snapshot.provenance(of: versioned.value.nodeID) ?? []
      for field in fields { print(field.rule, field.claims) }
    }
    for await newer in aggregator.snapshots() where newer.revision > snapshot.revision { break }
    for await event in aggregator.changes() {
      switch event {
      case .snapshot(let first): print(first.revision)
      case .changes(let changes):
        for change: ClusterChange in changes {
          switch change {
          case .raw(let change, let node, let reason): print(change.kind, node, reason as Any)
          case .moved(let move): print(move.from, move.to)
          case .affiliate(let change): print(change.old as Any, change.new as Any)
          case .member(let change): print(change.key)
          case .conflict(let change): print(change.key)
          }
        }
      case .registry(let status): print(status.state, status.problems)
      case .registryRemoved(let name): print(name)
      case .life(let changes): for change in changes.transitions { print(change.name, change.to) }
      case .history(let entries): for entry in entries { print(entry.time, entry.id, entry.to) }
      }
    }
    switch aggregator.table.unread(since: snapshot.revision) {
    case .events(let events, let newest): print(events.count, newest.revision)
    case .snapshot(let newest): print(newest.revision)
    case .finished: break
    }
    await aggregator.table.waitForChange(after: snapshot.revision)
  }

  static func reload(_ aggregator: Aggregator) async throws {
    let summary = try await aggregator.reload(AggregatorDefinition(registries: []))
    print(summary.kept, summary.added, summary.changed, summary.removed)
  }

  static func run(_ aggregator: Aggregator) async throws { try await aggregator.run() }
}
