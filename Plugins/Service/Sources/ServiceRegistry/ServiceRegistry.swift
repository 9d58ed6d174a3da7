import ClusterModel
import DiscoveryProtocol
import Logging
import Platform
public import RegistryKit

/// Nodes find each other through an encrypted discovery service, or several at once.
public struct ServiceRegistry: RegistryPlugin {
  public static let descriptor = RegistryDescriptor(
    name: "service", version: RollcallVersion.current,
    summary: "finds the nodes of the cluster through an encrypted discovery service",
    optionsSchema: ServiceOptions.schema, publishes: true, leases: true, wantsClusterSecret: true)

  private let settings: ServiceSettings
  private let connector: any DiscoveryConnector
  private let random: @Sendable () -> Double

  public init(options: ServiceOptions, context: RegistryContext) throws {
    let settings = try ServiceSettings(options, context)
    self.init(settings, connector: GRPCDiscoveryConnector(settings))
  }

  /// - Parameter random: gives numbers from 0 up to 1.
  init(
    _ settings: ServiceSettings, connector: any DiscoveryConnector,
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
  ) {
    self.settings = settings
    self.connector = connector
    self.random = random
  }

  public func run(_ session: RegistrySession) async throws {
    // All of them, also those that can't be reached: the registry has synced when each was read or has
    // failed.
    if settings.services.count > 1 {
      try session.apply(RegistryBatch(expectedSources: settings.services.map(\.source)))
    }
    let time = TimeSource(session.clock)
    let outcomes = PublicationOutcomes(of: settings.services.map(\.url.description)) {
      session.published($0, $1)
    }
    var publishers: [EndpointPublisher] = []
    var runners: [EndpointRunner] = []
    for (number, service) in settings.services.enumerated() {
      let output = EndpointOutput(session, source: service.source)
      let publisher = EndpointPublisher(
        settings: settings, output: output, time: time, random: random, logger: session.logger
      ) {
        outcomes.update($0, of: number, revision: $1)
      }
      publishers.append(publisher)
      runners.append(
        EndpointRunner(
          service.url, settings: settings, connector: connector, publisher: publisher, output: output,
          time: time, random: random, context: session.context))
    }
    try await Self.run(runners) { [publishers] in await publish(session, publishers, outcomes) }
  }

  private static func run(
    _ runners: [EndpointRunner], publishing: @escaping @Sendable () async -> Void
  ) async throws {
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for runner in runners { group.addTask { try await runner.run() } }
        group.addTask { await publishing() }
        defer { group.cancelAll() }
        for try await _ in group {}
      }
    } catch let over as SessionOver {
      throw over.error
    }
  }

  /// Has each service keep what the session is to have published: sealed once for all of them.
  private func publish(
    _ session: RegistrySession, _ publishers: [EndpointPublisher], _ outcomes: PublicationOutcomes
  ) async {
    var sealer = PublicationSealer(cipher: settings.cipher)
    var omitted = 0
    var labelProblem: RegistryError?
    for await desired in session.desired {
      let sealed: SealedPublication
      do throws(SealError) {
        sealed = try sealer.seal(desired.publication)
      } catch {
        session.published(
          desired.revision, RegistryError(.limitExceeded, error.description, cause: error))
        continue
      }
      if sealed.omittedEndpoints != omitted, sealed.omittedEndpoints > 0 {
        let limit = PublicationSealer.maximumEndpointCount
        let text = "services take \(limit) endpoints of a node, \(sealed.omittedEndpoints) are left out"
        session.logger.warning("\(text)")
      }
      omitted = sealed.omittedEndpoints
      if let problem = sealed.labelProblem, problem != labelProblem {
        session.logger.warning("\(problem.message)")
      }
      labelProblem = sealed.labelProblem
      outcomes.begin(desired.revision, withdraws: sealed.withdraws)
      for publisher in publishers { await publisher.publish(sealed, revision: desired.revision) }
    }
  }
}
