import ClusterModel
import ClusterResources
import HTTPTypes
import Rollcall

/// What balancers, supervisors and Prometheus ask.
struct HealthHandler: Sendable {
  let context: APIContext

  /// `GET /healthz`: that it is answered is what it says.
  func healthz() -> APIResponse { .text("ok\n") }

  /// `GET /readyz`: whether each enabled registry has been in sync once, or what was kept of it is shown.
  func readyz(_ request: StatusRequest) throws -> APIResponse {
    let isVerbose = try request.query.text("verbose").map { $0 != "false" && $0 != "0" } ?? false
    let excluded = try request.query.words("exclude") ?? []
    let snapshot = context.aggregator.snapshot()
    let enabled = snapshot.registries.filter { $0.state != .disabled && !excluded.contains($0.name) }
    // Who is told that it is ready asks for lists next.
    let listed = context.table.known
    let late = enabled.filter { !Self.isKnown($0) || !listed.contains($0.name) }
    let status: HTTPResponse.Status = late.isEmpty ? .ok : .serviceUnavailable
    guard isVerbose else { return .text(late.isEmpty ? "ok\n" : "not ready\n", status) }
    guard request.mayReadNames else {
      return .text("\(enabled.count - late.count) of \(enabled.count) registries are ready\n", status)
    }
    var lines = enabled.map { registry in
      !late.contains { $0.name == registry.name }
        ? "[+]\(registry.name) ok"
        : "[-]\(registry.name) \(registry.state.rawValue): \((registry.error?.message ?? "not in sync yet").shown)"
    }
    for name in excluded where snapshot.registry(name) != nil { lines.append("[ ]\(name.shown) excluded") }
    lines.append(late.isEmpty ? "ready" : "not ready")
    return .text(lines.map { $0 + "\n" }.joined(), status)
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
