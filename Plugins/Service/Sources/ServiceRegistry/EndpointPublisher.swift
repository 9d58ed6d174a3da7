import ClusterModel
import DiscoveryProtocol
import Logging
import Platform
import RegistryKit

/// Keeps this node published at one service, session after session.
actor EndpointPublisher {
  private let settings: ServiceSettings
  private let output: EndpointOutput
  private let time: TimeSource
  private let random: @Sendable () -> Double
  private let onStatus: @Sendable (EndpointStatus, _ revision: UInt64) -> Void

  private var plan: PublicationPlan
  private var revision: UInt64 = 0
  /// Why the service can't be reached; nil: it can, or is about to be tried.
  private var unreachable: RegistryError?
  private let planChanged = ChangeSignal()
  private let logger: Logger
  /// This node's sealed data that were sent last: what the service announces may be some changes late.
  private var sent: [[UInt8]] = []
  private static let maximumSent = 8
  /// Another machine publishes under this node's identity, as was last seen so.
  private var duplicate: (error: RegistryError, until: Duration)?
  /// Labels that are left out.
  private var labelProblem: RegistryError?
  /// How soon data are sent again that somebody else deleted or replaced: at once, and further apart where it goes on.
  private var restoring = Backoff(initial: .seconds(1), maximum: .seconds(60), factor: 2)
  private var lastLoss: Duration?
  /// Where nothing was lost for so long, what is lost then is sent again at once.
  private static let restoreMemory = Duration.seconds(600)
  /// Whether the service has answered everything at some time in this session, if only that it won't have it.
  private(set) var hasAnswered = false

  /// The deadline of a call.
  static let callLimit = Duration.seconds(30)

  /// - Parameters:
  ///   - random: gives numbers from 0 up to 1.
  ///   - onStatus: takes what became of a publication, at each change, without waiting.
  init(
    settings: ServiceSettings, output: EndpointOutput, time: TimeSource,
    random: @escaping @Sendable () -> Double, logger: Logger,
    onStatus: @escaping @Sendable (EndpointStatus, _ revision: UInt64) -> Void
  ) {
    self.settings = settings
    self.output = output
    self.time = time
    self.random = random
    self.logger = logger
    self.onStatus = onStatus
    plan = PublicationPlan(ttl: settings.ttl, localID: settings.localNodeID?.text)
  }

  /// Publishes `publication` from now on.
  func publish(_ publication: SealedPublication, revision: UInt64) {
    self.revision = revision
    plan.replace(with: publication)
    giveStatus()
    let hadLabelProblem = labelProblem != nil
    labelProblem = publication.labelProblem
    // Else it is reported once the service has answered.
    if plan.isAnswered, hadLabelProblem || labelProblem != nil { try? reportProblem() }
    planChanged.notify()
  }

  /// The service can't be reached, as `error` says.
  func connectionFailed(_ error: RegistryError) {
    unreachable = error
    giveStatus()
  }

  /// Publishes in a session with the service at `url`, until something fails.
  ///
  /// - Throws: ``RefreshFailure`` where there is no answer, ``SessionOver``.
  func run(_ client: any DiscoveryClient, at url: ServiceURL) async throws -> Never {
    unreachable = nil
    plan.sessionStarted()
    hasAnswered = plan.isAnswered
    while true {
      try Task.checkCancellation()
      let seen = planChanged.value
      try endDuplicate()
      guard let request = plan.next(at: time.elapsed) else {
        let due = [plan.nextDue, duplicate?.until].compactMap { $0 }.min()
        await time.wait(until: due, or: planChanged, after: seen)
        continue
      }
      do {
        try await send(request, client, url)
        plan.accepted(request, at: time.elapsed)
      } catch let error as CallError where error.isAnswer {
        // The service works, and what it has of others can still be read.
        let problem = RegistryError(
          error.kind == .credentials ? .permissionDenied : .failed,
          "what this node publishes isn't taken: \(error.message)", cause: error)
        plan.refused(
          request, problem, isExhausted: error.kind == .exhausted, at: time.elapsed, random: random())
      } catch {
        throw RefreshFailure(cause: error)
      }
      hasAnswered = hasAnswered || plan.isAnswered
      giveStatus()
      try reportProblem()
    }
  }

  /// Reports how publishing is. That it works the outcome of a publication says as well, so what is wrong all the same
  /// is reported after each one.
  private func reportProblem() throws {
    if labelProblem != nil { output.forget(.publishing) }
    try output.report([.publishing: problem])
  }

  private var problem: RegistryError? { plan.problem ?? duplicate?.error ?? labelProblem }

  // MARK: This node's own record

  /// The service at `url` announced this node's own record. What isn't as this node published it is published again
  /// at once; content of somebody else is reported for as long as a service keeps it.
  func sighted(_ sighting: OwnSighting, at url: ServiceURL) {
    guard let own = plan.acceptedData else { return }
    switch sighting {
    case .announced(let data, _) where data == own || sent.contains(data): return
    case .deleted:
      logger.notice(
        "\(url) no longer has this node's record, which wasn't withdrawn here: publishing it again")
    case .announced(_, let other):
      let text = other.map { " (\(Self.name(of: $0)))" } ?? ""
      duplicate = (
        RegistryError(
          .failed,
          "another machine uses this node's identity\(text): remove node-identity.yaml from the copy's state folder and restart it"
        ), time.elapsed + settings.ttl
      )
      logger.notice("\(url) has somebody else's content under this node's identity\(text): publishing again")
      try? output.report([.publishing: problem])
    }
    let now = time.elapsed
    if let lastLoss, now - lastLoss > Self.restoreMemory { restoring.reset() }
    lastLoss = now
    plan.lost(due: now + restoring.next(atOnce: true, random: random()))
    planChanged.notify()
  }

  /// Nobody else's content was seen for as long as a service keeps it.
  private func endDuplicate() throws {
    guard let duplicate, duplicate.until <= time.elapsed else { return }
    self.duplicate = nil
    try output.report([.publishing: problem])
  }

  /// A machine by its hostname and first address, as far as it says them.
  private static func name(of affiliate: Affiliate) -> String {
    let names = ["hostname \(affiliate.hostname)"].filter { _ in !affiliate.hostname.isEmpty }
    let parts = (names + affiliate.addresses.prefix(1).map(\.description)).joined(separator: ", ")
    return parts.isEmpty ? "which says nothing of itself" : quotedParts(parts)
  }

  private static func quotedParts(_ text: String) -> String {
    String(quoted(text, limit: 200).dropFirst().dropLast())
  }

  private func note(sending data: [UInt8]?) {
    guard let data, !sent.contains(data) else { return }
    sent = sent.suffix(Self.maximumSent - 1) + [data]
  }

  private func giveStatus() { onStatus(plan.status(at: time.elapsed, unreachable: unreachable), revision) }

  private func send(
    _ request: PublicationPlan.Request, _ client: any DiscoveryClient, _ url: ServiceURL
  ) async throws {
    let clusterID = settings.clusterID
    let ttl = settings.ttl
    try await time.within(Self.callLimit, or: "\(url) didn't take what this node publishes within 30 s") {
      switch request {
      case .delete(let affiliateID):
        try await client.delete(
          .with {
            $0.clusterID = clusterID
            $0.affiliateID = affiliateID
          })
      case .update(let item):
        await self.note(sending: item.data)
        try await client.update(
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
}

/// A service that answered didn't take what was to be sent: there is no connection any more.
struct RefreshFailure: Error {
  var cause: any Error
}

extension TimeSource {
  /// What `operation` returns, if it does so within `limit`; else it is cancelled.
  ///
  /// - Throws: ``RegistryError/Code/deadlineExceeded`` with `message`.
  func within<Value: Sendable>(
    _ limit: Duration, or message: String, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    do {
      return try await within(limit, operation)
    } catch let error as DeadlineExceeded {
      throw RegistryError(.deadlineExceeded, message, cause: error)
    }
  }

  /// Waits until `due` has come, if it is a time, or `signal` has changed since `seen`. Ends early on
  /// cancellation.
  fileprivate func wait(until due: Duration?, or signal: ChangeSignal, after seen: UInt64) async {
    if let due {
      await wait(for: due - elapsed, or: signal, after: seen)
    } else {
      await signal.wait(after: seen)
    }
  }
}
