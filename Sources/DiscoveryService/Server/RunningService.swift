import ClusterModel
import Logging
import NIOCore
import NIOPosix
import Platform
import ServiceLifecycle

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The parts of a service while it runs.
final class RunningService: Sendable {
  private let configuration: ServiceConfiguration
  private let logger: Logger
  private let group: MultiThreadedEventLoopGroup
  /// Pages have a thread of their own: what they cost must not hold watchers up.
  private let pageGroup: MultiThreadedEventLoopGroup
  private let loops: [FanOutLoop]
  private let service: ServiceContext
  private let certificate: ServerCertificate?
  private let memory: MemoryStore?
  private let snapshots: SnapshotFile?
  private let snapshotLock: SnapshotLock?
  private let tokenFile: TokenFile?
  private let listeners = ListenerList()
  private let pageListeners = ListenerList()
  /// Connections for pages that there are descriptors for.
  private let pageConnections: Int

  /// Reads all files; nothing listens yet.
  init(configuration: ServiceConfiguration, store: (any ClusterStore)?, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    let metrics = ServiceMetrics()
    if let certificatePath = configuration.certificatePath, let keyPath = configuration.keyPath {
      certificate = try ServerCertificate(certificatePath: certificatePath, keyPath: keyPath)
    } else {
      certificate = nil
    }
    tokenFile = try configuration.tokensPath.map { try TokenFile(path: $0) }
    let (shares, pages) = DescriptorLimit.fit(
      configuration.shares, descriptors: DescriptorLimit.raise(), pages: 1000)
    pageConnections = pages
    let ledger = ResourceLedger(limits: shares)
    memory =
      store == nil ? MemoryStore(limits: configuration.limits, ledger: ledger) : store as? MemoryStore
    snapshotLock = try configuration.snapshotPath.map { (path) throws(ServiceConfigurationError) in
      try SnapshotLock(snapshot: path)
    }
    snapshots = configuration.snapshotPath.map {
      SnapshotFile(path: $0, metrics: metrics, logger: logger)
    }
    if let memory, let snapshots { _ = try snapshots.restore(into: memory, now: Timestamp.nanosecondsNow()) }
    service = ServiceContext(
      store: store ?? memory ?? MemoryStore(), metrics: metrics, ledger: ledger,
      options: configuration.transport,
      limits: configuration.limits,
      limiter: configuration.requestsPerSecond > 0
        ? RateLimiter(rate: configuration.requestsPerSecond, burst: configuration.requestBurst) : nil,
      addresses: ClientAddress(
        trusted: configuration.trustedProxies, usesRealIP: configuration.trustRealIP,
        usesForwardedFor: configuration.trustForwardedFor),
      tokens: tokenFile?.tokens, redirect: configuration.redirectEndpoint, logger: logger)
    group = MultiThreadedEventLoopGroup(
      numberOfThreads: configuration.eventLoops ?? max(1, System.coreCount / 2))
    pageGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    loops = group.makeIterator().map {
      FanOutLoop($0, options: configuration.transport)
    }
  }

  /// Binds all addresses.
  func listen() async throws -> DiscoveryServer.Addresses {
    let pipeline = ServicePipeline(
      service: service,
      loops: Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) }),
      certificate: certificate)
    let main = try await listeners.bind(pipeline.bootstrap(group), configuration.address)
    var addresses = DiscoveryServer.Addresses(service: main)
    let pages = PageServer(service: service, connections: pageConnections).bootstrap(pageGroup)
    if let landing = configuration.landingAddress {
      addresses.landing = try await pageListeners.bind(pages, landing)
    }
    if let metrics = configuration.metricsAddress,
      metrics != configuration.landingAddress || metrics.port == 0
    {
      addresses.metrics = try await pageListeners.bind(pages, metrics)
    }
    return addresses
  }

  /// Does what is due from time to time until the service is to end.
  func serve() async {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { tasks in
        if let memory = self.memory {
          tasks.addTask { await self.every(self.configuration.collectInterval) { memory.collect() } }
          // On time, but not before a millisecond is over; what is given less than a second may be late by the rest.
          tasks.addTask {
            await self.every(max(.milliseconds(1), memory.timeToNextExpiry(atMost: .seconds(1)))) {
              memory.dropExpired()
            }
          }
        }
        tasks.addTask {
          await self.every(.seconds(1)) {
            for loop in self.loops { loop.eventLoop.execute { loop.sweep() } }
          }
        }
        tasks.addTask { await self.every(self.configuration.reloadInterval) { self.reload() } }
        if let memory = self.memory, let snapshots = self.snapshots {
          tasks.addTask {
            await self.every(self.configuration.snapshotInterval) { snapshots.write(memory) }
          }
        }
      }
    }
  }

  /// Ends: no new connections, then the ones there are, then the last snapshot.
  ///
  /// - Parameter keepState: False for a service that never served: its snapshot is another one's.
  func stop(grace: Duration, keepState: Bool = true) async {
    service.isDraining = true
    await listeners.close()
    for loop in loops {
      loop.eventLoop.execute { for connection in loop.connections { connection.drain() } }
    }
    await waitForConnections(grace)
    // Until here they tell whoever asks that the service is on its way out.
    await pageListeners.close()
    if keepState, let memory, let snapshots { snapshots.write(memory) }
    for group in [group, pageGroup] {
      do {
        try await group.shutdownGracefully()
      } catch {
        logger.warning("an event loop didn't end well", metadata: ["error": "\(error)"])
      }
    }
  }

  /// Runs also where the task is cancelled, so that it can't sleep by the task's own means.
  private func waitForConnections(_ grace: Duration) async {
    guard grace > .zero, let loop = loops.first else { return }
    let end = NIODeadline.now() + grace.amount
    while service.ledger.level(.connections) > 0, NIODeadline.now() < end {
      for loop in loops { loop.eventLoop.execute { loop.sweep() } }
      _ = try? await loop.eventLoop.scheduleTask(in: .milliseconds(20)) {}.futureResult.get()
    }
    let left = service.ledger.level(.connections)
    if left > 0 {
      logger.notice("clients were cut off at the end", metadata: ["connections": "\(left)"])
    }
  }

  /// Does `work` after each `interval`, which is looked at anew each time.
  private func every(
    _ interval: @autoclosure @Sendable () -> Duration, _ work: @escaping @Sendable () -> Void
  ) async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: interval()) } catch { return }
      work()
    }
  }

  /// Takes over changed files. Whatever is wrong with them is told, and the old ones stay in use.
  private func reload() {
    do {
      if try certificate?.reloadIfChanged() == true {
        service.metrics.certificateReloads.add()
        logger.info("took over the changed certificate")
      }
    } catch {
      logger.error(
        "the changed certificate can't be used; the old one stays", metadata: ["error": "\(error)"])
    }
    do {
      if let tokenFile, try tokenFile.reloadIfChanged() {
        service.tokens = tokenFile.tokens
        for loop in loops { loop.eventLoop.execute { loop.checkTokens() } }
        logger.info("took over the changed tokens")
      }
    } catch {
      logger.error("the changed tokens can't be used; the old ones stay", metadata: ["error": "\(error)"])
    }
  }
}
