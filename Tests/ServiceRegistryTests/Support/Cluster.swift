import ClusterModel
import DiscoveryProtocol
import Foundation
import RegistryKit
import Sealing

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
