import ClusterModel
import Foundation
package import KubernetesRegistry

/// The same fields of a list as Foundation's JSONDecoder finds them, to compare with.
package struct FoundationNodeList: Decodable {
  struct Node: Decodable {
    struct Metadata: Decodable {
      var name: String
      var uid: String?
      var resourceVersion: String?
      var creationTimestamp: Date?
      var annotations: [String: String]?
      var labels: [String: String]?
    }
    struct Address: Decodable {
      var type: String
      var address: String
    }
    struct NodeInfo: Decodable {
      var osImage: String
      var machineID: String?
    }
    struct Condition: Decodable {
      var type: String
      var status: String
      var reason: String?

      var health: NodeHealth { status == "True" ? .ready : .notReady(reason: reason ?? "") }
    }
    struct Status: Decodable {
      var addresses: [Address]?
      var conditions: [Condition]?
      var nodeInfo: NodeInfo?
    }
    var metadata: Metadata
    var status: Status?
  }

  var items: [Node]

  /// - Parameter prefixes: what keys of labels and annotations start with that are kept.
  package static func decode(_ bytes: [UInt8], prefixes: [String] = []) throws -> [NodeObject] {
    func chosen(_ values: [String: String]?) -> [String: String] {
      (values ?? [:]).filter { pair in prefixes.contains { pair.key.hasPrefix($0) } }
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(FoundationNodeList.self, from: Data(bytes)).items.map { node in
      func addresses(_ type: String) -> [String] {
        (node.status?.addresses ?? []).filter { $0.type == type && !$0.address.isEmpty }.map(\.address)
      }
      return NodeObject(
        name: node.metadata.name, uid: node.metadata.uid ?? "",
        resourceVersion: node.metadata.resourceVersion ?? "",
        createdAt: node.metadata.creationTimestamp.map {
          Timestamp(milliseconds: Int64(($0.timeIntervalSince1970 * 1000).rounded()))
        },
        annotations: (node.metadata.annotations ?? [:]).filter { needed.contains($0.key) },
        chosenAnnotations: chosen(node.metadata.annotations), labels: chosen(node.metadata.labels),
        isControlPlane: node.metadata.labels?["node-role.kubernetes.io/control-plane"] != nil,
        hostname: node.status?.addresses?.first { $0.type == "Hostname" }?.address ?? "",
        addresses: addresses("InternalIP") + addresses("ExternalIP"),
        osImage: node.status?.nodeInfo?.osImage ?? "", machineID: node.status?.nodeInfo?.machineID ?? "",
        health: node.status?.conditions?.first { $0.type == "Ready" }?.health)
    }
  }

  private static let needed: Set<String> = [
    "cluster.talos.dev/node-id", "networking.talos.dev/self-ips", "networking.talos.dev/api-server-port",
    "networking.talos.dev/kubespan-ip", "networking.talos.dev/kubespan-public-key",
    "networking.talos.dev/assigned-prefixes", "networking.talos.dev/kubespan-endpoints",
    "networking.talos.dev/kubespan-exclude-advertised-networks",
  ]
}
