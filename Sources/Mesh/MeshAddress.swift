package import ClusterModel
package import KubeSpan
package import Rollcall
import Sealing

/// This node's address in its cluster's KubeSpan network, and what it is made of.
package struct MeshAddress: Hashable, Sendable {
  /// The address, 64 bits of which are the network's.
  package let prefix: IPPrefix
  /// What a person should know of how it came about; nil: it is what the existing system would have.
  package let note: String?

  /// The address with all its bits.
  package var address: IPAddress { prefix.address }

  /// The address of the machine whose network is `network`.
  ///
  /// Rule (siderolabs/talos, `kubespan.IdentityController`): the hardware address of the first physical Ethernet
  /// interface by name. Containers and network namespaces have none: there it is made of the node's identity, which
  /// is as lasting.
  ///
  /// - Throws: ``ModelError`` where a named interface isn't there or has no hardware address.
  package init(
    _ settings: KubeSpanSettings, clusterID: String, nodeID: NodeIdentity, network: LocalNetwork
  ) throws(ModelError) {
    let subnet = try UniqueLocalNetwork(clusterID: clusterID, digest: SealedBlob.digest)
    let hardware: HardwareAddress
    var note: String?
    if let chosen = settings.hardwareAddress {
      hardware = chosen
    } else if let name = settings.hardwareInterface {
      guard let found = network.hardware[name].flatMap({ HardwareAddress(bytes: $0) }) else {
        let known = network.hardware.keys.sorted().map { quoted($0) }.joined(separator: ", ")
        throw ModelError(
          "hardwareInterface: there is no Ethernet interface \(quoted(name)) here"
            + (known.isEmpty ? "" : " (there are \(known))"))
      }
      hardware = found
    } else if let found = network.physical.lazy.compactMap({ network.hardware[$0] })
      .compactMap({ HardwareAddress(bytes: $0) }).first
    {
      hardware = found
    } else {
      hardware = try Self.standIn(for: nodeID)
      note =
        "this machine has no physical interface: its KubeSpan address is made of its node identity"
        + " (hardwareInterface or hardwareAddress choose otherwise)"
    }
    guard let prefix = IPPrefix(address: subnet.address(of: hardware), length: 64) else {
      throw ModelError("this node's KubeSpan address can't be written as a prefix")
    }
    self.prefix = prefix
    self.note = note
  }

  /// Six bytes of the identity's digest, marked as locally administered and of one machine (IEEE 802).
  private static func standIn(for nodeID: NodeIdentity) throws(ModelError) -> HardwareAddress {
    guard var bytes = SealedBlob.digest(Array(nodeID.text.utf8))?.prefix(6), let first = bytes.first,
      bytes.count == 6
    else {
      throw ModelError(
        "the node identity's SHA-256 digest can't be computed, so there is no KubeSpan address")
    }
    bytes[bytes.startIndex] = first & 0xFE | 0x02
    guard let hardware = HardwareAddress(bytes: bytes) else {
      throw ModelError("the node identity's digest gives no hardware address")
    }
    return hardware
  }
}
