import Netlink

/// Interfaces and their addresses at one moment.
struct NetworkState: Hashable, Sendable {
  var interfaces: [NetworkInterface] = []
  var addresses: [InterfaceAddress] = []
}
