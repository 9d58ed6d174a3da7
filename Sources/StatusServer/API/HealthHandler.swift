import ClusterModel
import ClusterResources
import HTTPTypes
import KubeSpan
import Rollcall

/// What balancers, supervisors and Prometheus ask.
struct HealthHandler: Sendable {
  let context: APIContext

  /// `GET /healthz`: that it is answered is what it says.
  func healthz() -> APIResponse { .text("ok\n") }

  /// `GET /readyz`: whether each enabled registry has been in sync once, or what was kept of it is shown; and whether
  /// the mesh stands, with nobody down for longer than `kubespan.degradedAfter`.
  func readyz(_ request: StatusRequest) throws -> APIResponse {
    let isVerbose = try request.query.text("verbose").map { $0 != "false" && $0 != "0" } ?? false
    let excluded = try request.query.words("exclude") ?? []
    let snapshot = context.aggregator.snapshot()
    let enabled = snapshot.registries.filter { $0.state != .disabled && !excluded.contains($0.name) }
    // Who is told that it is ready asks for lists next.
    let listed = context.table.known
    let late = enabled.filter { !Self.isKnown($0) || !listed.contains($0.name) }
    let report = context.options.meshReports?.current
    let mesh = excluded.contains(Self.meshName) ? nil : report
    let isReady = late.isEmpty && (mesh.map { $0.problem == nil && $0.overdue.isEmpty } ?? true)
    let status: HTTPResponse.Status = isReady ? .ok : .serviceUnavailable
    guard isVerbose else { return .text(isReady ? "ok\n" : "not ready\n", status) }
    guard request.mayReadNames else {
      var text = "\(enabled.count - late.count) of \(enabled.count) registries are ready\n"
      if let mesh { text += Self.counts(of: mesh) + "\n" }
      return .text(text, status)
    }
    var lines = enabled.map { registry in
      !late.contains { $0.name == registry.name }
        ? "[+]\(registry.name) ok"
        : "[-]\(registry.name) \(registry.state.rawValue): \((registry.error?.message ?? "not in sync yet").shown)"
    }
    if let mesh { lines.append(Self.line(of: mesh)) }
    let names = excluded.filter { snapshot.registry($0) != nil || $0 == Self.meshName && report != nil }
    for name in names { lines.append("[ ]\(name.shown) excluded") }
    lines.append(isReady ? "ready" : "not ready")
    return .text(lines.map { $0 + "\n" }.joined(), status)
  }

  /// What the mesh is called among the registries.
  private static let meshName = "kubespan"
  /// The most peers that a line names.
  private static let maximumPeers = 10

  private static func counts(of mesh: MeshReport) -> String {
    mesh.problem == nil
      ? "kubespan: \(mesh.overdue.count) of \(mesh.specs.count) peers are down for too long"
      : "kubespan is degraded"
  }

  private static func line(of mesh: MeshReport) -> String {
    var reasons = mesh.problem.map { [$0.message] } ?? []
    if !mesh.overdue.isEmpty {
      let names = mesh.overdue.prefix(maximumPeers).map { ShortID.text(mesh.label(of: $0)) }
      let more = mesh.overdue.count > names.count ? ", +\(mesh.overdue.count - names.count)" : ""
      reasons.append("down for too long: \(names.joined(separator: ", "))\(more)")
    }
    return reasons.isEmpty
      ? "[+]\(meshName) ok" : "[-]\(meshName) degraded: \(reasons.joined(separator: "; ").shown)"
  }

  /// Whether what a registry knows, or knew last, is in the world.
  static func isKnown(_ registry: RegistryStatus) -> Bool {
    registry.isKnown
  }

  /// Whether the world is known: nothing that leaves the daemon may be made of less.
  static func isKnown(_ snapshot: ClusterSnapshot) -> Bool {
    snapshot.isKnown
  }

  /// `GET /metrics`
  func metrics(_ request: StatusRequest) async throws -> APIResponse {
    guard let metrics = context.options.metrics else {
      throw Problem.notFound("this daemon has no metrics")
    }
    let page = await metrics(request.field(.accept))
    var response = APIResponse.text(page.text)
    response.fields[.contentType] = page.contentType
    return response
  }
}
