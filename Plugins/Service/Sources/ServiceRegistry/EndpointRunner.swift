import ClusterModel
import DiscoveryProtocol
import Logging
import RegistryKit

/// Keeps one service told and heard: connects, watches, publishes, and begins again after each failure.
actor EndpointRunner {
  let url: ServiceURL
  let source: RegistrySource
  /// The service's number, for the status.
  let number: Int
  let settings: ServiceSettings
  let dialer: any ServiceDialer
  let clock: ServiceClock
  let random: @Sendable () -> Double
  let logger: Logger

  var book: AffiliateBook
  var plan: PublicationPlan
  var backoff = RetryDelay()
  let acceptance = Acceptance()
  /// Why nothing can be published now; nil: it can, or is about to be tried.
  var unreachable: RegistryError?
  var hasSnapshot = false
  var toConfirm: Set<NodeIdentity> = []
  var publicAddress: IPAddress?

  let publicationSignal = Signal()
  let dropSignal = Signal()
  let confirmSignal = Signal()
  let silenceSignal = Signal()

  /// Deadlines of the calls.
  static let helloLimit = Duration.seconds(10)
  static let callLimit = Duration.seconds(30)
  /// The most redirects in a row.
  static let maximumRedirects = 5
  /// The most nodes that are taken from one service.
  static let maximumNodes = 10_000
  /// How long to wait before a deletion is looked into, so that others go with it and nodes don't ask at once.
  static let confirmDelay = Duration.milliseconds(200)
  /// What each node of a large cluster adds to that, and the most that it comes to: a service takes only so many
  /// calls a second of one address, which may be that of many nodes.
  static let confirmDelayPerNode = Duration.milliseconds(10)
  static let maximumConfirmDelay = Duration.seconds(5)
  /// How often in a row the service is asked in vain what became of deleted nodes, for more than half a minute.
  static let maximumLists = 10

  init(
    _ service: (url: ServiceURL, source: RegistrySource), number: Int, settings: ServiceSettings,
    dialer: any ServiceDialer, clock: ServiceClock, random: @escaping @Sendable () -> Double, logger: Logger
  ) {
    url = service.url
    source = service.source
    self.number = number
    self.settings = settings
    self.dialer = dialer
    self.clock = clock
    self.random = random
    self.logger = logger
    book = AffiliateBook(
      cipher: settings.cipher, localNodeID: settings.localNodeID, missingGrace: settings.missingGrace,
      maximumCount: Self.maximumNodes)
    plan = PublicationPlan(refresh: settings.ttl / 2)
  }

  /// Where a session tells what it hears.
  struct Output: Sendable {
    var updates: RegistryUpdates
    var status: StatusBoard
  }

  // MARK: Sessions

  /// Runs until cancelled, or until the aggregator can't take what it is told.
  func run(_ output: Output) async throws {
    publicAddress = nil
    unreachable = nil
    defer { acceptance.settle(failing: RegistryError(.stopped, "the registry has been stopped")) }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.runSessions(output) }
        group.addTask { try await self.ageWhileSilent(output) }
        defer { group.cancelAll() }
        // Each of them ends only by throwing.
        try await group.next()
      }
    } catch let error as HostRefusal {
      throw error.error
    }
  }

  private func runSessions(_ output: Output) async throws -> Never {
    while true {
      try Task.checkCancellation()
      let end = await session(output)
      book.fellSilent(at: clock.now())
      silenceSignal.raise()
      switch end {
      case .cancelled: throw CancellationError()
      case .refusedByHost(let error): throw error
      case .failed(let error, let atOnce):
        unreachable = error
        acceptance.settle(failing: error)
        try output.status.set(error, .connection, of: number)
        // What is wrong with publishing is that there is no connection.
        try output.status.set(nil, .publication, of: number)
        let wait = backoff.next(atOnce: atOnce, random: random())
        logger.debug("\(error.message); next attempt in \(wait)")
        if wait > .zero { try await clock.sleep(wait) }
        unreachable = nil
      }
    }
  }

  enum End {
    case cancelled
    case refusedByHost(RegistryError)
    case failed(RegistryError, atOnce: Bool)
  }

  func session(_ output: Output) async -> End {
    hasSnapshot = false
    do {
      var target = url
      var visited = [url]
      while true {
        let here = target
        let redirect = try await dialer.withConnection(to: here) { connection in
          try await self.talk(connection, here, output)
        }
        if visited.contains(redirect) || visited.count > Self.maximumRedirects {
          let path = (visited + [redirect]).map(\.description).joined(separator: " to ")
          throw RegistryError(
            .failed, visited.contains(redirect) ? "redirect loop: \(path)" : "too many redirects: \(path)")
        }
        visited.append(redirect)
        target = redirect
      }
    } catch let error as HostRefusal {
      return .refusedByHost(error.error)
    } catch let error as RefreshFailure {
      return .failed(error.error, atOnce: true)
    } catch {
      if Task.isCancelled { return .cancelled }
      return .failed(Self.registryError(error, url), atOnce: false)
    }
  }

  /// Greets the service, then watches and publishes until something fails.
  ///
  /// - Returns: where the service sends us instead.
  func talk(
    _ connection: any ServiceConnection, _ here: ServiceURL, _ output: Output
  ) async throws -> ServiceURL {
    let clusterID = settings.clusterID
    let answer = try await clock.within(Self.helloLimit, "\(here) didn't answer Hello within 10 s") {
      try await connection.hello(
        .with {
          $0.clusterID = clusterID
          $0.clientVersion = ServiceRegistry.clientVersion
        })
    }
    if answer.hasRedirect {
      logger.info("\(here) redirects to \(quoted(answer.redirect.endpoint))")
      return try ServiceURL(answer.redirect.endpoint, redirectedFrom: here)
    }
    try tellAddress(Array(answer.clientIp), output)
    plan.sessionStarted()
    toConfirm = []
    return try await withThrowingTaskGroup(of: ServiceURL.self) { group in
      group.addTask { try await self.watch(connection, here, output) }
      group.addTask { try await self.expectSnapshot(here) }
      group.addTask { try await self.publishAll(connection, here, output) }
      group.addTask { try await self.dropHeld(output) }
      group.addTask { try await self.confirmDeletions(connection, output) }
      defer { group.cancelAll() }
      // Each of them ends only by throwing.
      guard let redirect = try await group.next() else { throw CancellationError() }
      return redirect
    }
  }

  /// The aggregator doesn't take what it is told.
  struct HostRefusal: Error {
    var error: RegistryError
  }

  /// A service that had taken what was published takes it no more.
  struct RefreshFailure: Error {
    var error: RegistryError
  }

  func telling(_ body: () throws(RegistryError) -> Void) throws(HostRefusal) {
    do throws(RegistryError) { try body() } catch { throw HostRefusal(error: error) }
  }

  static func registryError(_ error: any Error, _ url: ServiceURL) -> RegistryError {
    switch error {
    case let error as RegistryError: error
    case let error as CallError:
      RegistryError(error.kind == .credentials ? .permissionDenied : .unavailable, error.message)
    default: RegistryError(.unavailable, "no connection to \(url): \(error)")
    }
  }
}
