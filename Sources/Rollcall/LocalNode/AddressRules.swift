import ClusterModel
import Netlink

/// Which of a machine's addresses others reach it at. Data and pure rules.
enum AddressRules {
  /// The names of interfaces that container runtimes, network plugins and hypervisors make for what runs on
  /// the machine. A name that ends in `*` is how names start.
  static let foreignNames = [
    // Container runtimes and hypervisors.
    "docker*", "br-*", "podman*", "cni*", "lxc*", "lxd*", "virbr*", "vnet*", "tap*", "veth*",
    // Network plugins of Kubernetes.
    "cali*", "tunl0", "vxlan.calico", "wireguard.cali", "flannel*", "cilium*", "kube-*", "nodelocaldns",
    "weave*",
    "ovn-k8s-*", "genev_sys_*", "antrea-*", "dummy-kube*",
    // Networks laid over the one that is asked for.
    "kubespan", "siderolink", "wg*", "tailscale*", "zt*",
  ]

  /// The kinds of interfaces that carry a network laid over the one that is asked for.
  static let overlayKinds: Set<String> = ["wireguard", "vxlan", "geneve", "ipip", "sit", "gre", "ip6tnl"]

  /// The kinds of bridge members that belong to what runs on the machine.
  private static let guestKinds: Set<String> = ["veth", "tun", "vxlan"]

  /// Whether `interface`, one of `all`, may carry an address of the machine's own.
  static func isOwn(_ interface: NetworkInterface, among all: [NetworkInterface]) -> Bool {
    guard interface.isUp, !interface.isLoopback, !overlayKinds.contains(interface.kind),
      interface.alias != NetworkInterface.overlayMark,
      !foreignNames.contains(where: { matches(interface.name, $0) })
    else { return false }
    guard interface.kind == "bridge" else { return true }
    // A bridge with a cable in it, or with nothing to tell by, is the machine's; one that joins only
    // containers is theirs.
    let members = all.filter { $0.master == interface.index }
    return members.isEmpty
      || members.contains {
        !guestKinds.contains($0.kind)
          && !foreignNames.contains(where: { [name = $0.name] in matches(name, $0) })
      }
  }

  /// The addresses at which others reach the machine: IPv4 first, then by the interface, then as the kernel
  /// has them.
  ///
  /// - Parameters:
  ///   - include: addresses outside these networks are left out; empty: none are.
  ///   - exclude: addresses within these networks are left out.
  static func addresses(
    of state: NetworkState, include: [IPPrefix] = [], exclude: [IPPrefix] = []
  ) -> [IPAddress] {
    let own = Set(state.interfaces.filter { isOwn($0, among: state.interfaces) }.map(\.index))
    var seen: Set<IPAddress> = []
    return state.addresses.enumerated().filter { _, address in
      own.contains(address.interface) && isRouted(address)
        && (include.isEmpty || include.contains { $0.contains(address.address) })
        && !exclude.contains { $0.contains(address.address) }
    }.sorted { left, right in
      (left.element.address.family, left.element.interface, left.offset)
        < (right.element.address.family, right.element.interface, right.offset)
    }.map(\.element.address).filter { seen.insert($0).inserted }
  }

  /// Whether others may reach the machine at the address, and can count on it.
  static func isRouted(_ address: InterfaceAddress) -> Bool {
    address.scope == .global && !address.isTemporary && !address.isDeprecated && !address.isUnusable
      && !unroutedNetworks.contains { $0.contains(address.address) }
  }

  /// Loopback, link-local, multicast and unspecified addresses.
  private static let unroutedNetworks = [
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::/128", "::1/128", "fe80::/10", "ff00::/8",
  ].compactMap { try? IPPrefix($0) }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
  }
}
