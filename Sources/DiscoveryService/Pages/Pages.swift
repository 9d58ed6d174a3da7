import ClusterModel
import NIOCore

/// Who asks for a page.
struct PageClient: Sendable {
  var peer: IPAddress?
  var realIP: String?
  var forwardedFor: String?
  var authorization: String?

  /// The address that it is counted for.
  func address(_ addresses: ClientAddress) -> IPAddress {
    let forwardedFor = forwardedFor?.isEmpty == false ? forwardedFor : nil
    return addresses.resolve(peer: peer, realIP: realIP, forwardedFor: forwardedFor) ?? IPAddress(v4: 0)
  }
}

/// The service's pages by path.
struct Pages: Sendable {
  enum Answer {
    case ready(Page)
    case later(@Sendable () async -> Page)
  }

  let service: ServiceContext

  func page(_ target: PageTarget, for client: PageClient) -> Answer {
    switch target.path {
    case "/": return .ready(landing)
    case "/stats": return .ready(statistics)
    case "/healthz": return .ready(Page(text: "ok\n"))
    case "/readyz":
      return .ready(
        service.isDraining
          ? Page(status: .serviceUnavailable, text: "shutting down\n") : Page(text: "ready\n"))
    case "/metrics":
      var page = Page(text: service.metrics.prometheus(service.store.statistics()))
      page.contentType = "text/plain; version=0.0.4; charset=utf-8"
      return .ready(page)
    case "/inspect":
      guard let bytes = target["clusterID"], !bytes.isEmpty else { return .ready(InspectPage.form) }
      // A browser sends a token only by the page's own script.
      if service.tokens != nil, client.authorization == nil { return .ready(lockedInspect(OpaqueID(bytes))) }
      return inspect(OpaqueID(bytes), client, InspectPage.make)
    case "/inspect/data":
      return inspect(OpaqueID(target["clusterID"] ?? []), client, InspectPage.data)
    default: return .ready(Page(status: .notFound, text: "no such page\n"))
    }
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
      ("Watchers", service.metrics.watchers.value), ("Connections", service.metrics.connections.value),
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
    _ cluster: OpaqueID, _ client: PageClient,
    _ page: @escaping @Sendable (OpaqueID, Result<EncodedMessage, ServiceError>) -> Page
  ) -> Answer {
    // To render a cluster costs as much as a call, so it counts as one.
    if let limiter = service.limiter,
      limiter.book(
        client.address(service.addresses), now: Int64(NIODeadline.now().uptimeNanoseconds), patience: 0)
        != .now
    {
      service.metrics.reject("rate")
      return .ready(Page(status: .tooManyRequests, text: "too many requests from this address\n"))
    }
    if let tokens = service.tokens {
      do throws(ServiceError) {
        try tokens.check(authorization: client.authorization, cluster: cluster)
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
