import ClusterModel
public import ClusterResources
import Lifecycle
import NIOCore
import Rollcall

/// What Prometheus reads with `http_sd_configs`.
struct TargetHandler: Sendable {
  let context: APIContext

  static let query = ["port", "label", "family", "network", "status", "labelSelector", "fieldSelector"]

  /// `GET /sd`
  func targets(_ request: StatusRequest) throws -> APIResponse {
    guard let port = try request.query.integer("port", in: 1...65535) else {
      throw Problem.invalid("port", "port is needed: the one that Prometheus shall ask, such as port=9100")
    }
    var options = ExportOptions(port: UInt16(port))
    options.labels = request.query.all("label").flatMap { $0.split(separator: ",").map(String.init) }
    switch try request.query.words("family", of: ["any", "ipv4", "ipv6"])?.first {
    case "ipv4": options.family = .v4
    case "ipv6": options.family = .v6
    default: break
    }
    if let text = try request.query.text("network") {
      do { options.networks = [try IPPrefix(text)] } catch {
        throw Problem.invalid("network", "network: \(error.message)")
      }
    }
    options.states = try request.query.words("status", of: NodeState.allCases.map(\.rawValue)).map(Set.init)
    var query = WatchQuery(lists: [.members], all: true)
    query.labels = try ListHandler.selector("labelSelector", request) { (text) throws(ResourceError) in
      try LabelSelector(text)
    }
    query.fields = try ListHandler.selector("fieldSelector", request) { (text) throws(ResourceError) in
      try FieldSelector(text, of: .member)
    }
    let documents = context.documents()
    guard HealthHandler.isKnown(documents.snapshot) else {
      // Prometheus keeps its targets then; an empty list would take them all away.
      let late = documents.snapshot.registries.filter { $0.state != .disabled && !HealthHandler.isKnown($0) }
      let names = request.mayReadNames ? ": \(late.map(\.name).joined(separator: ", "))" : ""
      throw Problem(.serviceUnavailable, "not-synced", "not every registry was heard since the start\(names)")
    }
    var rows = documents.exportedMembers
    if query.labels != nil || query.fields != nil {
      let selected = Set(
        context.table.rows(of: .members).rows.filter { query.matches($0.content.selection, of: .members) }
          .map(\.key))
      rows = rows.filter { selected.contains(RowKey(id: $0.id, node: $0.isListed ? "" : $0.nodeID)) }
    }
    let export = ExportFormat.prometheus.export(rows, options)
    return APIResponse(.ok, "application/json", .bytes(ByteBuffer(string: export.text)))
  }
}

extension ClusterDocuments {
  /// The members as other programs' lists have them, with those that are gone.
  public var exportedMembers: [ExportedMember] {
    let rows = life.statuses().compactMap { status in
      snapshot.merge.affiliate(status.node).flatMap { Member($0.value) }.map { member in
        ExportedMember(member, labels: snapshot.merge.labels(of: status.node), status: status)
      }
    }
    return rows + life.tombstones.map { ExportedMember($0) }
  }
}
