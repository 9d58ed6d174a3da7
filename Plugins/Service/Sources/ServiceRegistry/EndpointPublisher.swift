import DiscoveryProtocol
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
  /// Whether the service has answered everything at some time in this session, if only that it won't have it.
  private(set) var hasAnswered = false

  /// The deadline of a call.
  static let callLimit = Duration.seconds(30)

  /// - Parameters:
  ///   - random: gives numbers from 0 up to 1.
  ///   - onStatus: takes what became of a publication, at each change, without waiting.
  init(
    settings: ServiceSettings, output: EndpointOutput, time: TimeSource,
    random: @escaping @Sendable () -> Double,
    onStatus: @escaping @Sendable (EndpointStatus, _ revision: UInt64) -> Void
  ) {
    self.settings = settings
    self.output = output
    self.time = time
    self.random = random
    self.onStatus = onStatus
    plan = PublicationPlan(ttl: settings.ttl, localID: settings.localNodeID?.text)
  }

  /// Publishes `publication` from now on.
  func publish(_ publication: SealedPublication, revision: UInt64) {
    self.revision = revision
    plan.replace(with: publication)
    giveStatus()
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
      guard let request = plan.next(at: time.elapsed) else {
        await time.wait(until: plan.nextDue, or: planChanged, after: seen)
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
      try output.report([.publishing: plan.problem])
    }
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
