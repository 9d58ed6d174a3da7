import ClusterModel
import Platform

/// A Node as a cluster of the tests has it: everything follows from its number.
///
/// Its JSON has the shape and size of what an API server sends for a Node in use: about 12 KB, most of it
/// managedFields, images and conditions.
public struct NodeFixture: Hashable, Sendable {
  /// Which Node of the cluster, from 0.
  public var index: Int
  /// `metadata.resourceVersion`.
  public var resourceVersion: Int
  /// How often its endpoints have changed: part of the annotation, so that a change shows in the view.
  public var revision: Int

  public init(index: Int, resourceVersion: Int, revision: Int = 0) {
    self.index = index
    self.resourceVersion = resourceVersion
    self.revision = revision
  }

  /// `worker-00042`; the first three are `control-plane-0000n`.
  public var name: String { (isControlPlane ? "control-plane-" : "worker-") + digits(index, 5) }

  public var isControlPlane: Bool { index < 3 }

  public var uid: String { "5f0c7a1e-3b7d-4c55-9a41-" + digits(index, 12) }

  /// The node's identity, made of 32 bytes that follow from the number.
  public var nodeID: String { Base62.encode(bytes(salt: 1)) }

  /// The WireGuard public key.
  public var publicKey: String { Base64.encode(bytes(salt: 2)) }

  /// The address of the machine, 10.64.0.1 onwards.
  public var address: String { "10.\(64 + (index + 1) >> 16).\((index + 1) >> 8 & 255).\((index + 1) & 255)" }

  /// The UDP port of the endpoint, which a change moves.
  public var endpointPort: Int { 51820 + revision % 1000 }

  /// The machine's id, as in /etc/machine-id.
  public var machineID: String { digits(index, 32) }

  public static let osImage = "Talos (v1.3.0)"

  /// The annotations that registries know.
  public var annotations: [(String, String)] {
    var annotations = [
      ("cluster.talos.dev/node-id", nodeID),
      ("networking.talos.dev/assigned-prefixes", "10.\(128 + index >> 8 & 63).\(index & 255).0/24"),
      ("networking.talos.dev/kubespan-endpoints", "\(address):\(endpointPort)"),
      ("networking.talos.dev/kubespan-ip", "fd83:b1f7:fcb5:2802:\(groups(bytes(salt: 3)))"),
      ("networking.talos.dev/kubespan-public-key", publicKey),
      ("networking.talos.dev/self-ips", "\(address),fd00:64::\(String(index + 1, radix: 16))"),
    ]
    if isControlPlane { annotations.append(("networking.talos.dev/api-server-port", "6443")) }
    return annotations
  }

  private func bytes(salt: UInt64) -> [UInt8] {
    var generator = SplitMix(state: UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ salt << 48)
    return (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 24) }
  }

  /// The last 64 bits of an IPv6 address.
  private func groups(_ bytes: [UInt8]) -> String {
    (0..<4).map { String(UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) | 1, radix: 16) }
      .joined(separator: ":")
  }
}

/// `number` with leading zeros.
func digits(_ number: Int, _ count: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, count - text.count)) + text
}
