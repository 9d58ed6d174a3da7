import AffiliateMerge
import ClusterModel
import ClusterResources
import KubeSpan
import Lifecycle
import Platform
import Rollcall

/// Keeps a ``ResourceTable`` as the aggregator's table is: its only writer.
///
/// What several commits changed while it was busy is one revision, whose number is that of the last of them. What a
/// mesh reports between two commits is a revision of its own: from then on the table's numbers are that much higher.
struct TableFollower {
  /// How long after a look the next one is at the earliest, so that many changes cost watchers little. The first
  /// change after a pause is seen at once.
  static let pace = Duration.milliseconds(20)

  private let aggregator: Aggregator
  private let reports: MeshReports?
  private let table: ResourceTable
  private let time: TimeSource
  private let pace: Duration
  private var lastRevision: UInt64?
  /// By how much the table's revisions are above the aggregator's.
  private var offset: UInt64 = 0
  private var mesh = MeshRows()
  /// How many reports were published when the last one was taken.
  private var seenReports: UInt64 = 0
  /// How many entries of history came since it was last looked which ones aren't kept any more.
  private var newEntries = 0

  init(
    _ aggregator: Aggregator, table: ResourceTable, time: TimeSource, reports: MeshReports? = nil,
    pace: Duration = TableFollower.pace
  ) {
    self.pace = pace
    self.reports = reports
    self.aggregator = aggregator
    self.table = table
    self.time = time
  }

  /// Follows until the aggregator has stopped or the task is cancelled.
  mutating func run() async {
    while !Task.isCancelled {
      let began = time.elapsed
      guard step() else { break }
      await waitForChange()
      let pause = began + pace - time.elapsed
      if pause > .zero { try? await time.sleep(pause) }
    }
    table.finish()
  }

  private func waitForChange() async {
    let (aggregator, last, seen) = (aggregator, lastRevision ?? 0, seenReports)
    guard let reports else { return await aggregator.table.waitForChange(after: last) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await aggregator.table.waitForChange(after: last) }
      group.addTask { await reports.waitForChange(after: seen) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Takes what changed since the last time.
  ///
  /// - Returns: whether more may come.
  mutating func step() -> Bool {
    switch aggregator.table.unread(since: lastRevision) {
    case .snapshot(let snapshot):
      take(snapshot, touched: nil, aggregator.history.entries)
    case .events(let events, let snapshot):
      if events.isEmpty, aggregator.table.isFinished, snapshot.revision == lastRevision { return false }
      var touched = TouchedResources()
      var entries: [HistoryEntry] = []
      for event in events {
        if case .history(let new) = event { entries += new } else { touched.add(event) }
      }
      take(snapshot, touched: touched, entries)
    case .finished: return false
    }
    return true
  }

  /// - Parameter touched: what may be another one; nil: anything.
  private mutating func take(
    _ snapshot: ClusterSnapshot, touched: TouchedResources?, _ entries: [HistoryEntry]
  ) {
    let isNew = lastRevision != snapshot.revision
    lastRevision = snapshot.revision
    seenReports = reports?.changeCount ?? 0
    let report = reports?.current
    // Where only the mesh changed, that is a revision beyond the aggregator's.
    let revision = snapshot.revision + offset + (isNew ? 0 : 1)
    let version = table.text(of: revision)
    let documents = ClusterDocuments(snapshot, at: snapshot.moment, mesh: report)
    var rows = RowMaker(documents, table: table, version: version)
    if let touched { rows.make(touched) } else { rows.makeAll() }
    let ofMesh = reports == nil ? [] : mesh.changes(documents, version: version)
    let changes = rows.changes + history(entries, snapshot.revision) + ofMesh
    if !isNew {
      guard !changes.isEmpty else { return }
      offset += 1
    }
    table.commit(
      changes, revision: revision, followed: snapshot.revision, isSynced: snapshot.isSynced,
      partial: documents.partial, known: Set(snapshot.registries.lazy.filter(\.isKnown).map(\.name)))
  }

  /// The entries of history that came or go on, and those that aren't kept any more.
  private mutating func history(_ entries: [HistoryEntry], _ revision: UInt64) -> [ResourceTable.Change] {
    var newest: [UInt64: HistoryEntry] = [:]
    for entry in entries { newest[entry.number] = entry }
    var changes: [ResourceTable.Change] = newest.values.sorted { $0.number < $1.number }.map { entry in
      let document = HistoryDocument.value(
        entry, resourceVersion: table.text(of: min(entry.revision, revision) + offset))
      return .put(
        .history, RowKey(id: Self.padded(entry.number)), RowContent(document, HistoryDocument.paths))
    }
    newEntries += changes.count
    if newEntries >= 64, let first = aggregator.history.entries.first {
      newEntries = 0
      let kept = RowKey(id: Self.padded(first.number))
      changes += table.rows(of: .history).rows.prefix { $0.key < kept }.map { .forget(.history, $0.key) }
    }
    return changes
  }

  /// A number as text in whose order numbers are.
  static func padded(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 20 - digits.count) + digits
  }
}

/// What events say may be another one now.
struct TouchedResources {
  private(set) var nodes: Set<NodeIdentity> = []
  private(set) var names: Set<String> = []
  /// Who claims or had a nodename without being the member.
  private(set) var claims: Set<RowKey> = []
  private(set) var raws: Set<RawID> = []
  private(set) var conflicts: Set<ConflictKey> = []
  private(set) var registries: Set<String> = []

  mutating func add(_ event: ClusterEvent) {
    switch event {
    case .snapshot: break
    case .changes(let changes): for change in changes { add(change) }
    case .registry(let status): registries.insert(status.name)
    case .registryRemoved(let name): registries.insert(name)
    case .life(let changes): add(changes)
    case .history: break
    }
  }

  private mutating func add(_ change: ClusterChange) {
    switch change {
    case .raw(let change, let node, _):
      raws.insert(change.key)
      nodes.insert(node)
    case .moved(let move):
      raws.insert(move.id)
      nodes.formUnion([move.from, move.to])
    case .affiliate(let change): nodes.insert(change.key)
    case .member(let change):
      names.insert(change.key)
      for node in [change.old?.value.nodeID, change.new?.value.nodeID].compactMap({ $0 }) {
        nodes.insert(node)
      }
    case .conflict(let change): conflicts.insert(change.key)
    }
  }

  private mutating func add(_ changes: LifecycleChanges) {
    for change in changes.statuses {
      nodes.insert(change.node)
      for name in [change.old?.name, change.new?.name].compactMap({ $0 }) {
        names.insert(name)
        claims.insert(RowKey(id: name, node: change.node.text))
      }
    }
    for owner in changes.owners {
      names.insert(owner.name)
      nodes.insert(owner.node)
    }
    for change in changes.tombstones {
      names.insert(change.tombstone.name)
      claims.insert(RowKey(id: change.tombstone.name, node: change.tombstone.node.text))
    }
  }
}
