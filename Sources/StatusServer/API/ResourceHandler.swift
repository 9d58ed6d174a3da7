import AffiliateMerge
import ClusterModel
import ClusterResources
import Lifecycle
import Platform
import Rollcall

/// Single documents, made anew for each request.
struct ResourceHandler: Sendable {
  let context: APIContext
  private var table: ResourceTable { context.table }

  /// `GET /v1/members/{id}`: by nodename, or by identity where no nodename is that; also one that is only a tombstone.
  func member(_ id: String) throws -> APIResponse {
    let documents = context.documents()
    let life = documents.life
    if let status = life.status(named: id) { return try member(status, documents) }
    if let node = try? NodeIdentity(id), let status = life.status(of: node) {
      return try member(status, documents)
    }
    let tombstones = life.tombstones(of: id)
    if tombstones.count > 1 {
      throw NodeFinder.ambiguous(
        id, tombstones.map { NodeFinder.Match(node: $0.node, name: $0.name, way: .tombstone) })
    }
    if let tombstone = tombstones.first {
      let row = table.row(RowKey(id: tombstone.name, node: tombstone.node.text), of: .members)
      return .json(
        documents.tombstone(
          tombstone, resourceVersion: row.map { table.text(of: $0.revision) }, last: row?.content.metadata))
    }
    let names = life.statuses().lazy.map(\.name).prefix(10_000) + life.tombstones.map(\.name)
    throw Self.unknown("member", id, near: Array(names))
  }

  private func member(_ status: NodeStatus, _ documents: ClusterDocuments) throws -> APIResponse {
    let key = RowKey(id: status.name, node: status.isListed ? "" : status.node.text)
    let version = table.row(key, of: .members).map { table.text(of: $0.revision) }
    guard let document = documents.member(status, resourceVersion: version, isDetailed: true) else {
      throw Self.unknown("member", status.name, near: [])
    }
    return .json(document)
  }

  /// `GET /v1/affiliates/{id}`
  func affiliate(_ id: String) throws -> APIResponse {
    let documents = context.documents()
    if let node = try? NodeIdentity(id), let affiliate = documents.snapshot.merge.affiliate(node) {
      let row = table.row(RowKey(id: id), of: .affiliates)
      return .json(
        documents.affiliate(affiliate, resourceVersion: row.map { table.text(of: $0.revision) }))
    }
    // What only one registry knows by a local id is called as its raw record.
    if let row = table.row(RowKey(id: id), of: .affiliates) {
      return APIResponse(.ok, "application/json", .bytes(row.content.bytes(at: documents.now)))
    }
    if let tombstone = documents.life.tombstones(of: id).last {
      let sources = documents.life.sources(of: tombstone.node)
      throw Problem.notFound(
        "\(tombstone.name.shown) isn't there any more: it \(tombstone.message(at: documents.now, sources: sources))"
      )
    }
    let names = documents.snapshot.affiliates.prefix(10_000).map(\.value.nodeID.text)
    throw Self.unknown("affiliate", id, near: names)
  }

  /// `GET /v1/affiliates/{registry}/{id}`: what one registry says, by the beginning of its raw ids.
  func raw(_ prefix: String, _ id: String) throws -> APIResponse {
    let documents = context.documents()
    if let row = table.row(RowKey(id: "\(prefix)/\(id)"), of: .rawaffiliates) {
      return APIResponse(.ok, "application/json", .bytes(row.content.bytes(at: documents.now)))
    }
    if prefix == "local", let own = documents.ownRaw, id == documents.snapshot.localID?.text {
      return .json(own)
    }
    let prefixes = documents.snapshot.registries.map(\.prefix)
    guard prefixes.contains(String(prefix.prefix { $0 != ":" })) else {
      let advice =
        didYouMean(prefix, among: prefixes) ?? "raw ids begin with \(prefixes.joined(separator: ", "))"
      throw Problem.notFound("no raw affiliate begins with '\(prefix.shown)/': \(advice)")
    }
    throw Problem.notFound("'\(prefix.shown)' has no record of '\(String(id.prefix(300)).shown)'")
  }

  /// `GET /v1/registries/{id}`
  func registry(_ id: String) throws -> APIResponse {
    let documents = context.documents()
    guard let status = documents.snapshot.registry(id) else {
      throw Self.unknown("registry", id, near: documents.snapshot.registries.map(\.name))
    }
    return .json(context.registry(status, context.coverage(documents)[id], documents))
  }

  /// `GET /v1/conflicts/{id}`
  func conflict(_ id: String) throws -> APIResponse {
    guard let row = table.row(RowKey(id: id), of: .conflicts) else {
      throw Self.unknown("conflict", id, near: table.rows(of: .conflicts).rows.prefix(10_000).map(\.key.id))
    }
    return APIResponse(.ok, "application/json", .bytes(row.content.bytes(at: context.now())))
  }

  /// `GET /v1/identities`
  func identities() -> APIResponse {
    let documents = context.documents()
    return .json(
      .list(of: "Identity", context.metadata(table.revision, documents), documents.identities))
  }

  /// `GET /v1/identities/{id}`
  func identity(_ id: String) throws -> APIResponse {
    guard id == "local", let document = context.documents().identities.first else {
      throw Self.unknown("identity", id, near: ["local"])
    }
    return .json(document)
  }

  /// `GET /v1/explain/{id}`
  func explanation(_ id: String) throws -> APIResponse {
    let documents = context.documents()
    let finder = NodeFinder(documents)
    let match = try finder.one(id)
    guard
      let document = documents.explanation(
        of: match.node, name: match.name, others: finder.others(than: match, id))
    else {
      throw Self.unknown("node", id, near: [])
    }
    return .json(document)
  }

  /// `GET /v1/status`
  func overview() -> APIResponse {
    let documents = context.documents()
    let options = context.options
    return .json(
      .present([
        ("metadata", context.metadata(table.revision, documents).value),
        ("version", .text(options.version)), ("started", .time(context.started)),
        ("node", documents.node(label: options.nodeLabel, cluster: options.clusterID)),
        ("members", documents.memberCounts), ("attention", .list(documents.attention)),
        ("registries", .list(context.registries(documents))), ("kubespan", meshOverview(documents)),
        ("problems", .texts(options.problems())),
      ]))
  }

  /// The mesh in brief; nil where there is none.
  private func meshOverview(_ documents: ClusterDocuments) -> ResourceValue? {
    documents.mesh.map { report in
      [
        "counts": MeshDocument(report).counts,
        "overdue": .texts(report.overdue.prefix(ClusterDocuments.maximumAttention).map(report.label(of:))),
        "problem": report.problem.map { ["message": .text($0.message), "since": .time($0.since)] } ?? .null,
        "warnings": .texts(report.warnings),
      ]
    }
  }

  private static func unknown(_ kind: String, _ id: String, near names: some Sequence<String>) -> Problem {
    let shown = String(id.prefix(300)).shown
    return .notFound(
      "there is no \(kind) '\(shown)'" + (didYouMean(id, among: names).map { ": \($0)" } ?? ""))
  }
}
