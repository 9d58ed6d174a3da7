import ClusterResources
import HTTPTypes
import Logging

/// All operations of the API, as the OpenAPI document has them.
enum StatusAPI {
  static func routes(_ context: APIContext, access: AccessRules?, logger: Logger) -> RouteTable {
    let lists = ListHandler(context: context)
    let resources = ResourceHandler(context: context)
    let history = HistoryHandler(context: context)
    let diff = DiffHandler(context: context)
    let health = HealthHandler(context: context)
    let targets = TargetHandler(context: context)
    let administration = AdministrationHandler(context: context, logger: logger)
    let sessions = SessionHandler(access: access)
    let discovery = DiscoveryHandler(context: context)
    let page = PageFileHandler()
    // The page itself is for everybody who reaches it: it has nothing of the cluster, and it is where one signs in.
    let ofPage = [
      Route(.get, "/", access: .open) { try page.index($0) },
      Route(.get, "/page/{file}", access: .open) { try page.file($0.parameters[0], $0) },
    ]
    let hasPage = access == nil || context.options.http?.page ?? true
    let mesh = MeshHandler(context: context)
    let ofMesh = ListKind.ofMesh.flatMap { list in
      [
        Route(.get, "/v1/\(list.rawValue)", query: ListHandler.query) { try lists.list(list, $0) },
        // A public key may have a slash.
        Route(.get, "/v1/\(list.rawValue)/{id}", takesRest: true) {
          try mesh.resource(list, $0.parameters[0])
        },
      ]
    }
    return RouteTable(
      routes: (hasPage ? ofPage : []) + ofMesh + [
        Route(.get, "/v1/kubespan") { _ in mesh.mesh() },
        Route(.get, "/v1") { _ in discovery.discover() },
        Route(.get, "/openapi.yaml") { _ in discovery.openAPI() },
        Route(.get, "/v1/status") { _ in resources.overview() },
        Route(.get, "/v1/members", query: ListHandler.query) { try lists.list(.members, $0) },
        Route(.get, "/v1/members/{id}") { try resources.member($0.parameters[0]) },
        Route(.delete, "/v1/members/{id}", access: .administering) { try await administration.forget($0) },
        Route(.get, "/v1/affiliates", query: ListHandler.query + ["namespace"]) { request in
          let namespaces = ["cluster", "cluster-raw"]
          let words = try request.query.words("namespace", of: namespaces) ?? ["cluster"]
          return try lists.list(words == ["cluster-raw"] ? .rawaffiliates : .affiliates, request)
        },
        Route(.get, "/v1/affiliates/{id}") { try resources.affiliate($0.parameters[0]) },
        Route(.get, "/v1/affiliates/{registry}/{id}") {
          try resources.raw($0.parameters[0], $0.parameters[1])
        },
        Route(.get, "/v1/identities") { _ in resources.identities() },
        Route(.get, "/v1/identities/{id}") { try resources.identity($0.parameters[0]) },
        Route(.get, "/v1/registries", query: ListHandler.query) { try lists.list(.registries, $0) },
        Route(.get, "/v1/registries/{id}") { try resources.registry($0.parameters[0]) },
        Route(.get, "/v1/conflicts", query: ListHandler.query) { try lists.list(.conflicts, $0) },
        Route(.get, "/v1/conflicts/{id}", takesRest: true) { try resources.conflict($0.parameters[0]) },
        Route(.get, "/v1/history", query: HistoryHandler.query) { try history.history($0) },
        Route(.get, "/v1/diff", query: DiffHandler.query) { try diff.diff($0) },
        Route(.get, "/v1/explain/{id}", takesRest: true) { try resources.explanation($0.parameters[0]) },
        Route(.get, "/v1/watch", query: ["types", "since", "all", "timeoutSeconds"]) { try lists.watch($0) },
        Route(.put, "/v1/log-level", access: .administering) { try await administration.setLogLevels($0) },
        Route(.post, "/v1/session") { try sessions.begin($0) },
        Route(.delete, "/v1/session", access: .open) { try sessions.end($0) },
        Route(.get, "/sd", query: TargetHandler.query) { try targets.targets($0) },
        Route(.get, "/metrics") { try await health.metrics($0) },
        Route(.get, "/healthz", access: .open) { _ in health.healthz() },
        Route(.get, "/readyz", query: ["verbose", "exclude"], access: .open) { try health.readyz($0) },
      ])
  }
}
