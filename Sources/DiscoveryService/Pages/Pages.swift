import ClusterModel
import Exposition
import NIOCore

/// The service's pages by path.
struct Pages: Sendable {
  enum Answer {
    case ready(Page)
    case later(@Sendable () async -> Page)
  }

  let service: ServiceContext

  /// - Parameters:
  ///   - authorization: The request's header of that name.
  ///   - peer: Who asks: what is kept of clusters is shown within the same rate limit as to clients.
  func page(_ target: PageTarget, authorization: String?, peer: IPAddress?) -> Answer {
    if target.path.hasPrefix("/inspect"), target["clusterID"] != nil, let limiter = service.limiter {
      let now = Int64(NIODeadline.now().uptimeNanoseconds)
      guard limiter.book(peer?.client ?? IPAddress(v4: 0), now: now, patience: 0) == .now else {
        service.metrics.reject("rate")
        return .ready(Page(status: .tooManyRequests, text: "too many requests from this address\n"))
      }
    }
    return shown(target, authorization)
  }

  private func shown(_ target: PageTarget, _ authorization: String?) -> Answer {
    switch target.path {
    case "/": return .ready(landing)
    case "/stats": return .ready(statistics)
    case "/healthz": return .ready(Page(text: "ok\n"))
    case "/readyz":
      return .ready(
        service.isDraining
          ? Page(status: .serviceUnavailable, text: "shutting down\n") : Page(text: "ready\n"))
    case "/metrics": return .ready(service.metricsPage.page { metrics })
    case "/inspect":
      guard let bytes = target["clusterID"], !bytes.isEmpty else { return .ready(InspectPage.form) }
      // A browser sends a token only by the page's own script.
      if service.tokens != nil, authorization == nil { return .ready(lockedInspect(OpaqueID(bytes))) }
      return inspect(OpaqueID(bytes), authorization, InspectPage.make)
    case "/inspect/data":
      return inspect(OpaqueID(target["clusterID"] ?? []), authorization, InspectPage.data)
    default: return .ready(Page(status: .notFound, text: "no such page\n"))
    }
  }

  private var metrics: Page {
    var page = Page(text: service.metrics.prometheus(service.store.statistics(), service.ledger))
    page.contentType = ExpositionFormat.prometheus.contentType
    return page
  }

  private var landing: Page {
    Page(
      title: "Discovery service",
      html: """
        <p>Nodes of a cluster find each other here. What they leave is sealed with their cluster's secret, which
        this service never sees: it keeps ids, sealed bytes and times to live.</p>
        <p>It speaks gRPC as <code>\(ServiceMethod.service)</code>. <a href="/inspect">Inspect</a> shows what is
        kept of a cluster; <a href="/stats">statistics</a> shows how much is kept of all.</p>
        """)
  }

  private var statistics: Page {
    let state = service.store.statistics()
    let rows: [(String, Int)] = [
      ("Clusters", state.clusters), ("Affiliates", state.affiliates), ("Endpoints", state.endpoints),
      ("Watchers", service.ledger.level(.watches)), ("Connections", service.ledger.level(.connections)),
      ("Notifications sent", service.metrics.notifications.value),
      ("Affiliates expired", state.expiredAffiliates),
    ]
    let cells = rows.map { "<tr><th>\($0)</th><td>\($1)</td></tr>" }.joined()
    return Page(title: "Statistics", html: "<table>\(cells)</table>")
  }

  private func lockedInspect(_ cluster: OpaqueID) -> Page {
    do throws(ServiceError) {
      try service.limits.check(cluster: cluster)
      return InspectPage.locked(cluster)
    } catch {
      return InspectPage.refusal(error)
    }
  }

  private func inspect(
    _ cluster: OpaqueID, _ authorization: String?,
    _ page: @escaping @Sendable (OpaqueID, Result<EncodedMessage, ServiceError>) -> Page
  ) -> Answer {
    if let tokens = service.tokens {
      do throws(ServiceError) {
        try tokens.check(authorization: authorization, cluster: cluster)
      } catch {
        let status = error.code == .unauthenticated ? 401 : 403
        return .ready(Page(status: .init(statusCode: status), text: error.message + "\n"))
      }
    }
    switch service.store.list(cluster: cluster) {
    case .ready(let result): return .ready(page(cluster, result))
    case .later(let work): return .later { page(cluster, await work()) }
    }
  }
}
