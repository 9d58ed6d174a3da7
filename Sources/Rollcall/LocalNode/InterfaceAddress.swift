import ClusterModel

/// A network interface, as the kernel tells of it.
struct NetworkInterface: Hashable, Sendable {
  var index: UInt32
  var name: String
  /// The kind of a virtual one: `bridge`, `veth`, `wireguard`; empty for hardware.
  var kind: String = ""
  var isUp = true
  var isLoopback = false
  /// The bridge or bond that it is a part of, by index; nil for none.
  var master: UInt32?
  /// Whether it is one of Ethernet, by ARPHRD_ETHER.
  var isEthernet = false
  /// Its hardware address; empty for none.
  var hardwareAddress: [UInt8] = []
}

/// An address of an interface, as the kernel tells of it.
struct InterfaceAddress: Hashable, Sendable {
  var address: IPAddress
  var interface: UInt32
  /// Bits of its network.
  var prefixLength = 0
  var scope: Scope = .global
  /// A privacy address, which goes after a day.
  var isTemporary = false
  /// No longer to be used for anything new.
  var isDeprecated = false
  /// Not known yet to be free, or known not to be.
  var isUnusable = false

  /// How far an address reaches.
  enum Scope: Hashable, Sendable {
    case global, link, host
  }
}

/// Interfaces and their addresses at one moment.
struct NetworkState: Hashable, Sendable {
  var interfaces: [NetworkInterface] = []
  var addresses: [InterfaceAddress] = []
  /// Whether something changed while the kernel told this, so that it is true of no one moment.
  var isInterrupted = false
}
