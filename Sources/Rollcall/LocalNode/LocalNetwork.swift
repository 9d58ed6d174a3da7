package import ClusterModel

/// This machine's network as a mesh between machines needs it: read from the kernel, in the network namespace of the
/// process.
package struct LocalNetwork: Hashable, Sendable {
  /// The addresses of interfaces that are up, loopback's left out, with the length of their network.
  package var addresses: [IPPrefix] = []
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
    var shown: Set<UInt32> = []
    for interface in state.interfaces {
      if interface.isUp, !interface.isLoopback { shown.insert(interface.index) }
      guard interface.isEthernet, interface.hardwareAddress.count == 6 else { continue }
      hardware[interface.name] = interface.hardwareAddress
      if interface.kind.isEmpty { physical.append(interface.name) }
    }
    physical.sort()
    addresses = state.addresses.filter { shown.contains($0.interface) && !$0.isUnusable }
      .compactMap { IPPrefix(address: $0.address, length: $0.prefixLength) }
  }
}
