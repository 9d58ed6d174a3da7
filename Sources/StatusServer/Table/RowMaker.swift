import AffiliateMerge
import ClusterModel
import ClusterResources
import Lifecycle
import Rollcall

/// Finds what rows of a table must be another one for a snapshot, and makes those.
struct RowMaker {
  let documents: ClusterDocuments
  private let table: ResourceTable
  /// The revision that is made, as it is written.
  private let version: String
  private(set) var changes: [ResourceTable.Change] = []
  /// By nodename; found once, where one is asked for.
  private lazy var tombstones = Dictionary(grouping: life.tombstones, by: \.name)

  private var snapshot: ClusterSnapshot { documents.snapshot }
  private var life: LifecycleView { documents.life }

  init(_ documents: ClusterDocuments, table: ResourceTable, version: String) {
    self.documents = documents
    self.table = table
    self.version = version
  }

  // MARK: Which

  /// Makes what `touched` says may be another one.
  mutating func make(_ touched: TouchedResources) {
    var (names, claims, conflicts) = (touched.names, touched.claims, touched.conflicts)
    for node in touched.nodes {
      affiliate(node)
      if let status = life.status(of: node) {
        names.insert(status.name)
        if !status.isListed { claims.insert(RowKey(id: status.name, node: node.text)) }
      }
      for conflict in snapshot.merge.conflicts(of: node) { conflicts.insert(conflict.value.key) }
    }
    for name in names.sorted() { member(name) }
    for claim in claims.sorted() { self.claim(claim) }
    for id in touched.raws.sorted(by: { $0.description < $1.description }) { raw(id) }
    for key in conflicts.sorted() { conflict(key) }
    for name in touched.registries.sorted() { registry(name) }
  }

  /// Makes everything, and removes what isn't there any more.
  mutating func makeAll() {
    var seen: [ListKind: Set<RowKey>] = [:]
    for affiliate in snapshot.affiliates {
      self.affiliate(affiliate.value.nodeID)
      seen[.affiliates, default: []].insert(RowKey(id: affiliate.value.nodeID.text))
    }
    for status in life.statuses(unlisted: true) {
      let key = RowKey(id: status.name, node: status.isListed ? "" : status.node.text)
      if status.isListed { member(status.name) } else { claim(key) }
      seen[.members, default: []].insert(key)
    }
    for tombstone in life.tombstones {
      let key = RowKey(id: tombstone.name, node: tombstone.node.text)
      guard seen[.members, default: []].insert(key).inserted else { continue }
      claim(key)
    }
    for (id, _) in snapshot.rawAffiliates {
      raw(id)
      seen[.rawaffiliates, default: []].insert(RowKey(id: id.description))
    }
    for conflict in snapshot.conflicts {
      self.conflict(conflict.value.key)
      seen[.conflicts, default: []].insert(RowKey(id: conflict.value.key.documentID))
    }
    for status in snapshot.registries {
      registry(status.name)
      seen[.registries, default: []].insert(RowKey(id: status.name))
    }
    for list in ListKind.allCases where list != .history && !ListKind.ofMesh.contains(list) {
      for row in table.rows(of: list).rows where !(seen[list]?.contains(row.key) ?? false) {
        if list == .conflicts, MeshDisputes.isID(row.key.id) { continue }
        remove(
          row.key, of: list, reason: row.key.node.isEmpty && list == .members ? departure(row.key.id) : nil)
      }
    }
  }

  // MARK: Each

  /// The member of that name.
  private mutating func member(_ name: String) {
    let key = RowKey(id: name)
    guard let status = life.status(named: name),
      let document = documents.member(status, resourceVersion: version)
    else {
      guard let old = table.row(key, of: .members) else { return }
      let tombstone = tombstones[name]?.max { $0.since.elapsed < $1.since.elapsed }
      return remove(
        key, of: .members, reason: tombstone?.reason.text,
        last: tombstone.map { content(of: $0, replacing: old.content.metadata) })
    }
    put(
      key, of: .members,
      RowContent(
        document, ResourceType.member.selectableFields, message: documents.agingMessage(of: status),
        metadata: metadata(of: status)))
  }

  /// Who claims, or had, that name without being the member.
  private mutating func claim(_ key: RowKey) {
    guard let node = try? NodeIdentity(key.node) else { return }
    let old = table.row(key, of: .members)
    if let status = life.status(of: node), status.name == key.id, !status.isListed,
      let document = documents.member(status, resourceVersion: version)
    {
      return put(
        key, of: .members,
        RowContent(
          document, ResourceType.member.selectableFields, isExtra: true,
          message: documents.agingMessage(of: status), metadata: metadata(of: status)))
    }
    if let tombstone = tombstones[key.id]?.first(where: { $0.node == node }) {
      let last = old?.content.metadata ?? table.row(RowKey(id: key.id), of: .members)?.content.metadata
      return put(key, of: .members, content(of: tombstone, replacing: last))
    }
    remove(key, of: .members, reason: nil)
  }

  private func content(of tombstone: Tombstone, replacing last: ResourceMetadata?) -> RowContent {
    RowContent(
      documents.tombstone(tombstone, resourceVersion: version, last: last),
      ResourceType.member.selectableFields, isExtra: true,
      message: .tombstone(tombstone, sources: life.sources(of: tombstone.node)), metadata: last)
  }

  /// What is still to be said of a member when it is gone.
  private func metadata(of status: NodeStatus) -> ResourceMetadata? {
    snapshot.merge.affiliate(status.node).map { affiliate in
      let member = snapshot.merge.member(status.name).flatMap { $0.value.nodeID == status.node ? $0 : nil }
      var metadata = ResourceMetadata(
        namespace: "cluster", type: .member, id: status.name, version: member?.version ?? affiliate.version,
        owner: "rollcall", created: member?.created ?? affiliate.created,
        updated: member?.updated ?? affiliate.updated)
      metadata.labels = documents.snapshot.merge.labels(of: status.node)
      return metadata
    }
  }

  /// Why there is no member of that name any more.
  private mutating func departure(_ name: String) -> String? {
    tombstones[name]?.max { $0.since.elapsed < $1.since.elapsed }?.reason.text
  }

  private mutating func affiliate(_ node: NodeIdentity) {
    let key = RowKey(id: node.text)
    guard let affiliate = snapshot.merge.affiliate(node) else {
      return remove(key, of: .affiliates, reason: nil)
    }
    put(
      key, of: .affiliates,
      RowContent(
        documents.affiliate(affiliate, resourceVersion: version), ResourceType.affiliate.selectableFields))
  }

  private mutating func raw(_ id: RawID) {
    let key = RowKey(id: id.description)
    guard let record = snapshot.merge.raw(id) else {
      return remove(key, of: .rawaffiliates, reason: nil)
    }
    put(
      key, of: .rawaffiliates,
      RowContent(
        documents.raw(id, record, resourceVersion: version), ResourceType.affiliate.selectableFields))
  }

  private mutating func conflict(_ conflictKey: ConflictKey) {
    let key = RowKey(id: conflictKey.documentID)
    guard let conflict = snapshot.merge.conflict(conflictKey) else {
      return remove(key, of: .conflicts, reason: "resolved")
    }
    let document = documents.conflict(conflict)
    put(
      key, of: .conflicts,
      RowContent(
        document.value(version: conflict.version, updated: conflict.updated, resourceVersion: version),
        ResourceType.conflict.selectableFields, isExtra: document.summary.severity == .info))
  }

  /// Nobody else counts a registry's versions.
  private mutating func registry(_ name: String) {
    let key = RowKey(id: name)
    guard let status = snapshot.registry(name) else {
      return remove(key, of: .registries, reason: "removed")
    }
    let document = documents.registry(status)
    let old = table.row(key, of: .registries)?.content
    let first = old?.metadata?.created ?? documents.now.wall
    func content(_ count: UInt64, _ updated: Timestamp) -> RowContent {
      RowContent(
        document.value(version: count, created: first, updated: updated, resourceVersion: version),
        ResourceType.registry.selectableFields,
        metadata: ResourceMetadata(
          namespace: "rollcall", type: .registry, id: name, version: count, owner: "rollcall", created: first,
          updated: updated))
    }
    if let old, let before = old.metadata {
      if old.isShown(as: content(before.version, before.updated), at: documents.now) { return }
      put(key, of: .registries, content(before.version + 1, documents.now.wall))
    } else {
      put(key, of: .registries, content(1, documents.now.wall))
    }
  }

  // MARK: Changes

  private mutating func put(_ key: RowKey, of list: ListKind, _ content: RowContent) {
    if let old = table.row(key, of: list), old.content.isShown(as: content, at: documents.now) { return }
    changes.append(.put(list, key, content))
  }

  private mutating func remove(
    _ key: RowKey, of list: ListKind, reason: String?, last: RowContent? = nil
  ) {
    guard table.row(key, of: list) != nil else { return }
    changes.append(.remove(list, key, reason: reason, last: last))
  }
}
