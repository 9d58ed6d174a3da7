import ClusterResources
import KubeSpan
import Platform
import Rollcall

/// The WireGuard mesh.
struct MeshHandler: Sendable {
  let context: APIContext
  private var table: ResourceTable { context.table }

  /// Why there is nothing to show of a mesh; nil where there is something.
  static func absence(_ context: APIContext) -> String? {
    guard let reports = context.options.meshReports else {
      return
        "no mesh runs here: what it is like is known to a daemon, 'rollcall run', with kubespan.enabled: true"
    }
    return reports.current == nil
      ? "KubeSpan is off: kubespan.enabled isn't true in the daemon's configuration, or it has just begun"
      : nil
  }

  /// `GET /v1/kubespan`
  func mesh() -> APIResponse {
    let head: [(name: String, value: ResourceValue?)] = [
      ("metadata", context.metadata(table.revision, context.documents()).value)
    ]
    if let report = context.options.meshReports?.current {
      return .json(.present(head + MeshDocument(report).fields))
    }
    return .json(
      .present(head + [("enabled", .bool(false)), ("reason", Self.absence(context).map { .text($0) })]))
  }

  /// `GET /v1/kubespanpeerstatuses/{id}` and its like.
  func resource(_ list: ListKind, _ id: String) throws -> APIResponse {
    guard let row = table.row(RowKey(id: id), of: list) else {
      let kind = list.type?.kind ?? ""
      if let absence = Self.absence(context) {
        throw Problem.notFound("there is no \(kind) '\(String(id.prefix(300)).shown)': \(absence)")
      }
      let names = table.rows(of: list).rows.prefix(10_000).map(\.key.id)
      throw Problem.notFound(
        "there is no \(kind) '\(String(id.prefix(300)).shown)'"
          + (didYouMean(id, among: names).map { ": \($0)" } ?? ""))
    }
    return APIResponse(.ok, "application/json", .bytes(row.content.bytes(at: context.now())))
  }
}
