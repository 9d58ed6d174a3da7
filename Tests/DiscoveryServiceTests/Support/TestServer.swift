import Logging
import NIOCore
import NIOPosix

@testable import DiscoveryService

/// The transport on a loopback port, with all that a test may want to set.
final class TestServer: Sendable {
  let service: ServiceContext
  let store: MemoryStore
  let loops: [FanOutLoop]
  let port: Int
  let group: MultiThreadedEventLoopGroup
  private let channel: any Channel

  var metrics: ServiceMetrics { service.metrics }
  var ledger: ResourceLedger { service.ledger }

  private init(
    service: ServiceContext, store: MemoryStore, loops: [FanOutLoop], group: MultiThreadedEventLoopGroup,
    channel: any Channel
  ) {
    self.service = service
    self.store = store
    self.loops = loops
    self.group = group
    self.channel = channel
    port = channel.localAddress?.port ?? 0
  }

  /// Runs `body` against a server that is gone afterwards.
  static func with(
    loops count: Int = 2, options: TransportOptions = TransportOptions(),
    limits: SharedLimits = SharedLimits(), storeLimits: StoreLimits = StoreLimits(),
    limiter: RateLimiter? = nil,
    tokens: AccessTokens? = nil, redirect: String? = nil, trusted: ClientAddress = ClientAddress(trusted: []),
    store given: (any ClusterStore)? = nil, certificate: ServerCertificate? = nil,
    _ body: (TestServer) async throws -> Void
  ) async throws {
    let ledger = ResourceLedger(limits: limits)
    let store = MemoryStore(limits: storeLimits, ledger: ledger)
    let service = ServiceContext(
      store: given ?? store, ledger: ledger, options: options, limits: storeLimits, limiter: limiter,
      addresses: trusted, tokens: tokens,
      redirect: redirect, logger: Logger(label: "test"))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
    let loops = group.makeIterator().map {
      FanOutLoop($0, options: options)
    }
    let pipeline = ServicePipeline(
      service: service,
      loops: Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) }),
      certificate: certificate)
    let channel = try await pipeline.bootstrap(group).bind(host: "127.0.0.1", port: 0).get()
    let server = TestServer(service: service, store: store, loops: loops, group: group, channel: channel)
    do {
      try await body(server)
    } catch {
      try? await server.stop()
      throw error
    }
    try await server.stop()
  }

  private func stop() async throws {
    try? await channel.close().get()
    try await group.shutdownGracefully()
  }

  /// Has every connection looked after, as the service does once a second.
  func sweep() { for loop in loops { loop.eventLoop.execute { loop.sweep() } } }

  func drain() {
    service.isDraining = true
    for loop in loops {
      loop.eventLoop.execute { for connection in loop.connections { connection.drain() } }
    }
  }

  func update(_ cluster: String, _ affiliate: String, _ data: [UInt8]) {
    _ = store.update(
      AffiliateUpdate(
        cluster: OpaqueID(cluster), affiliate: OpaqueID(affiliate), data: data, timeToLive: .seconds(600)))
  }
}
