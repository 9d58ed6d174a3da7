import ClusterModel
import DiscoveryProtocol
import Logging
import Platform
import RegistryKit

/// Keeps one service read and published to: connects, follows redirects, and begins again after each failure.
struct EndpointRunner: Sendable {
  private let url: ServiceURL
  private let settings: ServiceSettings
  private let connector: any DiscoveryConnector
  private let publisher: EndpointPublisher
  private let output: EndpointOutput
  private let time: TimeSource
  private let random: @Sendable () -> Double
  private let clientVersion: String
  private let logger: Logger

  /// The deadline of Hello.
  static let helloLimit = Duration.seconds(10)
  /// How long a session has to last for its end to be information at first: proxies end what is idle for a while.
  static let settled = Duration.seconds(2)
  /// How long after such an end the service may be away without a report.
  static let returnLimit = Duration.seconds(5)
  /// The most redirects in a row.
  static let maximumRedirects = 5

  /// - Parameters:
  ///   - publisher: publishes to this service, by the same `output`.
  ///   - random: gives numbers from 0 up to 1.
  init(
    _ url: ServiceURL, settings: ServiceSettings, connector: any DiscoveryConnector,
    publisher: EndpointPublisher, output: EndpointOutput, time: TimeSource,
    random: @escaping @Sendable () -> Double, context: RegistryContext
  ) {
    self.url = url
    self.settings = settings
    self.connector = connector
    self.publisher = publisher
    self.output = output
    self.time = time
    self.random = random
    clientVersion = "rollcall/\(context.host.version)"
    logger = context.logger
  }

  /// Runs until cancelled.
  ///
  /// - Throws: `CancellationError`, ``SessionOver``.
  func run() async throws -> Never {
    var backoff = Backoff()
    /// Why a session ended that isn't reported yet, as the service may be back at once.
    var loss: Failure?
    while true {
      let failure = try await session(
        after: loss, wait: loss.map { backoff.next(atOnce: $0.isRefresh, random: random()) } ?? .zero)
      if failure.wasGood { backoff.reset() }
      if failure.wasGood, failure.lasted >= Self.settled, !failure.isAboutCredentials {
        logger.info("\(failure.error.message); connecting again")
        loss = failure
        continue
      }
      loss = nil
      try await report(failure)
      let wait = backoff.next(atOnce: failure.isRefresh, random: random())
      logger.debug("\(failure.error.message); next attempt in \(wait)")
      try await time.sleep(wait)
    }
  }

  private func report(_ failure: Failure) async throws {
    // What is wrong with publishing is that there is no connection.
    try output.report(
      failure.isAboutCredentials
        ? [.reading: failure.error, .credentials: failure.error, .publishing: nil]
        : [.reading: failure.error, .publishing: nil])
    await publisher.connectionFailed(failure.error)
  }

  /// A session after a `wait`; `loss`, why the one before ended, is reported if the service isn't read soon.
  private func session(after loss: Failure?, wait: Duration) async throws -> Failure {
    guard let loss else { return try await session() }
    let before = output.readings
    return try await withThrowingTaskGroup(of: Failure?.self) { group in
      group.addTask {
        try await time.sleep(wait)
        return try await session()
      }
      group.addTask {
        try await time.sleep(Self.returnLimit)
        if output.readings == before { try output.report([.reading: loss.error]) }
        return nil
      }
      defer { group.cancelAll() }
      while let failure = try await group.next() {
        if let failure { return failure }
      }
      throw CancellationError()
    }
  }

  /// Why a session ended.
  private struct Failure: Error, Sendable {
    var error: RegistryError
    /// Whether the service gave what it has, and answered all that was sent, whatever it refused.
    var wasGood = false
    /// For how long the service had been read.
    var lasted = Duration.zero
    /// Whether it was noticed as something couldn't be sent.
    var isRefresh = false
    var isAboutCredentials = false

    init(_ failure: any Error, _ url: ServiceURL) {
      isRefresh = failure is RefreshFailure
      let cause = (failure as? RefreshFailure)?.cause ?? failure
      switch cause {
      case let call as CallError:
        isAboutCredentials = call.kind == .credentials
        let code: RegistryError.Code = call.kind == .credentials ? .permissionDenied : .unavailable
        error = RegistryError(code, call.message, cause: call)
      case let unusable as UnusableCredentials:
        isAboutCredentials = true
        error = unusable.error
      case let own as RegistryError: error = own
      default: error = RegistryError(.unavailable, "no connection to \(url): \(cause)", cause: cause)
      }
    }
  }

  /// Connects, follows redirects, and stays until something fails.
  private func session() async throws -> Failure {
    var visited = [url]
    do {
      while true {
        let here = visited[visited.count - 1]
        let next = try await connector.withClient(of: here, time: time) { try await self.converse($0, here) }
        let isLoop = visited.contains(next)
        visited.append(next)
        guard !isLoop, visited.count <= Self.maximumRedirects + 1 else {
          let path = visited.map(\.description).joined(separator: " to ")
          throw RegistryError(.failed, "\(isLoop ? "redirect loop" : "too many redirects"): \(path)")
        }
      }
    } catch {
      if error is SessionOver { throw error }
      try Task.checkCancellation()
      return error as? Failure ?? Failure(error, url)
    }
  }

  /// Greets the service, then reads and publishes until something fails.
  ///
  /// - Returns: where the service sends us instead.
  /// - Throws: ``Failure``, ``SessionOver``, or what failed before.
  private func converse(_ client: any DiscoveryClient, _ here: ServiceURL) async throws -> ServiceURL {
    let (clusterID, clientVersion) = (settings.clusterID, clientVersion)
    let answer = try await time.within(Self.helloLimit, or: "\(here) didn't answer Hello within 10 s") {
      try await client.hello(
        .with {
          $0.clusterID = clusterID
          $0.clientVersion = clientVersion
        })
    }
    if answer.hasRedirect {
      logger.info("\(here) redirects to \(quoted(answer.redirect.endpoint))")
      return try ServiceURL(answer.redirect.endpoint, redirectedFrom: here)
    }
    if let address = Self.address(Array(answer.clientIp)) { try output.publicAddress(address) }
    let watcher = EndpointWatcher(
      client, at: here, settings: settings, output: output, time: time, random: random)
    do {
      try await withThrowingTaskGroup(of: Never.self) { group in
        group.addTask { try await watcher.run() }
        group.addTask { try await publisher.run(client, at: here) }
        defer { group.cancelAll() }
        try await group.next()
      }
      throw CancellationError()
    } catch {
      if error is SessionOver { throw error }
      var failure = Failure(error, here)
      let (snapshotAt, hasAnswered) = await (watcher.snapshotAt, publisher.hasAnswered)
      failure.wasGood = snapshotAt != nil && hasAnswered
      failure.lasted = snapshotAt.map { time.elapsed - $0 } ?? .zero
      throw failure
    }
  }

  /// The address that a service sees this node under; nil where it is none.
  private static func address(_ bytes: [UInt8]) -> IPAddress? {
    guard let address = IPAddress(bytes: bytes), !address.isUnspecified else { return nil }
    // A service on a socket for both protocols sees IPv4 mapped into IPv6.
    let isMapped = bytes.count == 16 && bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
    return isMapped ? IPAddress(bytes: bytes.suffix(4)) : address
  }
}
