import ClusterModel
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The discovery service: gRPC, pages and metrics, from start to a graceful end.
///
/// Run it in a `ServiceGroup`. On a graceful shutdown it stops listening, ends watches with a status, answers
/// what is in flight, and writes a last snapshot.
public struct DiscoveryServer: Service {
  /// Where a running service is reached.
  public struct Addresses: Hashable, Sendable {
    /// Where gRPC is served, with the port that was taken.
    public var service: ListenAddress
    /// Where pages are served; nil for nowhere.
    public var landing: ListenAddress?
    /// Where metrics are served beside the pages; nil for nowhere.
    public var metrics: ListenAddress?
  }

  private let configuration: ServiceConfiguration
  private let givenStore: (any ClusterStore)?
  private let logger: Logger
  private let started: @Sendable (Addresses) -> Void

  /// - Parameters:
  ///   - store: Where the state is kept; in this process's memory where none is given.
  ///   - started: Called once all listens.
  public init(
    configuration: ServiceConfiguration, store: (any ClusterStore)? = nil, logger: Logger,
    started: @escaping @Sendable (Addresses) -> Void = { _ in }
  ) {
    self.configuration = configuration
    givenStore = store
    self.logger = logger
    self.started = started
  }

  /// Serves until the surrounding service group shuts down gracefully or the task is cancelled.
  ///
  /// - Throws: ``ServiceConfigurationError`` and what naming files and addresses can't do, before it serves.
  public func run() async throws {
    try configuration.check()
    let running = try RunningService(configuration: configuration, store: givenStore, logger: logger)
    do {
      let addresses = try await running.listen()
      logger.info(
        "the discovery service listens",
        metadata: ["address": "\(addresses.service)", "tls": "\(configuration.certificatePath != nil)"])
      started(addresses)
      await running.serve()
    } catch {
      await running.stop(grace: .zero, keepState: false)
      throw error
    }
    await running.stop(grace: Task.isCancelled ? .zero : configuration.drainTimeout)
  }
}
