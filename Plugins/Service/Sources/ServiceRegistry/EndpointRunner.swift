import ClusterModel
import DiscoveryProtocol
import Logging
import RegistryKit

/// Keeps one service told and heard: connects, watches, publishes, and begins again after each failure.
actor EndpointRunner {
  let url: ServiceURL
  private let source: RegistrySource
  /// The service's number, for the status.
  private let number: Int
  private let settings: ServiceSettings
  private let dialer: any ServiceDialer
  private let clock: ServiceClock
  private let random: @Sendable () -> Double
  private let logger: Logger

  private var book: AffiliateBook
  private var plan: PublicationPlan
  private var backoff = RetryDelay()
  private let acceptance = Acceptance()
  /// Why nothing can be published now; nil: it can, or is about to be tried.
  private var unreachable: RegistryError?
  private var hasSnapshot = false
  private var toConfirm: Set<NodeIdentity> = []
  private var publicAddress: IPAddress?

  private let publicationSignal = Signal()
  private let dropSignal = Signal()
  private let confirmSignal = Signal()

  /// Deadlines of the calls.
  static let helloLimit = Duration.seconds(10)
  static let callLimit = Duration.seconds(30)
  /// The most redirects in a row.
  static let maximumRedirects = 5
  /// The most nodes that are taken from one service.
  static let maximumNodes = 10_000
  /// How long to wait before a deletion is looked into, so that others go with it and nodes don't ask at once.
  static let confirmDelay = Duration.milliseconds(200)

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
    while true {
      try Task.checkCancellation()
      let end = await session(output)
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

  private enum End {
    case cancelled
    case refusedByHost(RegistryError)
    case failed(RegistryError, atOnce: Bool)
  }

  private func session(_ output: Output) async -> End {
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
  private func talk(
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
      logger.info("\(here) redirects to \(quotedForMessage(answer.redirect.endpoint))")
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
  private struct HostRefusal: Error {
    var error: RegistryError
  }

  /// A service that had taken what was published takes it no more.
  private struct RefreshFailure: Error {
    var error: RegistryError
  }

  private func telling(_ body: () throws(RegistryError) -> Void) throws(HostRefusal) {
    do throws(RegistryError) { try body() } catch { throw HostRefusal(error: error) }
  }

  private static func registryError(_ error: any Error, _ url: ServiceURL) -> RegistryError {
    switch error {
    case let error as RegistryError: error
    case let error as CallError:
      RegistryError(error.kind == .credentials ? .permissionDenied : .unavailable, error.message)
    default: RegistryError(.unavailable, "no connection to \(url): \(error)")
    }
  }

  // MARK: Hearing

  private func tellAddress(_ bytes: [UInt8], _ output: Output) throws(HostRefusal) {
    guard var address = IPAddress(bytes: bytes), !address.isUnspecified else { return }
    // A service on a socket for both protocols sees IPv4 mapped into IPv6.
    if bytes.count == 16, bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
      address = IPAddress(bytes: bytes.suffix(4)) ?? address
    }
    guard address != publicAddress else { return }
    publicAddress = address
    try telling { () throws(RegistryError) in try output.updates.publicAddress(address) }
  }

  private func watch(
    _ connection: any ServiceConnection, _ here: ServiceURL, _ output: Output
  ) async throws -> Never {
    let clusterID = settings.clusterID
    try await connection.watch(.with { $0.clusterID = clusterID }) { answer in
      try await self.hear(answer, here, output)
    }
    throw RegistryError(.unavailable, "\(here) ended the watch")
  }

  private func hear(_ answer: WireWatchResponse, _ here: ServiceURL, _ output: Output) throws {
    if hasSnapshot {
      try tell(book.change(answer.affiliates, deleted: answer.deleted), output)
    } else {
      guard !answer.deleted else {
        throw RegistryError(.failed, "\(here) doesn't begin the watch with what there is")
      }
      hasSnapshot = true
      try tell(book.snapshot(answer.affiliates, at: clock.now()), output)
      try telling { () throws(RegistryError) in try output.status.set(nil, .connection, of: number) }
      succeedIfAllIsWell()
    }
    let problem = book.problems.message.map { RegistryError(.failed, "\(url): \($0)") }
    try telling { () throws(RegistryError) in try output.status.set(problem, .items, of: number) }
    dropSignal.raise()
  }

  private func tell(_ changes: [AffiliateBook.Change], _ output: Output) throws(HostRefusal) {
    for change in changes {
      try telling { () throws(RegistryError) in
        switch change {
        case .snapshot(let records): try output.updates.snapshot(records, source: source)
        case .upsert(let record): try output.updates.upsert(record, source: source)
        case .remove(let nodeID): try output.updates.remove(nodeID, source: source)
        case .confirm(let nodeID):
          toConfirm.insert(nodeID)
          confirmSignal.raise()
        }
      }
    }
  }

  private func expectSnapshot(_ here: ServiceURL) async throws -> Never {
    try await clock.sleep(Self.callLimit)
    guard hasSnapshot else {
      throw RegistryError(.deadlineExceeded, "\(here) didn't answer Watch within 30 s")
    }
    while true { try await clock.sleep(.seconds(3600)) }
  }

  /// Drops held nodes when their grace ends.
  private func dropHeld(_ output: Output) async throws -> Never {
    while true {
      try Task.checkCancellation()
      // What is held from before the outage isn't dropped until the service has said what it has.
      if hasSnapshot { try tell(book.drop(at: clock.now()), output) }
      await wait(until: hasSnapshot ? book.nextDrop : nil, or: dropSignal)
    }
  }

  /// Asks the service what it has of the nodes that it called gone.
  private func confirmDeletions(_ connection: any ServiceConnection, _ output: Output) async throws -> Never {
    let clusterID = settings.clusterID
    while true {
      try Task.checkCancellation()
      guard !toConfirm.isEmpty else {
        await confirmSignal.wait()
        continue
      }
      try await clock.sleep(Self.confirmDelay * random())
      let asked = toConfirm
      toConfirm = []
      let list = try? await clock.within(.seconds(5), "no answer to List") {
        try await connection.list(.with { $0.clusterID = clusterID })
      }
      try Task.checkCancellation()
      try tell(book.confirm(asked, with: list?.affiliates), output)
    }
  }

  /// Waits until `time` has come, or `signal` is raised, or the task is cancelled.
  private func wait(until time: Duration?, or signal: Signal) async {
    guard let time else { return await signal.wait() }
    let rest = time - clock.now()
    guard rest > .zero else { return }
    let clock = clock
    await withTaskGroup { group in
      group.addTask { try? await clock.sleep(rest) }
      group.addTask { await signal.wait() }
      await group.next()
      group.cancelAll()
    }
  }

  // MARK: Telling

  /// Publishes `publication` from now on, and returns when the service has accepted it.
  ///
  /// What fails meanwhile is told as the status, and tried again; the node that leaves doesn't wait for that.
  ///
  /// - Throws: why a withdrawal failed.
  func publish(_ publication: SealedPublication) async throws {
    plan.replace(with: publication)
    while !plan.isSettled {
      publicationSignal.raise()
      if publication.withdraws, let unreachable { throw unreachable }
      do {
        try await acceptance.wait()
      } catch let error as RegistryError {
        if publication.withdraws || error.code == .stopped { throw error }
      }
    }
  }

  private func publishAll(
    _ connection: any ServiceConnection, _ here: ServiceURL, _ output: Output
  ) async throws -> Never {
    var refusals = RetryDelay()
    while true {
      try Task.checkCancellation()
      guard let request = plan.next(at: clock.now()) else {
        await wait(until: plan.nextDue, or: publicationSignal)
        continue
      }
      do {
        try await send(request, connection, here)
        plan.accepted(request, at: clock.now())
        guard plan.isSettled else { continue }
        refusals.succeeded()
        acceptance.settle()
        succeedIfAllIsWell()
        try telling { () throws(RegistryError) in try output.status.set(nil, .publication, of: number) }
      } catch let error as CallError where error.kind == .refused || error.kind == .credentials {
        // The service works, and others' words can still be heard.
        let problem = RegistryError(
          error.kind == .credentials ? .permissionDenied : .failed,
          "what this node tells isn't taken: \(error.message)")
        plan.refused(request, until: clock.now() + refusals.next(random: random()))
        acceptance.settle(failing: problem)
        try telling { () throws(RegistryError) in try output.status.set(problem, .publication, of: number) }
      } catch let error as HostRefusal {
        throw error
      } catch {
        if Task.isCancelled { throw CancellationError() }
        throw RefreshFailure(error: Self.registryError(error, here))
      }
    }
  }

  private func send(
    _ request: PublicationPlan.Request, _ connection: any ServiceConnection, _ here: ServiceURL
  ) async throws {
    let clusterID = settings.clusterID
    let ttl = settings.ttl
    try await clock.within(Self.callLimit, "\(here) didn't take what this node tells within 30 s") {
      switch request {
      case .delete(let affiliateID):
        try await connection.delete(
          .with {
            $0.clusterID = clusterID
            $0.affiliateID = affiliateID
          })
      case .update(let item):
        try await connection.update(
          .with {
            $0.clusterID = clusterID
            $0.affiliateID = item.affiliateID
            if let data = item.data { $0.affiliateData = .init(data) }
            $0.affiliateEndpoints = item.endpoints.map { .init($0) }
            $0.ttl = .init(rounding: ttl)
          })
      }
    }
  }

  private func succeedIfAllIsWell() {
    if hasSnapshot, plan.isSettled { backoff.succeeded() }
  }
}
