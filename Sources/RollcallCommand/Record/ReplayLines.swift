import AffiliateMerge
import ClusterModel
import ClusterResources
import Lifecycle
import Rollcall
import StateFile
import StatusServer

/// What changed with one commit, a line of JSON for each thing, in an order that depends on nothing else.
struct ReplayLines {
  /// What became of a thing.
  private enum Change: String {
    case added, modified, deleted

    init?(from isOld: Bool, to isNew: Bool) {
      switch (isOld, isNew) {
      case (false, true): self = .added
      case (true, true): self = .modified
      case (true, false): self = .deleted
      case (false, false): return nil
      }
    }
  }

  private let commit: TableCommit
  private var lines: [ResourceValue] = []

  /// The lines of `commit`; none where nothing changed that they are about.
  init(_ commit: TableCommit) {
    self.commit = commit
    guard let snapshot = commit.snapshot else { return }
    let documents = ClusterDocuments(snapshot, at: commit.moment)
    addMembers(snapshot.revision)
    addStatuses(documents)
    addTombstones(documents)
    addConflicts(documents)
    addRegistries(documents)
    addHistory(snapshot.revision)
  }

  /// The lines as text.
  var text: String { lines.map { JSONText.compact($0) + "\n" }.joined() }

  /// The line that says what was recorded.
  static func first(_ start: RecordingStart) -> String {
    JSONText.compact([
      "time": .time(start.time), "elapsed": .integer(0), "revision": .integer(0), "type": "recording",
      "program": .text(start.program),
    ]) + "\n"
  }

  private mutating func add(
    _ type: String, _ change: Change, _ id: String, node: NodeIdentity? = nil, _ object: ResourceValue?
  ) {
    lines.append(
      .present([
        ("time", .time(commit.moment.wall)),
        ("elapsed", .integer(Int64(commit.moment.elapsed / .milliseconds(1)))),
        ("revision", commit.snapshot.map { .integer(Int64(clamping: $0.revision)) }),
        ("type", .text(type)), ("change", .text(change.rawValue)), ("id", .text(id)),
        ("nodeId", node.map { .text($0.text) }), ("object", object),
      ]))
  }

  // MARK: Each

  private var changes: [ClusterChange] {
    commit.events.flatMap { event -> [ClusterChange] in
      if case .changes(let changes) = event { changes } else { [] }
    }
  }

  private var lives: [LifecycleChanges] {
    commit.events.compactMap { event in
      if case .life(let changes) = event { changes } else { nil }
    }
  }

  private mutating func addMembers(_ revision: UInt64) {
    var folded = Folded<String, Versioned<Member>>()
    for case .member(let change) in changes { folded.take(change.key, change.old, change.new) }
    for (name, old, new) in folded.sorted {
      guard let change = Change(from: old != nil, to: new != nil), let shown = new ?? old else { continue }
      if let old, let new, old.version == new.version, old.value == new.value { continue }
      let metadata = ResourceMetadata(
        namespace: "cluster", type: .member, id: name, version: shown.version, owner: "rollcall",
        created: shown.created, updated: shown.updated)
      add("member", change, name, node: shown.value.nodeID, .document(metadata, spec: .member(shown.value)))
    }
  }

  private mutating func addStatuses(_ documents: ClusterDocuments) {
    var folded = Folded<NodeIdentity, NodeStatus>()
    for status in lives.flatMap(\.statuses) { folded.take(status.node, status.old, status.new) }
    for (node, old, new) in folded.sorted {
      guard let change = Change(from: old != nil, to: new != nil), let shown = new ?? old else { continue }
      let life = documents.snapshot.life
      let object = new.map { status in
        ResourceValue.memberStatus(
          status, lastSeen: status.lastSeen.map { .at($0) } ?? .omitted,
          message: status.message(
            at: commit.moment, replaced: status.isListed ? life.replaced(by: status) : []))
      }
      add("status", change, shown.name, node: node, object)
    }
  }

  private mutating func addTombstones(_ documents: ClusterDocuments) {
    let changes = lives.flatMap(\.tombstones)
    let order = changes.enumerated().sorted { left, right in
      let (first, second) = (left.element.tombstone, right.element.tombstone)
      if first.name != second.name { return first.name < second.name }
      return first.node != second.node ? first.node < second.node : left.offset < right.offset
    }
    for (_, change) in order {
      let tombstone = change.tombstone
      add(
        "tombstone", change.hasEnded ? .deleted : .added, tombstone.name, node: tombstone.node,
        change.hasEnded ? nil : documents.tombstone(tombstone))
    }
  }

  private mutating func addConflicts(_ documents: ClusterDocuments) {
    var folded = Folded<String, Versioned<Conflict>>()
    for case .conflict(let change) in changes { folded.take(change.key.documentID, change.old, change.new) }
    for (id, old, new) in folded.sorted {
      guard let change = Change(from: old != nil, to: new != nil) else { continue }
      let object = new.map { documents.conflict($0).value(version: $0.version, updated: $0.updated) }
      add("conflict", change, id, object)
    }
  }

  private mutating func addRegistries(_ documents: ClusterDocuments) {
    var folded = Folded<String, RegistryStatus>()
    for event in commit.events {
      switch event {
      case .registry(let status): folded.take(status.name, nil, status)
      case .registryRemoved(let name): folded.take(name, nil, nil)
      case .snapshot, .changes, .life, .history: break
      }
    }
    for (name, _, status) in folded.sorted {
      let object = status.map { status -> ResourceValue in
        let document = documents.registry(status).value(
          version: 1, created: status.since, updated: status.since)
        // Nobody counts a registry's versions.
        return .present([("spec", document["spec"]), ("status", document["status"])])
      }
      add("registry", status == nil ? .deleted : .modified, name, object)
    }
  }

  private mutating func addHistory(_ revision: UInt64) {
    let entries = commit.events.flatMap { event -> [HistoryEntry] in
      if case .history(let entries) = event { entries } else { [] }
    }
    // What happened to one thing stays in its order.
    let order = entries.enumerated().sorted { left, right in
      let (first, second) = (left.element, right.element)
      if first.kind != second.kind { return first.kind.rawValue < second.kind.rawValue }
      if first.id != second.id { return first.id < second.id }
      let (node, other) = (first.nodeID?.text ?? "", second.nodeID?.text ?? "")
      return node != other ? node < other : left.offset < right.offset
    }
    for (_, entry) in order {
      add(
        "history", .added, entry.id, node: entry.nodeID,
        HistoryDocument.value(entry, resourceVersion: String(revision)))
    }
  }
}

/// What became of things that may have changed several times: from the first, to the last.
private struct Folded<Key: Hashable & Comparable, Value> {
  private var values: [Key: (old: Value?, new: Value?)] = [:]

  mutating func take(_ key: Key, _ old: Value?, _ new: Value?) {
    values[key] = (values[key].map(\.old) ?? old, new)
  }

  var sorted: [(key: Key, old: Value?, new: Value?)] {
    values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.old, $0.value.new) }
  }
}
