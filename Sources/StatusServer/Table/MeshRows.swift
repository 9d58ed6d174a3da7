import ClusterModel
import ClusterResources
import KubeSpan

/// Makes the rows that a mesh's reports say: KubeSpan's resources and the mesh's conflicts. Knows what it made, as nobody
/// else counts their versions.
struct MeshRows: Sendable {
  private struct Shown<Content: Hashable & Sendable>: Sendable {
    var content: Content
    var version: UInt64
    var created: Timestamp
  }

  private var resources: [ListKind: [String: Shown<ResourceValue>]] = [:]
  private var conflicts: [String: Shown<ConflictDocument>] = [:]

  /// What is to change so that the rows show what `documents` have of the mesh.
  ///
  /// - Parameter version: the revision that is made, as it is written.
  mutating func changes(_ documents: ClusterDocuments, version: String) -> [ResourceTable.Change] {
    let now = documents.mesh?.moment ?? documents.now.wall
    return ListKind.ofMesh.flatMap { list in
      changes(of: list, to: Self.specs(of: list, documents.mesh), version, now)
    } + conflictChanges(documents.meshConflicts, version, now)
  }

  /// The `spec` of each resource by its id.
  private static func specs(of list: ListKind, _ report: MeshReport?) -> [(id: String, spec: ResourceValue)] {
    guard let report else { return [] }
    switch list {
    case .kubespanidentities:
      return report.identity.map { identity in
        [
          (
            "local",
            .kubeSpanIdentity(
              address: identity.address, subnet: identity.subnet, publicKey: identity.publicKey)
          )
        ]
      } ?? []
    case .kubespanpeerspecs:
      return report.specs.map { spec in
        (
          spec.publicKey,
          .kubeSpanPeerSpec(
            address: spec.address, allowedIPs: spec.allowedIPs, endpoints: spec.endpoints,
            label: spec.label)
        )
      }
    case .kubespanpeerstatuses:
      return report.statuses.map { ($0.publicKey, .kubeSpanPeerStatus($0)) }
    case .kubespanendpoints:
      guard report.isHarvesting else { return [] }
      return report.harvested.map { ($0.publicKey, .kubeSpanEndpoint($0)) }
    case .members, .affiliates, .rawaffiliates, .registries, .conflicts, .history: return []
    }
  }

  private mutating func changes(
    of list: ListKind, to specs: [(id: String, spec: ResourceValue)], _ resourceVersion: String,
    _ now: Timestamp
  ) -> [ResourceTable.Change] {
    guard let type = list.type else { return [] }
    let old = resources[list] ?? [:]
    var new: [String: Shown<ResourceValue>] = [:]
    var changes: [ResourceTable.Change] = []
    for (id, spec) in specs {
      let before = old[id]
      if let before, before.content == spec {
        new[id] = before
        continue
      }
      let row = Shown(
        content: spec, version: (before?.version ?? 0) + 1, created: before?.created ?? now)
      new[id] = row
      var metadata = ResourceMetadata(
        namespace: type.namespaces.first ?? "", type: type, id: id, version: row.version, owner: "rollcall",
        created: row.created, updated: now)
      metadata.resourceVersion = resourceVersion
      changes.append(
        .put(
          list, RowKey(id: id),
          RowContent(.document(metadata, spec: spec), type.selectableFields, metadata: metadata)))
    }
    for id in old.keys.sorted() where new[id] == nil {
      changes.append(.remove(list, RowKey(id: id), reason: nil))
    }
    resources[list] = new
    return changes
  }

  private mutating func conflictChanges(
    _ documents: [ConflictDocument], _ resourceVersion: String, _ now: Timestamp
  ) -> [ResourceTable.Change] {
    var new: [String: Shown<ConflictDocument>] = [:]
    var changes: [ResourceTable.Change] = []
    for document in documents {
      let id = document.summary.id
      let before = conflicts[id]
      if let before, before.content == document {
        new[id] = before
        continue
      }
      let row = Shown(
        content: document, version: (before?.version ?? 0) + 1, created: before?.created ?? now)
      new[id] = row
      changes.append(
        .put(
          .conflicts, RowKey(id: id),
          RowContent(
            document.value(version: row.version, updated: now, resourceVersion: resourceVersion),
            ResourceType.conflict.selectableFields)))
    }
    for id in conflicts.keys.sorted() where new[id] == nil {
      changes.append(.remove(.conflicts, RowKey(id: id), reason: "resolved"))
    }
    conflicts = new
    return changes
  }
}
