package import ClusterModel
import Netlink

/// This machine's network as a mesh between machines needs it: read from the kernel, in the network namespace of the
/// process.
package struct LocalNetwork: Hashable, Sendable {
  /// An address of an interface.
  package struct Address: Hashable, Sendable {
    /// The interface's name.
    package var interface: String
    /// The address, with the length of its network.
    package var prefix: IPPrefix

    package init(interface: String, prefix: IPPrefix) {
      self.interface = interface
      self.prefix = prefix
    }
  }

  /// The addresses of interfaces that are up, loopback's left out.
  package var addresses: [Address] = []
  /// The hardware addresses of Ethernet interfaces by name.
  package var hardware: [String: [UInt8]] = [:]
  /// The names of the interfaces in ``hardware`` that are no virtual ones, ascending.
  package var physical: [String] = []

  /// A machine without a network.
  package init() {}

  /// Reads it.
  ///
  /// - Throws: why the kernel doesn't tell.
  package static func read() throws -> LocalNetwork { LocalNetwork(try RouteSocket().state()) }

  /// Yields at each change of interfaces and their addresses, several at once as one.
  package static func changes() -> AsyncStream<Void> { AddressWatch.pulses() }

  init(_ state: NetworkState) {
    var shown: [UInt32: String] = [:]
    for interface in state.interfaces {
      if interface.isUp, !interface.isLoopback { shown[interface.index] = interface.name }
      guard interface.isEthernet, interface.hardwareAddress.count == 6 else { continue }
      hardware[interface.name] = interface.hardwareAddress
      if interface.kind.isEmpty { physical.append(interface.name) }
    }
    physical.sort()
    addresses = state.addresses.compactMap { address in
      guard let name = shown[address.interface], !address.isUnusable,
        let prefix = IPPrefix(address: address.address, length: address.length)
      else { return nil }
      return Address(interface: name, prefix: prefix)
    }
  }

  /// The addresses that others may reach this machine at, but by way of `interface`.
  package func addresses(besides interface: String) -> [IPPrefix] {
    addresses.filter { $0.interface != interface && !$0.prefix.address.isLinkLocal }.map(\.prefix)
  }

  /// The networks of this node's pods, ascending: those of the bridges that network plugins of Kubernetes put pods on
  /// (the CNI plugin `bridge`, so Flannel's and Canal's too; kubenet; kube-router). Who routes without a bridge, as
  /// Calico and Cilium do, has none here.
  package var podNetworks: [IPPrefix] {
    Set(
      addresses.filter { Self.podBridges.contains($0.interface) && !$0.prefix.address.isLinkLocal }
        .map(\.prefix.network)
    ).sorted { $0.description < $1.description }
  }

  private static let podBridges: Set<String> = ["cni0", "cbr0", "kube-bridge"]
}
