public import ClusterModel

/// What a person sets for KubeSpan: the keys of the existing system (siderolabs/talos, `KubeSpanConfig`,
/// `KubeSpanEndpointsConfig`) with their defaults, and what that fixes in its code.
public struct KubeSpanSettings: Hashable, Sendable {
  /// Which kind of WireGuard device carries the mesh.
  public enum DevicePreference: String, Hashable, Sendable, CaseIterable {
    /// The kernel's, or a userspace one where the kernel has none.
    case auto
    case kernel
    case userspace
  }

  /// `advertiseKubernetesNetworks`: whether this node's pod networks are reached through it.
  public var advertisesKubernetesNetworks = false
  /// `allowDownPeerBypass`: whether packets to peers that aren't up go the plain way, in clear.
  public var allowsDownPeerBypass = false
  /// `harvestExtraEndpoints`: whether others are told at which unlisted endpoints peers are up.
  public var harvestsExtraEndpoints = false
  /// What ``mtu`` may be: IPv6 needs 1280, and the largest packet has 80 bytes for the tunnel itself.
  public static let mtuRange = 1280...65_455

  /// `mtu`: bytes of a packet within the tunnel, 1280 or more; the network's without is to carry 80 more.
  public var mtu: UInt32 = 1420
  /// `filters.endpoints`: which of this node's addresses are announced as endpoints; nil: all.
  public var endpointFilter: AddressFilter?
  /// `filters.excludeAdvertisedNetworks`: what others shall not send through the tunnel to this node.
  public var excludedNetworks: [IPPrefix] = []
  /// `filters.peerEndpoints`: which endpoints of others this node tries; nil: all.
  public var peerEndpointFilter: AddressFilter?
  /// `filters.addresses`: which of this node's addresses others reach through the tunnel; nil: all.
  public var addressFilter: AddressFilter?
  /// `extraAnnouncedEndpoints`: announced beside those that are found.
  public var extraEndpoints: [IPEndpoint] = []

  /// `interface`: the link's name, at most 15 bytes.
  public var interface = "kubespan"
  /// `listenPort`: UDP.
  public var listenPort = OwnEndpoints.defaultPort
  /// `routingTable`: the table whose default routes lead into the tunnel.
  public var routingTable: UInt32 = 180
  /// `rulePriority`: that of the rules which lead into the table.
  public var rulePriority: UInt32 = 32500
  /// `marks.device`: the mark of packets that the device itself sends.
  public var deviceMark: UInt32 = 0x20
  /// `marks.peer`: the mark of packets to peers.
  public var peerMark: UInt32 = 0x40
  /// `marks.mask`: the bits in which marks stand; others' bits aren't touched.
  public var markMask: UInt32 = 0x60
  /// `keepAlive`: seconds; 0: none.
  public var keepAlive: UInt16 = 25
  /// `device`
  public var device = DevicePreference.auto
  /// `hardwareInterface`: whose hardware address the node's address is made of; nil: the first physical one by name.
  public var hardwareInterface: String?
  /// `hardwareAddress`: taken in place of an interface's.
  public var hardwareAddress: HardwareAddress?
  /// `identityFile`: the path of the file with the key; nil: `kubespan-identity.yaml` in the state folder.
  public var identityFile: String?
  /// `keepOnExit`: whether the tunnel stays when the daemon stops, for upgrades.
  public var keepsOnExit = false
  /// `keepPeersFor`: how long peers are kept of which no registry knows any more because it can't be asked.
  public var keepsPeersFor: Duration = .seconds(24 * 3600)
  /// `degradedAfter`: how long a peer may be down before the node isn't said to be ready.
  public var degradedAfter: Duration = .seconds(300)
  /// `nftablesTable`: the name of the table, of family inet, that holds the sets of peers' addresses.
  public var nftablesTable = "rollcall"

  /// The defaults.
  public init() {}
}
