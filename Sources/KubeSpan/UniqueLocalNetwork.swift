public import ClusterModel

/// The unique local /64 of a cluster for one purpose (RFC 4193), which all its nodes compute alike.
///
/// Rule (siderolabs/talos, `network.ULAPrefix`): the last 16 bytes of the SHA-256 digest of the cluster's id, with
/// `fd` as the first byte and the purpose as the eighth; the first 64 bits of that are the network.
public struct UniqueLocalNetwork: Hashable, Sendable {
  /// What a network is for: the eighth byte of its addresses.
  public enum Purpose: UInt8, Hashable, Sendable {
    case bootstrap = 1
    case kubeSpan = 2
    case sideroLink = 3
    case virtualSideroLink = 4
  }

  /// The network, 64 bits long.
  public let prefix: IPPrefix

  /// The network of the cluster that is called `clusterID`, any text as it was configured.
  ///
  /// - Parameter digest: the SHA-256 digest of bytes, nil where that can't be had.
  /// - Throws: ``ModelError`` where `digest` gives anything but 32 bytes.
  public init(
    clusterID: String, purpose: Purpose = .kubeSpan, digest: (_ bytes: [UInt8]) -> [UInt8]?
  ) throws(ModelError) {
    guard let digest = digest(Array(clusterID.utf8)), digest.count == 32 else {
      throw ModelError("the cluster id's SHA-256 digest can't be computed, so there is no KubeSpan network")
    }
    var network = digest[16..<24].reduce(0) { $0 << 8 | UInt64($1) }
    network = network & 0x00FF_FFFF_FFFF_FF00 | 0xFD << 56 | UInt64(purpose.rawValue)
    guard let prefix = IPPrefix(address: IPAddress(v6High: network, low: 0), length: 64) else {
      throw ModelError("the cluster's KubeSpan network can't be written as a prefix")
    }
    self.prefix = prefix
  }

  /// The address in this network of the node whose first interface has `hardware`: the network, then the modified
  /// EUI-64 (siderolabs/talos, `network.ULAAddress`).
  public func address(of hardware: HardwareAddress) -> IPAddress {
    IPAddress(v6High: prefix.address.bits.high, low: hardware.interfaceIdentifier)
  }
}

extension IPAddress {
  /// Whether this is a unique local address of any cluster for `purpose`: `fd` first, the purpose as the eighth
  /// byte (siderolabs/talos, `network.IsULA`).
  public func isUniqueLocal(for purpose: UniqueLocalNetwork.Purpose) -> Bool {
    family == .v6 && bits.high >> 56 == 0xFD && bits.high & 0xFF == UInt64(purpose.rawValue)
  }
}
