import ClusterModel
import DiscoveryProtocol
import Foundation
import Logging
import RegistryKit

@testable import ServiceRegistry

/// A cluster's id and secret, and its nodes as a service has them.
struct Cluster: Sendable {
  static let secret = "IzPlAZesD1BSFZLYXKJXa+OJVo3rhZfsn0A1DTgjLek="
  static let id = "7dQi+k9JuwCPIeKAeS3H/3pAbNnVostDFXkNGrL/fDo="

  let cipher: AffiliateCipher

  init(secret: String = Cluster.secret) throws {
    cipher = AffiliateCipher(key: try ClusterKey(base64: secret))
  }

  /// What a node publishes.
  func affiliate(_ id: String, hostname: String = "", endpoints: [String] = []) throws -> Affiliate {
    Affiliate(
      nodeID: try NodeIdentity(id), addresses: [IPAddress(v4: 0x0A00_0001)], hostname: hostname,
      nodename: "node-\(id)", machineType: .worker,
      kubeSpan: endpoints.isEmpty
        ? nil : KubeSpanAffiliate(endpoints: try endpoints.map { try IPEndpoint($0) }))
  }

  /// What the service has of it.
  func wire(_ id: String, hostname: String = "", endpoints: [String] = []) throws -> WireAffiliate {
    let data = try cipher.seal(try affiliate(id, hostname: hostname))
    let sealed = try endpoints.map { Data(try cipher.seal(try IPEndpoint($0))) }
    return .with {
      $0.id = id
      $0.data = Data(data)
      $0.endpoints = sealed
    }
  }

  /// An answer of Watch.
  func answer(_ affiliates: WireAffiliate..., deleted: Bool = false) -> WireWatchResponse {
    .with {
      $0.affiliates = affiliates
      $0.deleted = deleted
    }
  }

  static func gone(_ id: String, _ reason: WireRemovalReason = .unspecified) -> WireWatchResponse {
    .with {
      $0.affiliates = [.with { $0.id = id }]
      $0.deleted = true
      $0.reason = reason
    }
  }
}

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

/// Runs `registry` while `body` runs, with what it gives remembered by `recorder`.
func running<Result>(
  _ registry: any Registry, _ recorder: Recorder, clock: any Clock<Duration> = ContinuousClock(),
  context: RegistryContext? = nil, _ body: () async throws -> Result
) async throws -> Result {
  let session = recorder.session(try context ?? TestSettings.context(), clock)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      do {
        try await registry.run(session)
      } catch is CancellationError {
      }
    }
    defer { group.cancelAll() }
    return try await body()
  }
}
