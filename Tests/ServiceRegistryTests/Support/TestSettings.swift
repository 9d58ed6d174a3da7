import ClusterModel
import Logging
import RegistryKit
import RegistryTestSupport

@testable import ServiceRegistry

/// The options and context of a test.
enum TestSettings {
  static func context(base: String = ".", local: String? = "local") throws -> RegistryContext {
    RegistryContext(
      name: "service", localNodeID: try local.map { try NodeIdentity($0) }, clusterID: Cluster.id,
      clusterSecret: Cluster.secret, baseDirectory: base, logger: Logger(label: "test"))
  }

  static func settings(
    _ options: ServiceOptions = ServiceOptions(endpoint: "http://service.test:3000")
  ) throws -> ServiceSettings { try ServiceSettings(options, try context()) }
}

extension ServiceOptions {
  init(
    endpoint: String? = nil, endpoints: [String] = [], caFile: String? = nil, clientCertFile: String? = nil,
    clientKeyFile: String? = nil, tokenFile: String? = nil
  ) {
    self.init()
    self.endpoint = endpoint
    self.endpoints = endpoints
    self.caFile = caFile
    self.clientCertFile = clientCertFile
    self.clientKeyFile = clientKeyFile
    self.tokenFile = tokenFile
  }
}

/// Runs `registry` while `body` runs, with what it gives remembered by `recorder`.
func running(
  _ registry: any Registry, _ recorder: SessionRecorder, clock: any Clock<Duration> = ContinuousClock(),
  _ body: @escaping @Sendable () async throws -> Void
) async throws { try await recorder.run(registry, clock: clock, body) }
