import DiscoveryProtocol
import RegistryKit

/// What a service is told.
extension EndpointRunner {
  /// Publishes `publication` from now on, and returns when the service has accepted it: what this node tells of
  /// itself, while endpoints may have been refused.
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

  func publishAll(
    _ connection: any ServiceConnection, _ here: ServiceURL, _ output: Output
  ) async throws -> Never {
    while true {
      try Task.checkCancellation()
      guard let request = plan.next(at: clock.now()) else {
        await wait(until: plan.nextDue, or: publicationSignal)
        continue
      }
      do {
        try await send(request, connection, here)
        plan.accepted(request, at: clock.now())
      } catch let error as CallError where error.isAnswer {
        // The service works, and others' words can still be heard.
        let problem = RegistryError(
          error.kind == .credentials ? .permissionDenied : .failed,
          "what this node tells isn't taken: \(error.message)")
        plan.refused(
          request, problem, isExhausted: error.kind == .exhausted, at: clock.now(), random: random())
      } catch {
        if Task.isCancelled { throw CancellationError() }
        throw RefreshFailure(error: Self.registryError(error, here))
      }
      try tellAnswered(output)
    }
  }

  /// Something of the plan has been answered.
  private func tellAnswered(_ output: Output) throws(HostRefusal) {
    let problem = plan.problem
    if plan.isSettled { acceptance.settle() } else if let problem { acceptance.settle(failing: problem) }
    succeedIfAllIsWell()
    try telling { () throws(RegistryError) in try output.status.set(problem, .publication, of: number) }
  }

  func send(
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

  /// A session in which the service answers everything is a good one, whatever it refuses.
  func succeedIfAllIsWell() {
    if hasSnapshot, plan.isAnswered { backoff.succeeded() }
  }
}
