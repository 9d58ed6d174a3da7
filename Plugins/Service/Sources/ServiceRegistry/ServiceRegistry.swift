import DiscoveryProtocol
import FoundationEssentials
import Logging
public import RegistryKit
import Synchronization

/// Nodes find each other through an encrypted discovery service, or several at once.
public final class ServiceRegistry: RegistryPlugin, PublishingRegistry {
  public static let descriptor = RegistryDescriptor(
    name: "service", version: "1.0.0",
    summary: "finds the nodes of the cluster through an encrypted discovery service",
    optionsSchema: ServiceOptions.schema, publishes: true, wantsClusterSecret: true)

  /// What the plugin calls itself before a service.
  static let clientVersion = "rollcall/\(descriptor.version)"

  private let logger: Logger
  private let runners: [EndpointRunner]
  private let sealer: Mutex<PublicationSealer>

  public convenience init(options: ServiceOptions, context: RegistryContext) throws {
    let settings = try ServiceSettings(options, context)
    self.init(
      settings,
      dialer: GRPCDialer(tls: settings.tls, tokenFile: settings.tokenFile, keepAlive: settings.keepAlive),
      clock: .system(), random: { Double.random(in: 0..<1) }, logger: context.logger)
  }

  init(
    _ settings: ServiceSettings, dialer: any ServiceDialer, clock: ServiceClock,
    random: @escaping @Sendable () -> Double, logger: Logger
  ) {
    self.logger = logger
    runners = settings.services.enumerated().map { number, service in
      EndpointRunner(
        service, number: number, settings: settings, dialer: dialer, clock: clock, random: random,
        logger: logger)
    }
    sealer = Mutex(PublicationSealer(cipher: settings.cipher))
  }

  public func run(updates: RegistryUpdates) async throws {
    warnOfProxy()
    // All that there are, also those that can't be reached: what they told an earlier run isn't dropped for that.
    if runners.count > 1 { try updates.sources(runners.map(\.source)) }
    let output = EndpointRunner.Output(
      updates: updates, status: StatusBoard(updates: updates, count: runners.count))
    try await withThrowingTaskGroup { group in
      for runner in runners { group.addTask { try await runner.run(output) } }
      try await group.waitForAll()
    }
  }

  /// Publishes to all services; returns when the first has accepted it, a withdrawal when all have.
  public func publish(_ publication: Publication) async throws {
    let sealed = try sealer.withLock { sealer throws(RegistryError) in
      do throws(SealError) {
        return try sealer.seal(publication)
      } catch {
        throw RegistryError(.limitExceeded, error.description)
      }
    }
    if sealed.omittedEndpoints > 0 {
      logger.warning(
        "services take \(PublicationSealer.maximumEndpointCount) endpoints of a node; \(sealed.omittedEndpoints) aren't published"
      )
    }
    let isWithdrawal = publication.local == nil
    let failures = try await withThrowingTaskGroup(of: RegistryError?.self) { group in
      for runner in runners {
        group.addTask {
          do {
            try await runner.publish(sealed)
            return nil
          } catch let error as RegistryError {
            return error
          }
        }
      }
      defer { group.cancelAll() }
      var failures: [RegistryError] = []
      for try await failure in group {
        if let failure { failures.append(failure) } else if !isWithdrawal { return [RegistryError]() }
      }
      return failures
    }
    if let first = failures.first {
      throw RegistryError(first.code, failures.map(\.message).joined(separator: "; "))
    }
  }

  private func warnOfProxy() {
    let environment = ProcessInfo.processInfo.environment
    for name in ["grpc_proxy", "https_proxy", "HTTPS_PROXY"] where environment[name]?.isEmpty == false {
      logger.warning("\(name) is set, but a proxy isn't supported: the service is reached directly")
      return
    }
  }
}
